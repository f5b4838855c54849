//! Trying packed files where nothing else is installed.

use super::ledger;
use crate::error::{Error, Result};
use crate::publish::Context;
use crate::publish::Trial;
use crate::publish::Unit;

/// Installs a unit in an empty environment, runs what it is tried with, and notes success.
pub fn verify(context: &Context, units: &[Unit], place: usize) -> Result<()> {
    let unit = &units[place];
    let packed = ledger::packed(context, unit).ok_or_else(|| not_packed(unit))?;
    let mut needs = Vec::new();
    for need in needed(units, place) {
        if let Some(packed) = ledger::packed(context, &units[need]) {
            needs.push((&units[need], packed));
        }
    }
    // Outside of the repository, whose settings must not matter.
    let scratch = tempfile::Builder::new()
        .prefix("xtask-verify-")
        .tempdir()
        .map_err(Error::io("create", std::env::temp_dir()))?;
    let trial = Trial {
        unit,
        packed: &packed,
        needs,
        folder: scratch.path(),
    };
    unit.channel.verify(context, &trial)?;
    ledger::note_verified(context, unit, &packed)
}

/// A unit whose files are gone although they must be there.
pub fn not_packed(unit: &Unit) -> Error {
    Error::Version {
        why: format!("{}: its packed files are missing or damaged", unit.folder),
        fix: "run the same command again; it packs them anew".into(),
    }
}

/// Units of the same ecosystem that a unit needs, also indirectly; dependencies first.
pub fn needed(units: &[Unit], place: usize) -> Vec<usize> {
    let mut found = std::collections::BTreeSet::new();
    let mut open = vec![place];
    while let Some(at) = open.pop() {
        for need in &units[at].needs {
            if units[*need].ecosystem == units[place].ecosystem && found.insert(*need) {
                open.push(*need);
            }
        }
    }
    // Places are in order of dependencies.
    found.into_iter().collect()
}
