//! Versions: where each ecosystem keeps them, how they depend on each other, and how they are raised.
//!
//! A change is always the replacement of a few bytes of a file: whatever else is in it, comments and all, stays as it is.

pub mod bump;
pub mod changelog;
pub mod check;
pub mod compatibility;
pub mod locks;
mod manifest;
pub mod notation;
mod pins;
pub mod range;
mod sites;

use std::ops::Range;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::Serialize;

use crate::error::{Error, Result};

/// A kind of package, and with it of registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ecosystem {
    /// `Cargo.toml`.
    Crate,
    /// `pyproject.toml`.
    Python,
    /// `*.gemspec` and `version.rb`.
    Gem,
    /// `package.json`.
    Npm,
    /// `Chart.yaml`.
    Chart,
    /// `tasker-plugin.toml`.
    Plugin,
}

impl Ecosystem {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crate => "crate",
            Self::Python => "python",
            Self::Gem => "gem",
            Self::Npm => "npm",
            Self::Chart => "chart",
            Self::Plugin => "plugin",
        }
    }

    /// The name of its language in `xtask/contract/core.toml`.
    pub fn language(self) -> &'static str {
        match self {
            Self::Crate => "rust",
            Self::Gem => "ruby",
            Self::Npm => "typescript",
            other => other.name(),
        }
    }
}

/// A few bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Relative to the repository.
    pub file: PathBuf,
    /// Where.
    pub span: Range<usize>,
}

/// A dependency with a range.
#[derive(Clone, Debug)]
pub struct Use {
    /// The kind of registry that the package is in; a plugin's templates use those of their language.
    pub ecosystem: Ecosystem,
    /// The package.
    pub name: String,
    /// Its range; none if the manifest names only a path.
    pub range: Option<String>,
    /// Where the range stands, if there is one; for gems with the quotes.
    pub at: Option<Site>,
    /// Only for development: it does not matter to those who install the package.
    pub dev: bool,
}

/// A language, and the versions of it that a package runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// `Rust`, `Python`, `Ruby`, `Bun` or `Node`.
    pub name: String,
    /// As the ecosystem writes it.
    pub range: String,
}

/// A folder with a version of its own.
#[derive(Clone, Debug)]
pub struct Package {
    /// In its registry.
    pub name: String,
    /// Relative to the repository.
    pub folder: String,
    /// Where it belongs.
    pub ecosystem: Ecosystem,
    /// Now.
    pub version: Version,
    /// Where the version stands, without quotes.
    pub at: Site,
    /// Dependencies that have ranges.
    pub uses: Vec<Use>,
    /// Whether it is never published.
    pub private: bool,
    /// What it runs on, if its manifest says so.
    pub language: Option<Runtime>,
}

impl Package {
    /// The tag of a version: `python/tasker-contrib-fastapi/v0.1.0`.
    pub fn tag(&self, version: &Version) -> String {
        format!("{}/v{version}", self.folder)
            .trim_start_matches('/')
            .to_owned()
    }

    /// Whether a dependency's name is this package.
    pub fn is_named(&self, ecosystem: Ecosystem, name: &str) -> bool {
        self.ecosystem == ecosystem
            && match ecosystem {
                Ecosystem::Python => manifest::normalized(name) == manifest::normalized(&self.name),
                _ => self.name == name,
            }
    }

    /// Its changelog, relative to the repository.
    pub fn changelog(&self) -> PathBuf {
        Path::new(&self.folder).join("CHANGELOG.md")
    }
}

/// Folders that hold no packages of ours.
const SKIPPED: [&str; 6] = [
    "target",
    "node_modules",
    "dist",
    "fixtures",
    "templates",
    "__pycache__",
];

/// Every package of a repository, in the order of their folders. What git ignores is none: builds leave copies of manifests.
///
/// # Errors
/// [`Error::BadFile`] if a manifest cannot be read or has a version that not every ecosystem can write.
pub fn packages(root: &Path) -> Result<Vec<Package>> {
    let walk = ignore::WalkBuilder::new(root)
        .require_git(false)
        .sort_by_file_path(|one, other| {
            // A folder's files come before its folders.
            (one.is_dir(), one).cmp(&(other.is_dir(), other))
        })
        .filter_entry(|entry| {
            let name = entry.file_name().to_str().unwrap_or("");
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            // What a plugin generates and what its tests need is no package.
            let in_plugin = || {
                let parent = entry.path().parent();
                parent.is_some_and(|parent| parent.join("tasker-plugin.toml").is_file())
            };
            !is_folder || entry.depth() == 0 || !(SKIPPED.contains(&name) || in_plugin())
        })
        .build();
    let mut found = Vec::new();
    for entry in walk {
        let entry = entry.map_err(|error| {
            let why = std::io::Error::other(error.to_string());
            Error::io("read the folders of", root)(why)
        })?;
        if entry.file_type().is_some_and(|kind| kind.is_file()) {
            found.extend(manifest::read(root, entry.path())?);
        }
    }
    Ok(found)
}
