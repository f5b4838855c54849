//! Units of the repository: found from their native manifests, connected by path dependencies.
//!
//! Nothing is registered centrally. A folder with a manifest that a [`Reader`] knows is a unit;
//! what it depends on by path is what its manifest already says to its own tools.

pub mod affected;
pub(crate) mod discover;
pub mod inputs;
mod select;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Result;
use crate::git::Files;
use crate::unit::graph::in_order;
use crate::unit::{Reader, Unit};

pub use select::{check_languages, Selection};

/// All units of a repository.
#[derive(Clone, Debug)]
pub struct Repo {
    /// Absolute path.
    pub root: PathBuf,
    /// Dependencies come before what depends on them.
    pub units: Vec<Unit>,
    /// The files that count, as they were when the units were found; none without git.
    pub files: Option<Arc<Files>>,
    /// Names of the languages that were looked for.
    pub languages: Vec<&'static str>,
    /// The units of each folder.
    by_folder: HashMap<String, Vec<usize>>,
}

impl Repo {
    /// Finds every unit. Fails if a manifest cannot be read or units depend on each other in a circle.
    pub fn discover(root: &Path, readers: &[&dyn Reader]) -> Result<Self> {
        Self::among(root, Files::of(root).map(Arc::new), readers)
    }

    /// The same among files that are known.
    pub fn among(root: &Path, files: Option<Arc<Files>>, readers: &[&dyn Reader]) -> Result<Self> {
        let units = in_order(discover::units(root, files.as_deref(), readers)?)?;
        Ok(Self {
            files,
            languages: readers.iter().map(|reader| reader.name()).collect(),
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
            languages: Vec::new(),
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
