//! Where things lie in a repository.

use std::path::{Path, PathBuf};

/// Folders that builds make; what is in them follows from the rest.
pub const BUILT: [&str; 7] = [
    "target",
    "build",
    "node_modules",
    "dist",
    "__pycache__",
    "coverage",
    "tmp",
];

/// Where cargo builds.
pub fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), |folder| root.join(folder))
}
