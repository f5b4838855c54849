//! Units of the repository: found from their native manifests, connected by path dependencies.
//!
//! Nothing is registered centrally. A folder with a manifest that a [`Language`](crate::lang::Language) knows is a unit;
//! what it depends on by path is what its manifest already says to its own tools.

pub mod affected;
pub(crate) mod discover;
mod graph;
pub mod inputs;
mod select;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Table;

use crate::error::Result;
use crate::git::Files;

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
    /// Folders of units that it uses only in its own tests, in any direction: development dependencies, which may form circles.
    pub tested_with: Vec<String>,
    /// Files and folders outside its own that its tasks read, relative to the repository (`inputs` in the manifest's xtask table).
    pub inputs: Vec<String>,
    /// Environment variables that its tasks may see besides the usual ones (`env` in the manifest's xtask table).
    pub env: Vec<String>,
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
    /// The files that count, as they were when the units were found; none without git.
    pub files: Option<Arc<Files>>,
    /// The units of each folder.
    by_folder: HashMap<String, Vec<usize>>,
}

impl Repo {
    /// Finds every unit. Fails if a manifest cannot be read or units depend on each other in a circle.
    pub fn discover(root: &Path) -> Result<Self> {
        Self::among(root, Files::of(root).map(Arc::new))
    }

    /// The same among files that are known.
    pub fn among(root: &Path, files: Option<Arc<Files>>) -> Result<Self> {
        let units = in_order(discover::units(root, files.as_deref())?)?;
        Ok(Self {
            files,
            ..Self::new(root, units)
        })
    }

    /// A repository of these units, which are in order.
    pub fn new(root: &Path, units: Vec<Unit>) -> Self {
        let mut by_folder: HashMap<String, Vec<usize>> = HashMap::with_capacity(units.len());
        for (index, unit) in units.iter().enumerate() {
            by_folder
                .entry(unit.folder.clone())
                .or_default()
                .push(index);
        }
        Self {
            root: root.to_owned(),
            units,
            files: None,
            by_folder,
        }
    }

    /// The unit in this folder.
    pub fn unit(&self, folder: &str) -> Option<&Unit> {
        self.places(folder).next().map(|index| &self.units[index])
    }

    /// Places of the units in this folder: one per language.
    pub fn places(&self, folder: &str) -> impl Iterator<Item = usize> + '_ {
        self.by_folder.get(folder).into_iter().flatten().copied()
    }

    /// Absolute path of a unit's folder.
    pub fn path(&self, unit: &Unit) -> PathBuf {
        self.root.join(&unit.folder)
    }

    /// The units that this one depends on by path, also indirectly; dependencies first, without itself.
    pub fn dependencies(&self, unit: &Unit) -> Vec<&Unit> {
        let mut open: Vec<&str> = unit.depends_on.iter().map(String::as_str).collect();
        let mut found = std::collections::BTreeSet::new();
        while let Some(folder) = open.pop() {
            let Some(index) = self.places(folder).next() else {
                continue;
            };
            if found.insert(index) {
                open.extend(self.units[index].depends_on.iter().map(String::as_str));
            }
        }
        found.into_iter().map(|index| &self.units[index]).collect()
    }
}
