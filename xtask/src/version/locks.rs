//! Lock files: what they have of our packages and of Tasker Core's, and the tools that bring them up to date.

use std::path::{Path, PathBuf};

use super::check::Drift;
use super::manifest::normalized;
use super::{Ecosystem, Package};
use crate::core::Row;
use crate::error::Result;
use crate::file::{read, relative};

/// A package in a lock file.
struct Locked {
    name: String,
    version: String,
    /// It comes from the repository, not from a registry.
    is_ours: bool,
}

/// The lock file that a package's dependencies are in, if there is one.
pub fn of(root: &Path, package: &Package) -> Option<PathBuf> {
    let folder = root.join(&package.folder);
    let name = match package.ecosystem {
        // A workspace has one for all.
        Ecosystem::Crate => {
            return folder
                .ancestors()
                .take_while(|above| above.starts_with(root))
                .map(|above| above.join("Cargo.lock"))
                .find(|lock| lock.is_file());
        }
        Ecosystem::Npm => "package-lock.json",
        Ecosystem::Gem => "Gemfile.lock",
        Ecosystem::Python => "requirements.lock",
        Ecosystem::Chart | Ecosystem::Plugin => return None,
    };
    Some(folder.join(name)).filter(|lock| lock.is_file())
}

/// What a package's lock file has that does not fit its manifest, or the table of Core's packages.
///
/// # Errors
/// If a file cannot be read.
pub fn drifts(root: &Path, package: &Package, core: &[Row], found: &mut Vec<Drift>) -> Result<()> {
    let Some(file) = of(root, package) else {
        return Ok(());
    };
    let at = relative(root, &file).display().to_string();
    let fix = match package.ecosystem {
        Ecosystem::Crate => "cargo update --workspace --offline",
        Ecosystem::Npm => "npm install --package-lock-only",
        Ecosystem::Gem => "bundle lock --local",
        _ => "compile it again (see its first lines)",
    };
    let written = super::notation::write(package.ecosystem, &package.version)
        .unwrap_or_else(|_| package.version.to_string());
    for locked in entries(package.ecosystem, &read(&file)?) {
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
                    row.name,
                    locked.version,
                    crate::core::TABLE_FILE,
                    row.published
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

fn entries(ecosystem: Ecosystem, text: &str) -> Vec<Locked> {
    match ecosystem {
        Ecosystem::Crate => cargo(text),
        Ecosystem::Npm => npm(text),
        Ecosystem::Gem => bundler(text),
        _ => requirements(text),
    }
}

fn cargo(text: &str) -> Vec<Locked> {
    let table: toml::Table = text.parse().unwrap_or_default();
    let entries = table.get("package").and_then(toml::Value::as_array);
    let word = |entry: &toml::Value, key: &str| {
        entry
            .get(key)
            .and_then(toml::Value::as_str)
            .unwrap_or("")
            .to_owned()
    };
    entries
        .into_iter()
        .flatten()
        .map(|entry| Locked {
            name: word(entry, "name"),
            version: word(entry, "version"),
            is_ours: entry.get("source").is_none(),
        })
        .collect()
}

fn npm(text: &str) -> Vec<Locked> {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("no version").to_owned();
    let own = Locked {
        name: word(&value["name"]),
        version: word(&value["version"]),
        is_ours: true,
    };
    let others = value["packages"].as_object().into_iter().flatten();
    let others = others.filter_map(|(path, entry)| {
        let name = path.rsplit_once("node_modules/")?.1.to_owned();
        let version = word(&entry["version"]);
        (entry["link"] != true).then_some(Locked {
            name,
            version,
            is_ours: false,
        })
    });
    std::iter::once(own).chain(others).collect()
}

/// `    name (version)` below `PATH` is ours, below `GEM` it is a registry's.
fn bundler(text: &str) -> Vec<Locked> {
    let mut found = Vec::new();
    let mut is_ours = false;
    for line in text.lines() {
        if !line.starts_with(' ') && !line.is_empty() {
            is_ours = line == "PATH";
        }
        let entry = line
            .strip_prefix("    ")
            .filter(|rest| !rest.starts_with(' '));
        if let Some((name, version)) =
            entry.and_then(|entry| entry.strip_suffix(')')?.split_once(" ("))
        {
            found.push(Locked {
                name: name.to_owned(),
                version: version.to_owned(),
                is_ours,
            });
        }
    }
    found
}

fn requirements(text: &str) -> Vec<Locked> {
    text.lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once("==")?;
            let version = rest.split([' ', ';', '\\']).next()?;
            (!name.starts_with([' ', '#'])).then(|| Locked {
                name: normalized(name),
                version: version.to_owned(),
                is_ours: false,
            })
        })
        .collect()
}

/// Commands that bring a package's lock file up to date without raising anything else, and then fail if it does not fit: folder, words.
///
/// Bundler has no such question; [`drifts`] is asked for all of them afterwards.
pub fn commands(root: &Path, package: &Package) -> Vec<(PathBuf, Vec<String>)> {
    let Some(folder) = of(root, package).and_then(|lock| lock.parent().map(Path::to_owned)) else {
        return Vec::new();
    };
    let commands: &[&str] = match package.ecosystem {
        Ecosystem::Crate => &[
            "cargo update --workspace --offline",
            "cargo tree --workspace --locked --offline --depth 0",
        ],
        Ecosystem::Npm => &[
            "npm install --package-lock-only --ignore-scripts --offline --no-audit --no-fund",
            "npm ls --package-lock-only",
        ],
        Ecosystem::Gem => &["bundle lock --local"],
        // Locks of Python apps have no line for the app itself.
        _ => &[],
    };
    commands
        .iter()
        .map(|text| (folder.clone(), text.split(' ').map(str::to_owned).collect()))
        .collect()
}
