//! A bill of materials in CycloneDX form: what a package is made of, as far as its lock file or its manifest say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{json, Value};

use super::effects::Context;
use super::sums::{hex, Algorithm, Sum};
use super::Unit;
use crate::error::Result;
use crate::version::Ecosystem;

/// The document of a unit whose packed files lie in `folder`.
///
/// # Errors
/// If a file cannot be read.
pub fn of(context: &Context, unit: &Unit, folder: &Path, artifacts: &[String]) -> Result<String> {
    let mut hashes = Vec::new();
    let mut seed = String::new();
    for name in artifacts {
        let sum = Sum::of_file(Algorithm::Sha256, &folder.join(name))?;
        seed += &sum.hex;
        hashes.push(json!({ "alg": "SHA-256", "content": sum.hex }));
    }
    let lock = std::fs::read_to_string(context.source().join("Cargo.lock")).unwrap_or_default();
    let locked = if unit.ecosystem == Ecosystem::Crate {
        locked(&lock, &unit.name)
    } else {
        Vec::new()
    };
    let declared = || {
        unit.uses
            .iter()
            .map(|(name, range)| declared(unit.ecosystem, name, range.as_deref()))
    };
    let components: Vec<Value> = if locked.is_empty() {
        declared().collect()
    } else {
        locked
    };
    let own = purl(unit.ecosystem, &unit.name, Some(&unit.written));
    let refs: Vec<&Value> = components
        .iter()
        .map(|component| &component["bom-ref"])
        .collect();
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": format!("urn:uuid:{}", uuid(&seed)),
        "version": 1,
        "metadata": {
            "timestamp": timestamp(context.epoch),
            "tools": { "components": [{ "type": "application", "name": "xtask", "version": env!("CARGO_PKG_VERSION") }] },
            "component": {
                "type": "library", "bom-ref": own, "name": unit.name, "version": unit.written, "purl": own,
                "hashes": hashes,
            },
        },
        "components": components,
        "dependencies": [{ "ref": own, "dependsOn": refs }],
    });
    Ok(serde_json::to_string_pretty(&document).unwrap_or_default() + "\n")
}

/// What a crate is compiled from, by its lock file.
fn locked(lock: &str, name: &str) -> Vec<Value> {
    let table: toml::Table = lock.parse().unwrap_or_default();
    let entries: Vec<&toml::Table> = table
        .get("package")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_table)
        .collect();
    let word = |entry: &toml::Table, key: &str| {
        entry
            .get(key)
            .and_then(toml::Value::as_str)
            .unwrap_or("")
            .to_owned()
    };
    // A dependency is named `name`, or `name version` where that is not enough.
    let mut by_name: BTreeMap<String, Vec<&toml::Table>> = BTreeMap::new();
    for entry in &entries {
        by_name.entry(word(entry, "name")).or_default().push(entry);
    }
    let find = |text: &str| {
        let mut words = text.split(' ');
        let named = by_name.get(words.next()?)?;
        let version = words.next();
        named
            .iter()
            .copied()
            .find(|entry| version.is_none_or(|version| word(entry, "version") == version))
    };
    let mut open: Vec<&toml::Table> = find(name).into_iter().collect();
    let mut seen = BTreeSet::new();
    let mut found = BTreeMap::new();
    while let Some(entry) = open.pop() {
        let (entry_name, version) = (word(entry, "name"), word(entry, "version"));
        if !seen.insert((entry_name.clone(), version.clone())) {
            continue;
        }
        let needs = entry
            .get("dependencies")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten();
        open.extend(needs.filter_map(toml::Value::as_str).filter_map(find));
        if entry_name != name {
            let purl = purl(Ecosystem::Crate, &entry_name, Some(&version));
            let mut component = json!({ "type": "library", "bom-ref": purl, "name": entry_name, "version": version, "purl": purl });
            let sum = word(entry, "checksum");
            if !sum.is_empty() {
                component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
            }
            found.insert((entry_name, version), component);
        }
    }
    found.into_values().collect()
}

fn declared(ecosystem: Ecosystem, name: &str, range: Option<&str>) -> Value {
    let purl = purl(ecosystem, name, None);
    let mut component = json!({ "type": "library", "bom-ref": purl, "name": name, "purl": purl });
    if let Some(range) = range.filter(|range| !range.is_empty()) {
        component["properties"] = json!([{ "name": "range", "value": range }]);
    }
    component
}

fn purl(ecosystem: Ecosystem, name: &str, version: Option<&str>) -> String {
    let kind = match ecosystem {
        Ecosystem::Crate => "cargo",
        Ecosystem::Python => "pypi",
        Ecosystem::Npm => "npm",
        Ecosystem::Gem => "gem",
        Ecosystem::Chart => "helm",
        Ecosystem::Plugin => "generic",
    };
    let name = name.replace('@', "%40");
    version.map_or_else(
        || format!("pkg:{kind}/{name}"),
        |version| format!("pkg:{kind}/{name}@{version}"),
    )
}

/// A UUID that is the same for the same bytes.
fn uuid(seed: &str) -> String {
    let sum = Sum::of(Algorithm::Sha256, seed.as_bytes()).hex;
    // Version 8 (made by a rule of one's own), variant 1.
    format!(
        "{}-{}-8{}-a{}-{}",
        &sum[..8],
        &sum[8..12],
        &sum[13..16],
        &sum[17..20],
        &sum[20..32]
    )
}

fn timestamp(epoch: i64) -> String {
    let Ok(time) = time::OffsetDateTime::from_unix_timestamp(epoch) else {
        return hex(b"");
    };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

#[cfg(test)]
mod tests {
    use super::locked;

    #[test]
    fn a_lock_file_says_what_a_crate_is_made_of() {
        let lock = "[[package]]\nname = \"own\"\nversion = \"1.0.0\"\ndependencies = [\"a\", \"b 2.0.0\"]\n\n\
            [[package]]\nname = \"a\"\nversion = \"0.1.0\"\nchecksum = \"aa\"\ndependencies = [\"c\"]\n\n\
            [[package]]\nname = \"b\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\n\n\
            [[package]]\nname = \"c\"\nversion = \"3.0.0\"\n\n[[package]]\nname = \"other\"\nversion = \"9.0.0\"\n";
        let found: Vec<String> = locked(lock, "own")
            .iter()
            .map(|one| one["purl"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            found,
            [
                "pkg:cargo/a@0.1.0",
                "pkg:cargo/b@2.0.0",
                "pkg:cargo/c@3.0.0"
            ]
        );
    }
}
