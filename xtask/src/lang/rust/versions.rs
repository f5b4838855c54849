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
        let says = |key: &str| top.get("package")?.get(key);
        let private = says("publish").and_then(Item::as_bool) == Some(false);
        let inherits = says("version").is_some_and(|version| version.get("workspace").is_some());
        if inherits && !private {
            let why = "version.workspace = true is not supported: no release would find this package; write its version here, or publish = false";
            return Err(manifest.bad(None, why));
        }
        let Some((name, version)) = manifest.about(top, "package")? else {
            return Ok(None);
        };
        let runtime = says("rust-version").and_then(Item::as_str);
        Ok(Some(Parts {
            private,
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

const TABLES: [(&str, bool); 3] = [
    ("dependencies", false),
    ("build-dependencies", false),
    ("dev-dependencies", true),
];

/// Of all platforms.
fn uses(manifest: &Manifest<'_>, top: &dyn TableLike) -> Vec<Use> {
    let targets = top.get("target").and_then(Item::as_table_like);
    let targets = targets.into_iter().flat_map(|targets| {
        let tables = targets.iter().filter_map(|(_, item)| item.as_table_like());
        tables.collect::<Vec<_>>()
    });
    let mut uses = Vec::new();
    for place in std::iter::once(top).chain(targets) {
        for (table, dev) in TABLES {
            let table = place.get(table).and_then(Item::as_table_like);
            for (key, item) in table.into_iter().flat_map(TableLike::iter) {
                uses.extend(used(manifest, key, item, dev));
            }
        }
    }
    uses
}

fn used(manifest: &Manifest<'_>, key: &str, item: &Item, dev: bool) -> Option<Use> {
    if let Some(span) = string(item) {
        return Some(manifest.used(key, span, dev));
    }
    let entry = item.as_table_like()?;
    if entry.get("workspace").and_then(Item::as_bool) == Some(true) {
        return of_workspace(manifest, key, dev);
    }
    let name = entry.get("package").and_then(Item::as_str).unwrap_or(key);
    Some(match entry.get("version").and_then(string) {
        Some(span) => manifest.used(name, span, dev),
        None => Use {
            ecosystem: manifest.ecosystem,
            name: name.to_owned(),
            range: None,
            at: None,
            dev,
        },
    })
}

/// A dependency whose range stands in the nearest manifest with a `[workspace]`.
fn of_workspace(manifest: &Manifest<'_>, key: &str, dev: bool) -> Option<Use> {
    let folders = manifest.file.parent()?.ancestors();
    let text = |file: &PathBuf| std::fs::read_to_string(manifest.root.join(file)).ok();
    let (file, text, document) =
        folders
            .map(|folder| folder.join("Cargo.toml"))
            .find_map(|file| {
                let text = text(&file)?;
                let document = toml_edit::Document::parse(text.clone()).ok()?;
                let is_one = document.as_table().contains_key("workspace");
                is_one.then_some((file, text, document))
            })?;
    let item = document
        .as_table()
        .get("workspace")?
        .get("dependencies")?
        .get(key)?;
    let workspace = Manifest {
        root: manifest.root,
        file,
        text: &text,
        ecosystem: manifest.ecosystem,
        ecosystems: manifest.ecosystems,
    };
    used(&workspace, key, item, dev)
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
