//! Copies of directory trees, and directories that appear whole or not at all.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context as _;

/// Copies what is inside `from` into the existing directory `to`, with permissions and links.
pub fn copy_tree(from: &Path, to: &Path) -> anyhow::Result<()> {
    copy_inner(from, to).with_context(|| format!("copy {} to {}", from.display(), to.display()))
}

fn copy_inner(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::create_dir(&target)?;
            copy_inner(&entry.path(), &target)?;
            fs::set_permissions(&target, entry.metadata()?.permissions())?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, &target)?;
        } else {
            // The kernel's own copy: shares blocks where the file system can.
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Moves a finished directory to its place. Another process that was faster has made the same, so ours is dropped.
pub fn publish(fresh: tempfile::TempDir, place: &Path) -> anyhow::Result<()> {
    let made = fresh.keep();
    match fs::rename(&made, place) {
        Ok(()) => Ok(()),
        Err(_) if place.is_dir() => Ok(fs::remove_dir_all(made)?),
        Err(error) => {
            let _ = fs::remove_dir_all(&made);
            Err(error).with_context(|| format!("move a finished directory to {}", place.display()))
        }
    }
}
