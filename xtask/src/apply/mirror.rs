//! A second tree of the repository's files in which some files may differ.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::file::{remove, write};
use crate::layout::is_built;
use crate::plan::Mirror;

/// Never in a mirror: what belongs to git, to cargo's builds and to xtask.
const LEFT_OUT: [&str; 3] = [".git", "target", ".xtask"];
/// Nor is this in a mirror below its original, from where cargo finds it anyway.
const SETTINGS: &str = ".cargo";
/// Beside the copy of a file, and in that of a folder: what it was copied from.
const ORIGIN: &str = "xtask-mirror-origin";

/// Brings the mirror up to date. Folders on the way to a copy are real, everything else is a link to the original; a copy
/// stays as it is, with the changes made to it, until the original file or the key changes.
pub fn mirror(mirror: &Mirror) -> Result<()> {
    let folders: BTreeSet<PathBuf> = mirror
        .copies
        .iter()
        .flat_map(|copy| copy.ancestors().skip(1))
        .map(Path::to_owned)
        .collect();
    for folder in &folders {
        let (from, into) = (mirror.from.join(folder), mirror.into.join(folder));
        if into.is_symlink() {
            std::fs::remove_file(&into).map_err(Error::io("remove", &into))?;
        }
        std::fs::create_dir_all(&into).map_err(Error::io("create", &into))?;
        let is_own = |name: &str| {
            let path = folder.join(name);
            folders.contains(&path) || mirror.copies.contains(&path) || name == ORIGIN
        };
        let wanted: BTreeSet<String> = names(&from)?
            .into_iter()
            .filter(|name| !is_left_out(mirror, name) && !is_own(name))
            .collect();
        for name in names(&into)? {
            if !wanted.contains(&name) && !is_own(&name) {
                remove(&into.join(&name))?;
            }
        }
        for name in &wanted {
            link(&from.join(name), &into.join(name))?;
        }
    }
    for copy in &mirror.copies {
        refresh(mirror, copy)?;
    }
    Ok(())
}

fn is_left_out(mirror: &Mirror, name: &str) -> bool {
    LEFT_OUT.contains(&name) || name == SETTINGS && mirror.into.starts_with(&mirror.from)
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

fn link(target: &Path, place: &Path) -> Result<()> {
    if std::fs::read_link(place).is_ok_and(|found| found == target) {
        return Ok(());
    }
    remove(place)?;
    std::os::unix::fs::symlink(target, place).map_err(Error::io("link", place))
}

fn refresh(mirror: &Mirror, copy: &Path) -> Result<()> {
    let original = mirror.from.join(copy);
    if original.is_dir() {
        return refresh_folder(mirror, &original, &mirror.into.join(copy));
    }
    let Ok(text) = std::fs::read_to_string(&original) else {
        return Ok(());
    };
    let place = mirror.into.join(copy);
    let origin = place.with_file_name(ORIGIN);
    let from = format!("{}\n{text}", mirror.key);
    if place.is_file() && std::fs::read_to_string(&origin).is_ok_and(|known| known == from) {
        return Ok(());
    }
    write(&place, &text)?;
    write(&origin, &from)
}

fn refresh_folder(mirror: &Mirror, original: &Path, place: &Path) -> Result<()> {
    let origin = place.join(ORIGIN);
    if std::fs::read_to_string(&origin).is_ok_and(|known| known == mirror.key) {
        return Ok(());
    }
    remove(place)?;
    copy_folder(original, place)?;
    // Last, so that half a copy is made again.
    write(&origin, &mirror.key)
}

/// Copies what follows from nothing else; links stay links.
fn copy_folder(from: &Path, into: &Path) -> Result<()> {
    std::fs::create_dir_all(into).map_err(Error::io("create", into))?;
    for name in names(from)? {
        let (original, place) = (from.join(&name), into.join(&name));
        let meta = original
            .symlink_metadata()
            .map_err(Error::io("read", &original))?;
        if meta.is_dir() {
            if !is_built(&name) {
                copy_folder(&original, &place)?;
            }
        } else if meta.is_symlink() {
            let target = std::fs::read_link(&original).map_err(Error::io("read", &original))?;
            std::os::unix::fs::symlink(target, &place).map_err(Error::io("link", &place))?;
        } else if meta.is_file() {
            std::fs::copy(&original, &place).map_err(Error::io("copy", &original))?;
        }
    }
    Ok(())
}
