//! What `Cargo.lock` says about a package: everything that is compiled for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

/// Names of all packages compiled for one package, itself included; empty if there is no lock file or it is not listed.
///
/// Versions are ignored: two versions of a crate count as one, which is near enough for "about 500 crates".
pub fn compiled_for(lock: &Path, package: &str) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct Lock {
        #[serde(default)]
        package: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        name: String,
        #[serde(default)]
        dependencies: Vec<String>,
    }
    let lock = std::fs::read_to_string(lock)
        .ok()
        .and_then(|text| toml::from_str::<Lock>(&text).ok());
    let mut edges: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entry in lock.iter().flat_map(|lock| &lock.package) {
        let names = entry
            .dependencies
            .iter()
            .filter_map(|line| line.split(' ').next());
        edges.entry(&entry.name).or_default().extend(names);
    }
    let mut found = BTreeSet::new();
    let mut open = vec![package];
    while let Some(name) = open.pop() {
        if let Some(next) = edges.get(name) {
            if found.insert(name.to_owned()) {
                open.extend(next);
            }
        }
    }
    found
}
