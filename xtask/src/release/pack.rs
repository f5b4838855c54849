//! Packing: a unit's files and what surrounds them.

use std::path::Path;

use super::{ledger, provenance, sbom};
use crate::error::{Error, Result};
use crate::file::write;
use crate::publish::{sums, Context, Packed, Unit};

/// Packs a unit: its files, bill of materials, provenance and sums appear together. `with` as for [`Channel::pack`](crate::publish::Channel::pack).
pub fn pack(context: &Context, unit: &Unit, with: &[&Unit]) -> Result<Packed> {
    context.folder_at_once(&ledger::of_unit(context, unit), |into| {
        unit.channel.pack(context, unit, with, into)?;
        let artifacts = names(into)?;
        let stem = format!(
            "{}-{}",
            unit.name.trim_start_matches('@').replace('/', "-"),
            unit.written
        );
        write(
            &into.join(format!("{stem}.cdx.json")),
            &sbom::of(context, unit, into, &artifacts)?,
        )?;
        write(
            &into.join(format!("{stem}.provenance.json")),
            &provenance::of(context, unit, into, &artifacts)?,
        )?;
        let all = names(into)?;
        write(&into.join(sums::FILE), &sums::listing(into, &all)?)
    })?;
    ledger::packed(context, unit).ok_or_else(|| Error::CheckFailed {
        unit: unit.folder.clone(),
        problems: vec!["packing gave no files".into()],
    })
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map_err(Error::io("read", folder))?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            is_file.then(|| entry.file_name().into_string().ok())?
        })
        .collect();
    names.sort();
    Ok(names)
}
