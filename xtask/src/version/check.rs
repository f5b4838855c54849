//! What does not fit together: ranges of our own packages, the supported Tasker Core, lock files, pre-release notation.

use std::path::Path;

use serde::Serialize;

use super::{notation, range, Ecosystem, Package};
use crate::core::Table;
use crate::error::Result;
use crate::file::line_of;

/// One thing that does not fit, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// `file:line`.
    pub at: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub fix: String,
}

/// Everything that does not fit.
///
/// # Errors
/// If a file cannot be read.
pub fn drifts(root: &Path, packages: &[Package]) -> Result<Vec<Drift>> {
    let mut found = Vec::new();
    let core = if root.join(crate::core::TABLE_FILE).is_file() {
        Table::load(root)?.rows
    } else {
        Vec::new()
    };
    for package in packages {
        if let Err(why) = notation::pre(&package.version) {
            found.push(Drift {
                at: place(root, &package.at),
                what: why,
                fix: "cargo xtask bump UNIT X.Y.Z".into(),
            });
        }
        for used in &package.uses {
            let own = packages
                .iter()
                .find(|other| other.is_named(package.ecosystem, &used.name));
            let (Some(text), Some(at)) = (&used.range, &used.at) else {
                if own.is_some()
                    && !package.private
                    && !used.dev
                    && package.ecosystem == Ecosystem::Crate
                {
                    found.push(Drift {
                        at: package.at.file.display().to_string(),
                        what: format!(
                            "{} depends on {} by path alone, so it cannot be published",
                            package.name, used.name
                        ),
                        fix: format!("add `version` beside the path of {}", used.name),
                    });
                }
                continue;
            };
            if let Some(own) = own {
                if range::admits(package.ecosystem, text, &own.version) == Some(false) {
                    let new = range::starting_at(package.ecosystem, text, &own.version)
                        .unwrap_or_default();
                    found.push(Drift {
                        at: place(root, at),
                        what: format!(
                            "{} wants {} {text}, but here it is {}",
                            package.name, used.name, own.version
                        ),
                        fix: format!("write `{new}`"),
                    });
                }
            }
            let row = core
                .iter()
                .find(|row| row.language == package.ecosystem.language() && row.name == used.name);
            if let Some(row) = row {
                if range::admits(package.ecosystem, text, &row.published) == Some(false) {
                    found.push(Drift {
                        at: place(root, at),
                        what: format!(
                            "{} wants {} {text}, but {} names {} as published",
                            package.name,
                            row.name,
                            crate::core::TABLE_FILE,
                            row.published
                        ),
                        fix: format!(
                            "make the range admit {}, or correct the table",
                            row.published
                        ),
                    });
                }
            }
        }
        locks(root, package, &mut found)?;
    }
    Ok(found)
}

/// `file:line` of a site.
pub fn place(root: &Path, at: &super::Site) -> String {
    let text = std::fs::read_to_string(root.join(&at.file)).unwrap_or_default();
    format!("{}:{}", at.file.display(), line_of(&text, at.span.start))
}

fn locks(root: &Path, package: &Package, found: &mut Vec<Drift>) -> Result<()> {
    let folder = root.join(&package.folder);
    let mut stale = |file: &Path, locked: &str, fix: &str| {
        found.push(Drift {
            at: file
                .strip_prefix(root)
                .unwrap_or(file)
                .display()
                .to_string(),
            what: format!(
                "the lock file has {} {locked}, the manifest {}",
                package.name, package.version
            ),
            fix: fix.to_owned(),
        });
    };
    match package.ecosystem {
        Ecosystem::Crate => {
            let Some(lock) = folder
                .ancestors()
                .take_while(|above| above.starts_with(root))
                .map(|above| above.join("Cargo.lock"))
                .find(|lock| lock.is_file())
            else {
                return Ok(());
            };
            let text = crate::file::read(&lock)?;
            let table: toml::Table = text.parse().unwrap_or_default();
            let entries = table.get("package").and_then(toml::Value::as_array);
            for entry in entries
                .into_iter()
                .flatten()
                .filter(|entry| entry.get("source").is_none())
            {
                let word = |key: &str| entry.get(key).and_then(toml::Value::as_str).unwrap_or("");
                if word("name") == package.name && word("version") != package.version.to_string() {
                    stale(&lock, word("version"), "cargo update --workspace --offline");
                }
            }
        }
        Ecosystem::Npm => {
            let lock = folder.join("package-lock.json");
            if lock.is_file() {
                let value: serde_json::Value =
                    serde_json::from_str(&crate::file::read(&lock)?).unwrap_or_default();
                let locked = value["version"].as_str().unwrap_or("no version");
                if locked != package.version.to_string() {
                    stale(&lock, locked, "npm install --package-lock-only");
                }
            }
        }
        _ => {}
    }
    Ok(())
}
