//! Finding Core's packages in a checkout: by the names in its own manifests, wherever they are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use toml::Value;

use super::table::{Row, Table};
use crate::error::{Error, Result};
use crate::lang::{is_named, lookup, parse_json, parse_toml};

/// Folders that hold no packages of the checkout: build output, dependencies, and what its own tests run on.
const SKIPPED: [&str; 7] = [
    "target",
    "node_modules",
    "vendor",
    "dist",
    "fixtures",
    "__pycache__",
    "build",
];

/// A folder with sources of Tasker Core.
#[derive(Clone, Debug)]
pub struct Checkout {
    /// Absolute.
    pub root: PathBuf,
    /// The packages that we know by name, and every other package of its Cargo workspace: ours may use those too.
    pub packages: Vec<Package>,
}

/// A package of a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The name of its [`Language`](crate::lang::Language).
    pub language: String,
    /// Its name.
    pub name: String,
    /// Its version, if the manifest says it in a way that can be read without running anything.
    pub version: Option<String>,
    /// Its manifest, absolute.
    pub manifest: PathBuf,
}

impl Package {
    /// Its folder, absolute.
    pub fn folder(&self) -> &Path {
        self.manifest.parent().unwrap_or(Path::new("/"))
    }
}

impl Checkout {
    /// Finds the packages and checks that we support them.
    ///
    /// A checkout need not have all languages: those that are not there stay published. A language of which it has some
    /// packages must have all that the table names and the repository uses, because two versions of one would not fit together.
    pub fn open(root: &Path, path: &Path, table: &Table) -> Result<Self> {
        if !path.is_dir() {
            return Err(Error::Core {
                why: format!("{} is not a folder", path.display()),
                fix: "cargo xtask core use PATH with a Tasker Core checkout, or cargo xtask core use published".into(),
            });
        }
        let mut manifests = Vec::new();
        walk(path, &mut manifests)?;
        // The outermost first: a copy deep inside, in an example say, is not the package.
        manifests.sort_by_key(|manifest| (manifest.components().count(), manifest.clone()));
        let mut packages = cargo_packages(root, &manifests)?;
        packages.extend(manifests.iter().filter_map(|manifest| other(manifest)));
        let names = |package: &Package| {
            table
                .rows
                .iter()
                .any(|row| row.language == package.language && row.name == package.name)
        };
        let is_core = packages.iter().any(names);
        packages.retain(|package| package.language == "rust" || names(package));
        let mut seen = BTreeSet::new();
        packages.retain(|package| seen.insert((package.language.clone(), package.name.clone())));
        let checkout = Self {
            root: path.to_owned(),
            packages,
        };
        if !is_core {
            return Err(checkout.is_none(table));
        }
        checkout.check(table)?;
        Ok(checkout)
    }

    /// The package of this language and name.
    pub fn package(&self, language: &str, name: &str) -> Option<&Package> {
        self.packages
            .iter()
            .find(|package| package.language == language && package.name == name)
    }

    /// The languages that it has packages of, sorted.
    pub fn languages(&self) -> Vec<String> {
        let languages: BTreeSet<&String> = self
            .packages
            .iter()
            .map(|package| &package.language)
            .collect();
        languages.into_iter().cloned().collect()
    }

    /// Whether it has packages of a language.
    pub fn has(&self, language: &str) -> bool {
        self.packages
            .iter()
            .any(|package| package.language == language)
    }

    /// The package of a language that has one, such as Python; none if the checkout does not have it.
    pub fn only<'a>(&'a self, table: &Table, language: &str) -> Option<&'a Package> {
        table
            .rows
            .iter()
            .filter(|row| row.language == language)
            .find_map(|row| self.package(language, &row.name))
    }

    fn is_none(&self, table: &Table) -> Error {
        let names: Vec<&str> = table.rows.iter().map(|row| row.name.as_str()).collect();
        Error::Core {
            why: format!(
                "{} is not a Tasker Core checkout: none of its manifests names {}",
                self.root.display(),
                names.join(", ")
            ),
            fix: "pass the top folder of a Tasker Core checkout, or `published`".into(),
        }
    }

    fn check(&self, table: &Table) -> Result<()> {
        let mut problems = Vec::new();
        for row in &table.rows {
            let has_language = table
                .of(&row.language)
                .any(|row| self.package(&row.language, &row.name).is_some());
            match self.package(&row.language, &row.name) {
                None if has_language => problems.push(self.missing(row)),
                Some(Package {
                    version: Some(version),
                    manifest,
                    ..
                }) if !row.supports(version) => problems.push(format!(
                    "it has {} {version} ({}); {row}",
                    row.name,
                    crate::file::relative(&self.root, manifest).display()
                )),
                _ => {}
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(Error::Core {
            why: format!(
                "{} is not supported: {}",
                self.root.display(),
                problems.join("; ")
            ),
            fix: "check out a supported version, or change the rows of xtask/contract/core.toml together with the requirements of \
                  the packages"
                .into(),
        })
    }

    fn missing(&self, row: &Row) -> String {
        format!(
            "it has {} packages, but no manifest that names {}",
            row.language, row.name
        )
    }
}

/// Manifests of all ecosystems below a folder.
fn walk(folder: &Path, manifests: &mut Vec<PathBuf>) -> Result<()> {
    const NAMES: [&str; 4] = ["Cargo.toml", "pyproject.toml", "package.json", "*.gemspec"];
    for entry in std::fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type().map_err(Error::io("read", entry.path()))?;
        if kind.is_dir() {
            if !name.starts_with('.') && !SKIPPED.contains(&name.as_ref()) {
                walk(&entry.path(), manifests)?;
            }
        } else if NAMES.iter().any(|pattern| is_named(pattern, &name)) {
            manifests.push(entry.path());
        }
    }
    Ok(())
}

