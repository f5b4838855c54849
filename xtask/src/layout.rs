//! Where things lie in a repository.

use std::path::{Path, PathBuf};

/// Folders that tools make; what is in them follows from the rest.
const MADE: [&str; 4] = ["target", "node_modules", "dist", "__pycache__"];

/// Whether a folder holds no packages of the repository: what tools make, and what tests run on.
pub fn holds_no_packages(name: &str) -> bool {
    MADE.contains(&name) || name == "fixtures"
}

/// Whether a build of a checkout makes a folder of this name.
pub fn is_built(name: &str) -> bool {
    MADE.contains(&name) || ["build", "coverage", "tmp"].contains(&name)
}

pub fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), |folder| root.join(folder))
}
