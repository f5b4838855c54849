//! Packed bytes, kept below `target/xtask/release/COMMIT`: a hint that saves packing again, never the truth.
//!
//! ```text
//! source/                     a clean clone at the commit
//! units/FOLDER-VERSION/       the files of a unit, and SHA256SUMS
//! units/FOLDER-VERSION.verified   the sum of the SHA256SUMS that was verified
//! ```

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::publish::sums::{self, Algorithm, Sum};
use crate::publish::Context;
use crate::publish::{Packed, Unit};

/// Relative to the repository.
pub const FOLDER: &str = "target/xtask/release";

/// The folder of a commit.
pub fn folder(root: &Path, commit: &str) -> PathBuf {
    root.join(FOLDER).join(commit.get(..12).unwrap_or(commit))
}

/// The folder of a unit's packed files.
pub fn of_unit(context: &Context, unit: &Unit) -> PathBuf {
    let place = if unit.folder.is_empty() {
        &unit.name
    } else {
        &unit.folder
    };
    context
        .folder
        .join("units")
        .join(format!("{}-{}", place.replace('/', "__"), unit.version))
}

/// A unit's packed files, if they are all there with the bytes that were summed up.
pub fn packed(context: &Context, unit: &Unit) -> Option<Packed> {
    let folder = of_unit(context, unit);
    let listing = std::fs::read_to_string(folder.join(sums::FILE)).ok()?;
    let files = sums::parse(&listing);
    let whole = files.iter().all(|(name, sum)| {
        Sum::of_file(Algorithm::Sha256, &folder.join(name)).is_ok_and(|found| found.hex == *sum)
    });
    if !whole || files.is_empty() {
        return None;
    }
    let (artifacts, mut extras): (Vec<String>, Vec<String>) = files
        .into_iter()
        .map(|(name, _)| name)
        .partition(|name| unit.channel.is_artifact(unit, name));
    extras.push(sums::FILE.to_owned());
    Some(Packed {
        folder,
        artifacts,
        extras,
    })
}

/// Removes what a killed run left unfinished. Only for the one run that has the lock.
pub fn sweep(context: &Context) -> Result<()> {
    for folder in [context.folder.clone(), context.folder.join("units")] {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            // Whatever is finished has a name without a dot.
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                let path = entry.path();
                let removed = if path.is_dir() {
                    std::fs::remove_dir_all(&path)
                } else {
                    std::fs::remove_file(&path)
                };
                removed.map_err(Error::io("remove", &path))?;
            }
        }
    }
    Ok(())
}

fn marker(context: &Context, unit: &Unit) -> PathBuf {
    let folder = of_unit(context, unit);
    let name = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    folder.with_file_name(format!("{name}.verified"))
}

fn fingerprint(packed: &Packed) -> Result<String> {
    Sum::of_file(Algorithm::Sha256, &packed.folder.join(sums::FILE)).map(|sum| sum.to_string())
}

/// Whether exactly these bytes were verified.
pub fn is_verified(context: &Context, unit: &Unit, packed: &Packed) -> bool {
    let noted = std::fs::read_to_string(marker(context, unit)).unwrap_or_default();
    fingerprint(packed).is_ok_and(|sum| noted == sum)
}

/// Notes that these bytes were verified.
pub fn note_verified(context: &Context, unit: &Unit, packed: &Packed) -> Result<()> {
    context.write(&marker(context, unit), &fingerprint(packed)?)
}
