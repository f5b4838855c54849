//! Lock files: what they have of our packages and of Tasker Core's, and the tools that bring them up to date.

use std::path::{Path, PathBuf};

use super::drift::Drift;
use super::package::Package;
use crate::error::Result;
use crate::file::{read, relative};
use crate::tasker_core::{Row, TABLE_FILE};

/// The lock file that a package's dependencies are in, if there is one.
pub fn of(root: &Path, package: &Package) -> Option<PathBuf> {
    package.ecosystem.lock(root, &root.join(&package.folder))
}

/// What a package's lock file has that does not fit its manifest, or the table of Core's packages.
pub fn drifts(root: &Path, package: &Package, core: &[Row], found: &mut Vec<Drift>) -> Result<()> {
    let Some(file) = of(root, package) else {
        return Ok(());
    };
    let at = relative(root, &file).display().to_string();
    let fix = package.ecosystem.lock_fix();
    let written = package
        .ecosystem
        .write(&package.version)
        .unwrap_or_else(|_| package.version.to_string());
    for locked in package.ecosystem.locked(&read(&file)?) {
        if locked.is_ours && locked.name == package.name && locked.version != written {
            found.push(Drift {
                at: at.clone(),
                what: format!(
                    "the lock file has {} {}, the manifest {written}",
                    package.name, locked.version
                ),
                fix: fix.to_owned(),
            });
        }
        let row = core
            .iter()
            .find(|row| row.language == package.ecosystem.language() && row.name == locked.name);
        if let Some(row) =
            row.filter(|row| !locked.is_ours && row.published.to_string() != locked.version)
        {
            let drift = Drift {
                at: at.clone(),
                what: format!(
                    "the lock file has {} {}, but {} names {} as published",
                    row.name, locked.version, TABLE_FILE, row.published
                ),
                fix: "lock the published version, or correct the table".into(),
            };
            // A workspace's lock file is that of many packages.
            if !found.contains(&drift) {
                found.push(drift);
            }
        }
    }
    Ok(())
}

/// Commands that bring a package's lock file up to date: folder, words.
///
/// Bundler has no question whether it fits; [`drifts`] is asked for all of them afterwards.
pub fn commands(root: &Path, package: &Package) -> Vec<(PathBuf, Vec<String>)> {
    let Some(folder) = of(root, package).and_then(|lock| lock.parent().map(Path::to_owned)) else {
        return Vec::new();
    };
    let commands = package.ecosystem.lock_commands().iter();
    commands
        .map(|text| (folder.clone(), text.split(' ').map(str::to_owned).collect()))
        .collect()
}
