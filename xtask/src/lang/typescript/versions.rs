//! Versions of npm packages.

use std::ops::Range;
use std::path::{Path, PathBuf};

use semver::Version;

use super::TypeScript;
use crate::error::Result;
use crate::version::range::plain_admits;
use crate::version::sites::{json, quoted};
use crate::version::{Locked, Manifest, Parts, Runtime, Versions};

impl Versions for TypeScript {
    fn kind(&self) -> &'static str {
        "npm"
    }

    fn language(&self) -> &'static str {
        "typescript"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["package.json"]
    }

    fn read(&self, manifest: &Manifest<'_>) -> Result<Option<Parts>> {
        let value: serde_json::Value = serde_json::from_str(manifest.text)
            .map_err(|error| manifest.bad(Some(error.line()), error.to_string()))?;
        let Some(name) = value["name"].as_str() else {
            return Ok(None);
        };
        let sites = json(manifest.text);
        let Some((_, span)) = sites.iter().find(|(path, _)| *path == ["version"]) else {
            return Ok(None);
        };
        let kinds = [
            "dependencies",
            "peerDependencies",
            "optionalDependencies",
            "devDependencies",
        ];
        let uses = sites
            .iter()
            .filter(|(path, _)| path.len() == 2 && kinds.contains(&path[0].as_str()))
            .filter(|(_, span)| !manifest.text[span.clone()].contains(':'))
            .map(|(path, span)| manifest.used(&path[1], span.clone(), path[0] == "devDependencies"))
            .collect();
        let language = value["engines"].as_object().and_then(|engines| {
            let (name, range) = engines.iter().next()?;
            Some(Runtime {
                name: if name == "node" { "Node" } else { "Bun" }.to_owned(),
                range: range.as_str()?.to_owned(),
            })
        });
        Ok(Some(Parts {
            uses,
            private: value["private"] == true,
            language,
            ..manifest.parts(name, span.clone())
        }))
    }

    fn admits(&self, range: &str, version: &Version) -> Option<bool> {
        plain_admits(range, version)
    }

    fn between(&self, from: &str, to: &Version) -> String {
        format!(">={from} <{to}")
    }

    fn lock(&self, _root: &Path, folder: &Path) -> Option<PathBuf> {
        Some(folder.join(super::LOCK)).filter(|lock| lock.is_file())
    }

    fn locked(&self, text: &str) -> Vec<Locked> {
        npm(text)
    }

    fn lock_fix(&self) -> &'static str {
        "npm install --package-lock-only"
    }

    fn lock_commands(&self) -> &'static [&'static str] {
        &[
            "npm install --package-lock-only --ignore-scripts --offline --no-audit --no-fund",
            "npm ls --package-lock-only",
        ]
    }

    fn generated(&self) -> Option<&'static str> {
        Some("package.json")
    }

    fn pins(&self, line: &str) -> Vec<(String, Range<usize>)> {
        let spans = quoted(line);
        match (spans.first(), spans.get(1)) {
            (Some(name), Some(span)) => vec![(line[name.clone()].to_owned(), span.clone())],
            _ => Vec::new(),
        }
    }
}

fn npm(text: &str) -> Vec<Locked> {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("no version").to_owned();
    let own = Locked {
        name: word(&value["name"]),
        version: word(&value["version"]),
        is_ours: true,
    };
    let others = value["packages"].as_object().into_iter().flatten();
    let others = others.filter_map(|(path, entry)| {
        let name = path.rsplit_once("node_modules/")?.1.to_owned();
        let version = word(&entry["version"]);
        (entry["link"] != true).then_some(Locked {
            name,
            version,
            is_ours: false,
        })
    });
    std::iter::once(own).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::TypeScript;
    use crate::version::Versions as _;

    #[test]
    fn ranges_are_read_as_npm_reads_them() {
        let admits =
            |range: &str, version: &str| TypeScript.admits(range, &version.parse().unwrap());
        for (range, version, expected) in [
            ("1.2", "1.2.7", true),
            ("1.2", "1.3.0", false),
            ("1.2.3", "1.2.4", false),
            ("^1.2", "1.9.0", true),
            ("^0.1.0", "0.2.0", false),
            (">= 1.2 < 2", "1.9.0", true),
            (">1.2", "1.2.7", false),
            ("<=1.2", "1.2.7", true),
            ("1.x", "1.9.0", true),
            ("1 || 3", "3.1.0", true),
            ("*", "9.0.0", true),
            ("^1.0.0", "1.1.0-rc.1", false),
        ] {
            assert_eq!(
                admits(range, version),
                Some(expected),
                "{range} and {version}"
            );
        }
        assert_eq!(admits("1.0 - 2.0", "1.1.0"), None);
        assert_eq!(admits("file:../x", "1.1.0"), None);
    }

    #[test]
    fn pins_are_read_from_lines_that_are_no_manifest_yet() {
        let line = "  \"@a/b\": \"^1.0.0\",";
        let pins = TypeScript.pins(line).into_iter();
        let found: Vec<_> = pins.map(|(name, span)| (name, &line[span])).collect();
        assert_eq!(found, [("@a/b".to_owned(), "^1.0.0")]);
    }
}
