//! Versions of charts.

use semver::Version;

use super::Helm;
use crate::error::Result;
use crate::version::range::plain_admits;
use crate::version::sites::lines;
use crate::version::{Manifest, Parts, Versions};

impl Versions for Helm {
    fn kind(&self) -> &'static str {
        "chart"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["Chart.yaml"]
    }

    fn read(&self, manifest: &Manifest<'_>) -> Result<Option<Parts>> {
        let (mut name, mut version, mut uses) = (None, None, Vec::new());
        let (mut in_dependencies, mut dependency) = (false, String::new());
        for (start, line) in lines(manifest.text) {
            let trimmed = line.trim_start().trim_start_matches("- ").trim_start();
            let Some((key, raw)) = trimmed.split_once(':') else {
                continue;
            };
            let raw = raw.split(" #").next().unwrap_or("").trim();
            let value = raw.trim_matches(['"', '\'']);
            let at = start + line.len() - trimmed.len() + key.len();
            let place = manifest.text[at..]
                .find(value)
                .map_or(at, |offset| at + offset);
            let span = place..place + value.len();
            if !line.starts_with([' ', '-']) {
                in_dependencies = key == "dependencies";
                match key {
                    "name" => name = Some(value.to_owned()),
                    "version" => version = Some(span),
                    _ => {}
                }
            } else if in_dependencies {
                match key {
                    "name" => value.clone_into(&mut dependency),
                    "version" => uses.push(manifest.used(&dependency, span, false)),
                    _ => {}
                }
            }
        }
        Ok(name.zip(version).map(|(name, version)| Parts {
            uses,
            ..manifest.parts(&name, version)
        }))
    }

    fn admits(&self, range: &str, version: &Version) -> Option<bool> {
        plain_admits(range, version)
    }
}
