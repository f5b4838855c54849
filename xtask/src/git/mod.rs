//! What git knows: which files count, their content ids, and what changed since a base.
//!
//! The index is read directly: one file, and one `stat` per entry tell which files are as they were when git saw them last, without a process.

pub mod changes;
pub mod files;
mod index;
pub mod run;
mod settings;
mod walk;

use std::path::{Path, PathBuf};

pub use changes::{default_base, Asked, Changes};
pub use files::{Files, Id};

/// The folder with `index`, also in a linked work tree, where `.git` is a file that names it.
fn git_folder(root: &Path) -> Option<PathBuf> {
    let git = root.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = std::fs::read_to_string(&git).ok()?;
    let folder = text.strip_prefix("gitdir:")?.trim();
    Some(root.join(folder))
}

/// The folder that all work trees of a clone share, with its configuration and excludes.
fn common_folder(git: &Path) -> PathBuf {
    match std::fs::read_to_string(git.join("commondir")) {
        Ok(text) => git.join(text.trim()),
        Err(_) => git.to_owned(),
    }
}

/// How the files of a root are reached: by paths without it where this process is in it, so that the kernel need not walk from `/` for each.
fn near(root: &Path) -> PathBuf {
    match std::env::current_dir() {
        Ok(here) if here == root => PathBuf::new(),
        _ => root.to_owned(),
    }
}
