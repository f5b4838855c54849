//! The names of Core's packages, and which versions we support.

use std::path::Path;

use semver::{Version, VersionReq};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::file::read_toml;

/// The table's file, relative to the repository.
pub const FILE: &str = "xtask/contract/core.toml";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// In the order of the file.
    #[serde(default, rename = "package")]
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The name of its [`Language`](crate::lang::Language).
    pub language: String,
    /// In its registry and in its manifest.
    pub name: String,
    pub published: Version,
    /// What we work with.
    pub supported: VersionReq,
}

impl Table {
    pub fn load(root: &Path) -> Result<Self> {
        if !root.join(FILE).is_file() {
            return Err(Error::BadFile {
                file: FILE.into(),
                line: None,
                why: "the table of Tasker Core's packages is missing".into(),
                fix: Some(format!("restore it: git checkout {FILE}")),
            });
        }
        read_toml(root, &root.join(FILE))
    }

    /// The rows of a language.
    pub fn of<'a>(&'a self, language: &'a str) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(move |row| row.language == language)
    }
}

impl Row {
    /// Whether we work with this version, as its ecosystem writes it. Development versions count as the release they lead to.
    pub fn supports(&self, version: &str) -> bool {
        release(version).is_some_and(|version| self.supported.matches(&version))
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} ({}): supported {}, published {}",
            self.name, self.language, self.supported, self.published
        )
    }
}

/// The leading numbers of a version: `0.1.9` of `0.1.9.dev0`, `0.1.9-rc.1`, `0.1.9a1`.
fn release(version: &str) -> Option<Version> {
    let numbers: Vec<u64> = version
        .split('.')
        .map_while(|part| {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        })
        .take(3)
        .collect();
    match numbers.as_slice() {
        [major, minor, patch] => Some(Version::new(*major, *minor, *patch)),
        [major, minor] => Some(Version::new(*major, *minor, 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{release, Row};

    #[test]
    fn versions_of_all_ecosystems_are_compared_by_their_release() {
        let row = Row {
            language: "ruby".into(),
            name: "tasker-rb".into(),
            published: "0.1.10".parse().unwrap(),
            supported: ">=0.1.8, <0.2.0".parse().unwrap(),
        };
        for good in ["0.1.8", "0.1.10", "0.1.9.dev0", "0.1.11-rc.1", "0.1.9a1"] {
            assert!(row.supports(good), "{good}");
        }
        for bad in ["0.1.7", "0.2.0", "0.2.0.pre", "1.0", "nonsense", ""] {
            assert!(!row.supports(bad), "{bad}");
        }
        assert_eq!(release("1.2"), Some(semver::Version::new(1, 2, 0)));
    }
}
