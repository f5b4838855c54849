//! The order of units: dependencies first.

use std::collections::{BTreeSet, HashMap};

use super::Unit;
use crate::error::{Error, Result};
use crate::order::order;

/// Sorts units so that each comes after all it depends on or needs built; otherwise the order stays.
pub fn in_order(units: Vec<Unit>) -> Result<Vec<Unit>> {
    // Two units may share a folder.
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, unit) in units.iter().enumerate() {
        places.entry(&unit.folder).or_default().push(index);
    }
    let edges = |unit: &Unit| -> BTreeSet<usize> {
        let folders = unit.depends_on.iter().chain(&unit.needs_built);
        folders
            // A unit of another language in the same folder is no dependency.
            .filter(|folder| **folder != unit.folder)
            .filter_map(|folder| places.get(folder.as_str()))
            .flatten()
            .copied()
            .collect()
    };
    let edges: Vec<BTreeSet<usize>> = units.iter().map(edges).collect();
    let order = order(&edges).map_err(|cycle| Error::Circle {
        units: cycle
            .into_iter()
            .map(|place| units[place].folder.clone())
            .collect(),
    })?;
    let mut units: Vec<Option<Unit>> = units.into_iter().map(Some).collect();
    Ok(order
        .into_iter()
        .filter_map(|index| units[index].take())
        .collect())
}
