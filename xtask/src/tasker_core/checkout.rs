//! Finding Core's packages in a checkout: by the names in its own manifests, wherever they are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::table::{Row, Table};
use crate::error::{Error, Result};
use crate::layout::holds_no_packages;
use crate::unit::{is_named, Described, Reader};

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
    pub name: String,
    /// Its version, if the manifest says it in a way that can be read without running anything.
    pub version: Option<String>,
    /// Its manifest, absolute.
    pub manifest: PathBuf,
    /// See [`Described::is_built_in_place`].
    pub is_built_in_place: bool,
    is_common: bool,
}

impl Package {
    fn of(language: &str, found: Described) -> Self {
        Self {
            language: language.to_owned(),
            name: found.name,
            version: found.version,
            manifest: found.manifest,
            is_built_in_place: found.is_built_in_place,
            is_common: found.is_common,
        }
    }

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
    pub fn open(root: &Path, path: &Path, table: &Table, readers: &[&dyn Reader]) -> Result<Self> {
        if !path.is_dir() {
            return Err(Error::Core {
                why: format!("{} is not a folder", path.display()),
                fix: "cargo xtask core use PATH with a Tasker Core checkout, or cargo xtask core use published".into(),
            });
        }
        let mut manifests = Vec::new();
        walk(path, readers, &mut manifests)?;
        // The outermost first: a copy deep inside, in an example say, is not the package.
        manifests.sort_by_key(|manifest| (manifest.components().count(), manifest.clone()));
        let mut packages = Vec::new();
        for reader in readers {
            let own: Vec<PathBuf> = manifests
                .iter()
                .filter(|manifest| is_manifest(*reader, manifest))
                .cloned()
                .collect();
            let found = reader.packages(root, &own)?.into_iter();
            packages.extend(found.map(|found| Package::of(reader.name(), found)));
        }
        let names = |package: &Package| {
            table
                .rows
                .iter()
                .any(|row| row.language == package.language && row.name == package.name)
        };
        let is_core = packages.iter().any(names);
        packages.retain(|package| package.is_common || names(package));
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

fn is_manifest(reader: &dyn Reader, path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    reader
        .manifests()
        .iter()
        .any(|pattern| is_named(pattern, &name))
}

/// Manifests of all ecosystems below a folder.
fn walk(folder: &Path, readers: &[&dyn Reader], manifests: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type().map_err(Error::io("read", entry.path()))?;
        if kind.is_dir() {
            if !name.starts_with('.')
                && !holds_no_packages(&name)
                && !["vendor", "build"].contains(&&*name)
            {
                walk(&entry.path(), readers, manifests)?;
            }
        } else if readers
            .iter()
            .any(|reader| is_manifest(*reader, &entry.path()))
        {
            manifests.push(entry.path());
        }
    }
    Ok(())
}
