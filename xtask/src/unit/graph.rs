//! The order of units: dependencies first.

use std::collections::HashMap;

use super::Unit;
use crate::error::{Error, Result};

/// Sorts units so that each comes after all it depends on or needs built; otherwise the order stays.
pub fn in_order(units: Vec<Unit>) -> Result<Vec<Unit>> {
    let mut order = Vec::with_capacity(units.len());
    let mut state = vec![State::New; units.len()];
    // Two units may share a folder.
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, unit) in units.iter().enumerate() {
        places.entry(&unit.folder).or_default().push(index);
    }
    for index in 0..units.len() {
        visit(
            &units,
            &places,
            index,
            &mut state,
            &mut Vec::new(),
            &mut order,
        )?;
    }
    let mut units: Vec<Option<Unit>> = units.into_iter().map(Some).collect();
    Ok(order
        .into_iter()
        .filter_map(|index| units[index].take())
        .collect())
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

fn visit(
    units: &[Unit],
    places: &HashMap<&str, Vec<usize>>,
    index: usize,
    state: &mut [State],
    path: &mut Vec<usize>,
    order: &mut Vec<usize>,
) -> Result<()> {
    match state[index] {
        State::Done => return Ok(()),
        State::Open => {
            let start = path
                .iter()
                .position(|on_path| *on_path == index)
                .unwrap_or(0);
            let circle = path[start..]
                .iter()
                .chain([&index])
                .map(|i| units[*i].folder.clone())
                .collect();
            return Err(Error::Circle { units: circle });
        }
        State::New => {}
    }
    state[index] = State::Open;
    path.push(index);
    let unit = &units[index];
    for folder in unit
        .depends_on
        .iter()
        .chain(&unit.needs_built)
        // A unit of another language in the same folder is no dependency.
        .filter(|folder| **folder != unit.folder)
    {
        for next in places.get(folder.as_str()).into_iter().flatten() {
            visit(units, places, *next, state, path, order)?;
        }
    }
    path.pop();
    state[index] = State::Done;
    order.push(index);
    Ok(())
}
