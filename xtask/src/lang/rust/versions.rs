//! Versions of crates.

use std::ops::Range;
use std::path::{Path, PathBuf};

use semver::{Version, VersionReq};
use toml_edit::{Item, TableLike};

use super::Rust;
use crate::error::Result;
use crate::version::package::string;
use crate::version::sites::quoted;
use crate::version::{Locked, Manifest, Parts, Runtime, Use, Versions};

impl Versions for Rust {
    fn kind(&self) -> &'static str {
        "crate"
    }

    fn language(&self) -> &'static str {
        "rust"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["Cargo.toml"]
    }

    fn read(&self, manifest: &Manifest<'_>) -> Result<Option<Parts>> {
        let document = manifest.document()?;
        let top = document.as_table();
        let Some((name, version)) = manifest.about(top, "package")? else {
            return Ok(None);
        };
        let says = |key: &str| top.get("package")?.get(key);
        let runtime = says("rust-version").and_then(Item::as_str);
        Ok(Some(Parts {
            private: says("publish").and_then(Item::as_bool) == Some(false),
            language: runtime.map(|version| Runtime {
                name: "Rust".to_owned(),
                range: format!(">={version}"),
            }),
            uses: uses(manifest, top),
            ..manifest.parts(&name, version)
        }))
    }

    fn admits(&self, range: &str, version: &Version) -> Option<bool> {
        Some(VersionReq::parse(range).ok()?.matches(version))
    }

    fn needs_ranges(&self) -> bool {
        true
    }

    /// A workspace has one for all.
    fn lock(&self, root: &Path, folder: &Path) -> Option<PathBuf> {
        folder
            .ancestors()
            .take_while(|above| above.starts_with(root))
            .map(|above| above.join("Cargo.lock"))
            .find(|lock| lock.is_file())
    }

    fn locked(&self, text: &str) -> Vec<Locked> {
        super::lock::entries(text)
            .into_iter()
            .map(|entry| Locked {
                is_ours: entry.source.is_none(),
                name: entry.name,
                version: entry.version,
            })
            .collect()
    }

    fn lock_fix(&self) -> &'static str {
        "cargo update --workspace --offline"
    }

    fn lock_commands(&self) -> &'static [&'static str] {
        &[
            "cargo update --workspace --offline",
            "cargo tree --workspace --locked --offline --depth 0",
        ]
    }

    fn generated(&self) -> Option<&'static str> {
        Some("Cargo.toml")
    }

    fn pins(&self, line: &str) -> Vec<(String, Range<usize>)> {
        let Some((key, rest)) = line.split_once('=') else {
            return Vec::new();
        };
        let from = line.len() - rest.len();
        // The first string behind the key, or behind `version =` inside of braces.
        let from = match (rest.trim_start().starts_with('{'), line.find("version =")) {
            (true, Some(at)) => at,
            (true, None) => return Vec::new(),
            (false, _) => from,
        };
        let range = quoted(line).into_iter().find(|span| span.start > from);
        range
            .map(|span| (key.trim().to_owned(), span))
            .into_iter()
            .collect()
    }
}

fn uses(manifest: &Manifest<'_>, top: &dyn TableLike) -> Vec<Use> {
    let mut uses = Vec::new();
    for (table, dev) in [
        ("dependencies", false),
        ("build-dependencies", false),
        ("dev-dependencies", true),
    ] {
        let Some(table) = top.get(table).and_then(Item::as_table_like) else {
            continue;
        };
        for (key, item) in table.iter() {
            if let Some(span) = string(item) {
                uses.push(manifest.used(key, span, dev));
            } else if let Some(entry) = item.as_table_like() {
                let name = entry.get("package").and_then(Item::as_str).unwrap_or(key);
                match entry.get("version").and_then(string) {
                    Some(span) => uses.push(manifest.used(name, span, dev)),
                    None => uses.push(Use {
                        ecosystem: manifest.ecosystem,
                        name: name.to_owned(),
                        range: None,
                        at: None,
                        dev,
                    }),
                }
            }
        }
    }
    uses
}

#[cfg(test)]
mod tests {
    use super::Rust;
    use crate::version::Versions as _;

    #[test]
    fn ranges_are_read_as_cargo_reads_them() {
        let admits = |range: &str, version: &str| Rust.admits(range, &version.parse().unwrap());
        for (range, version, expected) in [
            ("=1.2", "1.2.7", true),
            (">1.2", "1.2.7", false),
            (">1.2", "1.3.0", true),
            ("<=1.2", "1.2.7", true),
            ("1.2", "1.9.0", true),
            ("0.1", "0.2.0", false),
            (">=0.1, <0.3", "0.2.9", true),
            ("1.0.0-rc.1", "1.0.0-rc.2", true),
            ("1.0", "1.1.0-rc.1", false),
        ] {
            assert_eq!(
                admits(range, version),
                Some(expected),
                "{range} and {version}"
            );
        }
        assert_eq!(admits("one", "1.0.0"), None);
    }

    #[test]
    fn pins_are_read_from_lines_that_are_no_manifest_yet() {
        let found = |line: &str| -> Vec<(String, String)> {
            let pins = Rust.pins(line).into_iter();
            pins.map(|(name, span)| (name, line[span].to_owned()))
                .collect()
        };
        let one = |name: &str, range: &str| vec![(name.to_owned(), range.to_owned())];
        assert_eq!(found("a-b = \"0.1\" # x"), one("a-b", "0.1"));
        assert_eq!(
            found("a = { path = \"x\", version = \"0.1\" }"),
            one("a", "0.1")
        );
        assert_eq!(found("a = { path = \"x\" }"), []);
    }
}
