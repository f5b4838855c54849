//! Which units a file belongs to, and which units use which: the one place that `--affected` and the result cache both ask.

use std::collections::HashMap;

use super::Repo;
use crate::unit::{above, Unit};

/// Files that decide about every unit though they lie in one: the table of tools.
const FOR_ALL: [&str; 1] = [crate::tools::TABLE];

/// How one unit uses another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// By a path dependency.
    DependsOn,
    /// Its tests need the other one built.
    NeedsBuilt,
    /// Only its tests use it.
    TestedWith,
    /// The other one lies inside its folder.
    Contains,
}

impl Use {
    /// The rest of the sentence "this unit …".
    pub fn words(self) -> &'static str {
        match self {
            Self::DependsOn => "depends on",
            Self::NeedsBuilt => "needs for its tests",
            Self::TestedWith => "is tested with",
            Self::Contains => "contains",
        }
    }
}

/// How a file comes to be an input of a unit itself, not through another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// It lies in the unit's folder and in no unit's further down.
    Inside,
    /// It lies in a unit whose folder is around this one.
    Around,
    /// The unit's manifest lists it as an input.
    Listed,
    /// The unit's language shares it among its units.
    Shared,
}

/// What a file is an input of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Of these units, by their place in the repository.
    Units(Vec<(usize, Because)>),
    /// Of every unit: it lies in none, and none says that it is its input.
    Everything,
}

/// The graph of a repository, ready to be asked.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Units in each folder.
    owners: HashMap<String, Vec<usize>>,
    /// Units whose folder lies inside that of this one.
    inside: Vec<Vec<usize>>,
    /// Paths that units list or that languages share.
    listed: HashMap<String, Vec<(usize, Because)>>,
    /// What each unit uses.
    uses: Vec<Vec<(usize, Use)>>,
}

impl Inputs {
    /// Looks at all units once.
    pub fn of(repo: &Repo) -> Self {
        let mut owners: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, unit) in repo.units.iter().enumerate() {
            owners.entry(unit.folder.clone()).or_default().push(index);
        }
        let mut inside = vec![Vec::new(); repo.units.len()];
        for (index, unit) in repo.units.iter().enumerate() {
            for folder in above(&unit.folder) {
                for outer in owners.get(folder).into_iter().flatten() {
                    inside[*outer].push(index);
                }
            }
        }
        let mut listed: HashMap<String, Vec<(usize, Because)>> = HashMap::new();
        for (index, unit) in repo.units.iter().enumerate() {
            let own = unit
                .inputs
                .iter()
                .map(|path| (path.clone(), Because::Listed));
            let shared = unit
                .shared_files
                .iter()
                .map(|path| ((*path).to_owned(), Because::Shared));
            for (path, because) in own.chain(shared) {
                listed.entry(path).or_default().push((index, because));
            }
        }
        let uses = repo
            .units
            .iter()
            .enumerate()
            .map(|(index, unit)| uses(unit, &owners, &inside[index]))
            .collect();
        Self {
            owners,
            inside,
            listed,
            uses,
        }
    }

    /// What a file is an input of, by its path relative to the repository.
    pub fn reach(&self, path: &str) -> Reach {
        if FOR_ALL.contains(&path) {
            return Reach::Everything;
        }
        let mut units = Vec::new();
        for place in std::iter::once(path).chain(above(path)) {
            units.extend(self.listed.get(place).into_iter().flatten());
        }
        // The owner is the unit with the longest folder above the file.
        let owner = above(path).find_map(|folder| self.owners.get(folder));
        for owner in owner.into_iter().flatten() {
            units.push((*owner, Because::Inside));
            units.extend(
                self.inside[*owner]
                    .iter()
                    .map(|unit| (*unit, Because::Around)),
            );
        }
        if units.is_empty() {
            Reach::Everything
        } else {
            Reach::Units(units)
        }
    }

    /// What a unit uses directly.
    pub fn uses(&self, unit: usize) -> &[(usize, Use)] {
        &self.uses[unit]
    }

    /// These units and everything they use, directly or not, sorted.
    pub fn closure(&self, units: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut is_found = vec![false; self.uses.len()];
        let mut found = Vec::new();
        let mut open: Vec<usize> = units.into_iter().collect();
        while let Some(unit) = open.pop() {
            if !std::mem::replace(&mut is_found[unit], true) {
                found.push(unit);
                open.extend(self.uses[unit].iter().map(|(used, _)| used));
            }
        }
        found.sort_unstable();
        found
    }
}

fn uses(unit: &Unit, owners: &HashMap<String, Vec<usize>>, inside: &[usize]) -> Vec<(usize, Use)> {
    let by_folder = |folders: &[String], how: Use| -> Vec<(usize, Use)> {
        folders
            .iter()
            .filter(|folder| **folder != unit.folder)
            .filter_map(|folder| owners.get(folder))
            .flatten()
            .map(|used| (*used, how))
            .collect()
    };
    let mut all = by_folder(&unit.depends_on, Use::DependsOn);
    all.extend(by_folder(&unit.needs_built, Use::NeedsBuilt));
    all.extend(by_folder(&unit.tested_with, Use::TestedWith));
    all.extend(inside.iter().map(|used| (*used, Use::Contains)));
    all
}
