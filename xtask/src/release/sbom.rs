//! A bill of materials in CycloneDX form: what a package is made of, as far as its lock file or its manifest say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{json, Value};

use crate::clock::day_and_time;
use crate::error::Result;
use crate::publish::sums::{Algorithm, Sum};
use crate::publish::Context;
use crate::publish::{Component, Unit};

/// The document of a unit whose packed files lie in `folder`.
pub fn of(context: &Context, unit: &Unit, folder: &Path, artifacts: &[String]) -> Result<String> {
    let mut hashes = Vec::new();
    let mut seed = String::new();
    for name in artifacts {
        let sum = Sum::of_file(Algorithm::Sha256, &folder.join(name))?;
        seed += &sum.hex;
        hashes.push(json!({ "alg": "SHA-256", "content": sum.hex }));
    }
    let kind = unit.channel.purl();
    let locked = unit.channel.components(context, unit);
    let components: Vec<Value> = if locked.is_empty() {
        declared(kind, &unit.uses)
    } else {
        locked.iter().map(|part| component(kind, part)).collect()
    };
    let own = purl(kind, &unit.name, Some(&unit.written));
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

fn component(kind: &str, part: &Component) -> Value {
    let purl = purl(part.kind.unwrap_or(kind), &part.name, Some(&part.version));
    let mut component = json!({ "type": "library", "bom-ref": purl, "name": part.name, "version": part.version, "purl": purl });
    if !part.sha256.is_empty() {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": part.sha256 }]);
    }
    component
}

/// What a manifest asks for. Extras and groups may name a package again: it is one component, with each range once.
fn declared(kind: &str, uses: &[(String, Option<String>)]) -> Vec<Value> {
    let mut ranges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, range) in uses {
        let range = range.as_deref().filter(|range| !range.is_empty());
        ranges.entry(name).or_default().extend(range);
    }
    let component = |(name, ranges): (&str, BTreeSet<&str>)| {
        let purl = purl(kind, name, None);
        let mut component =
            json!({ "type": "library", "bom-ref": purl, "name": name, "purl": purl });
        if !ranges.is_empty() {
            let property = |range| json!({ "name": "range", "value": range });
            component["properties"] = ranges.into_iter().map(property).collect();
        }
        component
    };
    ranges.into_iter().map(component).collect()
}

fn purl(kind: &str, name: &str, version: Option<&str>) -> String {
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
    let (day, time) = day_and_time(epoch);
    format!("{day}T{time}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_is_asked_for_twice_is_one_component() {
        let uses = [
            ("tasker-contrib", Some("~=0.1.0")),
            ("typer", None),
            ("tasker-contrib", Some("~=0.1.0")),
            ("tasker-contrib", Some("<0.1.9")),
        ];
        let uses = uses.map(|(name, range)| (name.to_owned(), range.map(str::to_owned)));
        let found = declared("pypi", &uses);
        assert_eq!(found.len(), 2, "{found:?}");
        let ranges = found[0]["properties"].as_array().map(Vec::len);
        assert_eq!(ranges, Some(2), "{found:?}");
        assert_eq!(found[1].get("properties"), None);
    }
}
