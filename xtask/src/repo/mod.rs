//! Units of the repository: found from their native manifests, connected by path dependencies.
//!
//! Nothing is registered centrally. A folder with a manifest that a [`Language`](crate::lang::Language) knows is a unit;
//! what it depends on by path is what its manifest already says to its own tools.

pub(crate) mod discover;
mod graph;
mod select;

use std::path::{Path, PathBuf};

use toml::Table;

use crate::error::Result;

pub use graph::in_order;
pub use select::{check_languages, Selection};

/// A folder with a native manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// The name that the manifest gives it.
    pub name: String,
    /// Its folder, relative to the repository, with `/`; it identifies the unit.
    pub folder: String,
    /// The name of its [`Language`](crate::lang::Language).
    pub language: &'static str,
    /// Folders of units that it depends on by path; its own tools build them as needed.
    pub depends_on: Vec<String>,
    /// Folders of units that must be built before its tests run (`needs` in the manifest's xtask table).
    pub needs_built: Vec<String>,
    /// Folders of units that are selected with it: an example's apps.
    pub parts: Vec<String>,
    /// The manifest's file name.
    pub file: String,
    /// The parsed manifest; the keys are those of the native file, or what the language made of it.
    pub manifest: Table,
}

/// All units of a repository.
#[derive(Clone, Debug)]
pub struct Repo {
    /// Absolute path.
    pub root: PathBuf,
    /// Dependencies come before what depends on them.
    pub units: Vec<Unit>,
}

impl Repo {
    /// Finds every unit. Fails if a manifest cannot be read or units depend on each other in a circle.
    pub fn discover(root: &Path) -> Result<Self> {
        Ok(Self {
            root: root.to_owned(),
            units: in_order(discover::units(root)?)?,
        })
    }

    /// The unit in this folder.
    pub fn unit(&self, folder: &str) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.folder == folder)
    }

    /// Absolute path of a unit's folder.
    pub fn path(&self, unit: &Unit) -> PathBuf {
        self.root.join(&unit.folder)
    }

    /// The units that this one depends on by path, also indirectly; dependencies first, without itself.
    pub fn dependencies(&self, unit: &Unit) -> Vec<&Unit> {
        let mut wanted: Vec<&str> = unit.depends_on.iter().map(String::as_str).collect();
        let mut next = 0;
        while next < wanted.len() {
            if let Some(dependency) = self.unit(wanted[next]) {
                for folder in &dependency.depends_on {
                    if !wanted.contains(&folder.as_str()) {
                        wanted.push(folder);
                    }
                }
            }
            next += 1;
        }
        self.units
            .iter()
            .filter(|unit| wanted.contains(&unit.folder.as_str()))
            .collect()
    }
}