/// The packages of each Cargo workspace, as cargo itself sees them: versions may be inherited, members may be anywhere.
fn cargo_packages(root: &Path, manifests: &[PathBuf]) -> Result<Vec<Package>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Described>,
    }
    #[derive(Deserialize)]
    struct Described {
        name: String,
        version: String,
        manifest_path: PathBuf,
    }
    let mut covered: Vec<PathBuf> = Vec::new();
    let mut packages = Vec::new();
    for manifest in manifests {
        if !manifest.ends_with("Cargo.toml") || covered.contains(manifest) {
            continue;
        }
        let output = Command::new("cargo")
            .args([
                "metadata",
                "--no-deps",
                "--format-version",
                "1",
                "--manifest-path",
            ])
            .arg(manifest)
            // Not there: its toolchain file would fetch a toolchain.
            .current_dir(root)
            .stdin(Stdio::null())
            .output()
            .map_err(Error::io("start", "cargo"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Error::Core {
                why: format!(
                    "cargo cannot read {}: {}",
                    manifest.display(),
                    said.trim().trim_start_matches("error: ")
                ),
                fix: "repair the checkout, or cargo xtask core use published".into(),
            });
        }
        let found: Metadata =
            serde_json::from_slice(&output.stdout).map_err(|error| Error::Core {
                why: format!("cargo metadata of {}: {error}", manifest.display()),
                fix: "cargo xtask doctor".into(),
            })?;
        for package in found.packages {
            covered.push(package.manifest_path.clone());
            packages.push(Package {
                language: "rust".to_owned(),
                name: package.name,
                version: Some(package.version),
                manifest: package.manifest_path,
            });
        }
    }
    Ok(packages)
}

/// The package of a Python, Node or Ruby manifest. What cannot be parsed is none that we know: the ecosystem's own tools will say.
fn other(manifest: &Path) -> Option<Package> {
    let text = std::fs::read_to_string(manifest).ok()?;
    let name = manifest.file_name()?.to_string_lossy();
    let string = |table: &toml::Table, path: &str| {
        lookup(table, path)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let (language, name, version) = match name.as_ref() {
        "pyproject.toml" => {
            let table = parse_toml(&text).ok()?;
            let version = string(&table, "project.version");
            ("python", string(&table, "project.name")?, version)
        }
        "package.json" => {
            let table = parse_json(&text).ok()?;
            let version = string(&table, "version");
            ("typescript", string(&table, "name")?, version)
        }
        "Cargo.toml" => return None,
        _ => {
            let version = assigned(&text, ".version").or_else(|| required_version(manifest, &text));
            ("ruby", assigned(&text, ".name")?, version)
        }
    };
    Some(Package {
        language: language.to_owned(),
        name,
        version,
        manifest: manifest.to_owned(),
    })
}

/// The string that Ruby code assigns: `spec.name = 'tasker-rb'`, `VERSION = "0.1.10"`.
fn assigned(text: &str, to: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (before, value) = line.split_once('=')?;
        let value = value.trim().trim_end_matches(".freeze");
        let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let value = value[1..].split(quote).next()?;
        before.trim().ends_with(to).then(|| value.to_owned())
    })
}

/// The version of a specification that takes it from a file it requires, as Bundler's own template does.
fn required_version(manifest: &Path, text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let path = line.trim().strip_prefix("require_relative")?.trim();
        let path = path.trim_matches(|c| matches!(c, '\'' | '"' | '(' | ')'));
        let file = manifest.parent()?.join(path).with_extension("rb");
        assigned(&std::fs::read_to_string(file).ok()?, "VERSION")
    })
}

#[cfg(test)]
mod tests {
    use super::assigned;

    #[test]
    fn names_and_versions_are_read_from_ruby() {
        let text = "Gem::Specification.new do |s|\n  s.name          = 'tasker-rb'\n  s.version = TaskerCore::VERSION\n  s.authors = ['x']\nend";
        assert_eq!(assigned(text, ".name").as_deref(), Some("tasker-rb"));
        assert_eq!(assigned(text, ".version"), None);
        assert_eq!(
            assigned("  VERSION = \"0.1.10\".freeze", "VERSION").as_deref(),
            Some("0.1.10")
        );
    }
}
