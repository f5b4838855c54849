//! What a release consists of: packages in an order in which each comes after what it builds on.

use std::collections::{BTreeSet, HashMap};

use crate::error::{Error, Result};
use crate::lang;
use crate::order::order;
use crate::publish::Unit;
use crate::unit::Unit as RepoUnit;
use crate::version::{Ecosystem, Package};

/// The chosen packages as units, dependencies first.
///
/// Edges are the ranges of the manifests, and what a unit of the repository depends on by path, needs built, or carries
/// (a plugin's templates in a wheel), also across languages.
pub fn units(packages: &[Package], chosen: &[usize], repo: &[RepoUnit]) -> Result<Vec<Unit>> {
    let mut by_name: HashMap<(Ecosystem, String), usize> = HashMap::new();
    let mut by_folder: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, index) in chosen.iter().enumerate() {
        let package = &packages[*index];
        by_name.insert(
            (
                package.ecosystem,
                package.ecosystem.normalized(&package.name),
            ),
            place,
        );
        by_folder.entry(&package.folder).or_default().push(place);
    }
    let of_folder: HashMap<&str, &RepoUnit> = repo
        .iter()
        .map(|unit| (unit.folder.as_str(), unit))
        .collect();
    let mut edges = Vec::with_capacity(chosen.len());
    for index in chosen {
        let package = &packages[*index];
        let mut needs = BTreeSet::new();
        for used in package.uses.iter().filter(|used| !used.dev) {
            needs.extend(
                by_name.get(&(package.ecosystem, package.ecosystem.normalized(&used.name))),
            );
        }
        if let Some(unit) = of_folder.get(package.folder.as_str()) {
            let folders = unit
                .depends_on
                .iter()
                .chain(&unit.needs_built)
                .chain(&unit.inputs);
            for folder in folders.filter(|folder| **folder != package.folder) {
                needs.extend(by_folder.get(folder.as_str()).into_iter().flatten());
            }
        }
        edges.push(needs);
    }
    let order = order(&edges).map_err(|circle| Error::Circle {
        units: circle
            .iter()
            .map(|place| packages[chosen[*place]].folder.clone())
            .collect(),
    })?;
    let mut place_of = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        place_of[*old] = new;
    }
    order
        .iter()
        .map(|old| {
            let needs = edges[*old].iter().map(|need| place_of[*need]).collect();
            unit(&packages[chosen[*old]], needs, &of_folder)
        })
        .collect()
}

fn unit(package: &Package, needs: Vec<usize>, repo: &HashMap<&str, &RepoUnit>) -> Result<Unit> {
    let written = package
        .ecosystem
        .write(&package.version)
        .map_err(|why| Error::Version {
            why: format!("{}: {why}", package.name),
            fix: "cargo xtask bump UNIT X.Y.Z".into(),
        })?;
    Ok(Unit {
        name: package.name.clone(),
        folder: package.folder.clone(),
        ecosystem: package.ecosystem,
        channel: lang::channel(package.ecosystem)?,
        version: package.version.clone(),
        tag: package.tag(&package.version),
        changelog: package.changelog(),
        written,
        needs,
        uses: package
            .uses
            .iter()
            .filter(|used| !used.dev)
            .map(|used| (used.name.clone(), used.range.clone()))
            .collect(),
        smoke: repo
            .get(package.folder.as_str())
            .map(|unit| smoke(unit))
            .unwrap_or_default(),
        smoke_extras: repo
            .get(package.folder.as_str())
            .map(|unit| words(own_list(unit, "smoke-extras")))
            .unwrap_or_default(),
    })
}

/// A list of the table that a manifest has for xtask.
fn own_list<'a>(unit: &'a RepoUnit, key: &str) -> &'a [toml::Value] {
    let tables = ["tool.xtask", "package.metadata.xtask", "xtask", "plugin"];
    let found = tables.iter().find_map(|table| {
        crate::unit::lookup(&unit.manifest, &format!("{table}.{key}"))?.as_array()
    });
    found.map_or(&[], Vec::as_slice)
}

fn words(list: &[toml::Value]) -> Vec<String> {
    list.iter()
        .filter_map(|word| word.as_str().map(str::to_owned))
        .collect()
}

/// `smoke = [["program", "argument"]]` of the manifest's xtask table.
fn smoke(unit: &RepoUnit) -> Vec<Vec<String>> {
    own_list(unit, "smoke")
        .iter()
        .filter_map(|line| line.as_array().map(|line| words(line)))
        .filter(|words| !words.is_empty())
        .collect()
}
