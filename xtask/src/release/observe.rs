//! What is known before anything is done: git, the registries, and the ledger as a hint.

use std::collections::BTreeMap;

use super::ledger;
use super::plan::{Conflict, Seen, Tag, There};
use super::{git, retry};
use crate::error::Result;
use crate::publish::sums::{Algorithm, Sum};
use crate::publish::Context;
use crate::publish::Packed;
use crate::publish::Remote;
use crate::publish::{store, Unit};

/// Looks at every unit, several at a time.
pub fn all(context: &Context, units: &[Unit], jobs: usize) -> Result<Vec<Seen>> {
    let local = git::local_tags(&context.root)?;
    let remote = git::remote_tags(&context.root, &context.targets.remote)?;
    let next = std::sync::atomic::AtomicUsize::new(0);
    let found = std::sync::Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(units.len()).max(1) {
            scope.spawn(|| loop {
                let place = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(unit) = units.get(place) else { return };
                let seen = retry::asking(context, || one(context, unit, &local, &remote));
                found
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .insert(place, seen);
            });
        }
    });
    found
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .into_values()
        .collect()
}

fn one(
    context: &Context,
    unit: &Unit,
    local: &BTreeMap<String, String>,
    remote: &BTreeMap<String, String>,
) -> Result<Seen> {
    if remote.contains_key(&unit.tag) {
        let announced = store::is_announced(context, &unit.folder, &unit.tag)?;
        return Ok(Seen {
            tag: Tag::Remote,
            announced,
            ..Seen::NOTHING
        });
    }
    let packed = ledger::packed(context, unit);
    let verified = packed
        .as_ref()
        .is_some_and(|packed| ledger::is_verified(context, unit, packed));
    Ok(Seen {
        registry: match &packed {
            Some(packed) => there(context, unit, packed)?,
            None if unit.channel.probe(context, unit)?.is_empty() => There::No,
            None => There::NotCompared,
        },
        packed: packed.is_some(),
        verified,
        tag: if local.contains_key(&unit.tag) {
            Tag::Local
        } else {
            Tag::None
        },
        announced: false,
    })
}

/// Whether a registry, and the store of files, have exactly these bytes.
pub fn there(context: &Context, unit: &Unit, packed: &Packed) -> Result<There> {
    let remote = unit.channel.probe(context, unit)?;
    for name in &packed.artifacts {
        match compare(packed, name, &remote)? {
            There::Same => {}
            other => return Ok(other),
        }
    }
    for name in &packed.extras {
        match extra(context, unit, packed, name)? {
            There::Same => {}
            other => return Ok(other),
        }
    }
    Ok(There::Same)
}

/// The same for one file of the registry.
pub fn compare(packed: &Packed, name: &str, remote: &[Remote]) -> Result<There> {
    let Some(remote) = remote
        .iter()
        .find(|remote| remote.file.as_deref().is_none_or(|file| file == name))
    else {
        return Ok(There::No);
    };
    let ours = Sum::of_file(remote.sum.algorithm, &packed.folder.join(name))?;
    Ok(judge(name, &ours, &remote.sum))
}

/// The same for one file of the store.
pub fn extra(context: &Context, unit: &Unit, packed: &Packed, name: &str) -> Result<There> {
    let Some(theirs) = store::sum(context, &unit.folder, &unit.tag, name)? else {
        return Ok(There::No);
    };
    let ours = Sum::of_file(Algorithm::Sha256, &packed.folder.join(name))?;
    Ok(judge(name, &ours, &theirs))
}

fn judge(name: &str, ours: &Sum, theirs: &Sum) -> There {
    if ours == theirs {
        return There::Same;
    }
    There::Other(Conflict {
        file: name.to_owned(),
        ours: ours.to_string(),
        theirs: theirs.to_string(),
    })
}
