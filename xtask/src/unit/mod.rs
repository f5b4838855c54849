//! Units: folders with a native manifest, and how manifests are read.

pub mod graph;
pub mod locks;
pub mod manifest;

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::error::{Error, Result};
use crate::file::line_with;
use manifest::{first, last};

pub use manifest::{
    above, is_named, lookup, parse_comments, parse_json, parse_toml, resolve, text_at, words,
    Malformed,
};

/// A folder with a native manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// The name that the manifest gives it.
    pub name: String,
    /// Its folder, relative to the repository, with `/`; it identifies the unit.
    pub folder: String,
    /// The name of its [`Language`](Reader).
    pub language: &'static str,
    /// Folders of units that it depends on by path; its own tools build them as needed.
    pub depends_on: Vec<String>,
    /// Folders of units that must be built before its tests run (`needs` in the manifest's xtask table).
    pub needs_built: Vec<String>,
    /// Folders of units that it uses only in its own tests, in any direction: development dependencies, which may form circles.
    pub tested_with: Vec<String>,
    /// Files and folders outside its own that its tasks read, relative to the repository (`inputs` in the manifest's xtask table).
    pub inputs: Vec<String>,
    /// Environment variables that its tasks may see besides the usual ones (`env` in the manifest's xtask table).
    pub env: Vec<String>,
    /// Folders of units that are selected with it: an example's apps.
    pub parts: Vec<String>,
    /// See [`Reader::shared_files`].
    pub shared_files: &'static [&'static str],
    /// The manifest's file name.
    pub file: String,
    /// The parsed manifest; the keys are those of the native file, or what the language made of it.
    pub manifest: Table,
}

/// Reads the manifests of an ecosystem.
pub trait Reader: Sync {
    /// Its name for `--lang`.
    fn name(&self) -> &'static str;

    /// The files that make a folder a unit: names, or patterns such as `*.gemspec` (see [`is_named`]). The first that is there is
    /// the unit's manifest; `["*.gemspec", "Gemfile"]` finds a gem by its specification and an app by its Gemfile.
    fn manifests(&self) -> &'static [&'static str];

    /// Reads a manifest into a table, which the unit keeps. TOML, unless a language says otherwise: [`parse_json`], or a table
    /// of whatever the language needs to know of it.
    fn parse(&self, text: &str) -> std::result::Result<Table, Malformed> {
        parse_toml(text)
    }

    /// Files outside its units, relative to the repository, that all of them use: a common lock file, settings of its tools.
    fn shared_files(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether manifests below its units are its own business, as in a folder of templates.
    fn owns_all_below(&self) -> bool {
        false
    }

    /// The packages that these manifests of a Tasker Core checkout describe; what cannot be parsed is none, the ecosystem's own tools will say why.
    fn packages(&self, _root: &Path, _manifests: &[PathBuf]) -> Result<Vec<Described>> {
        Ok(Vec::new())
    }

    /// Reads a manifest; none if it describes no unit (a workspace without a package).
    fn unit(&self, found: &Found<'_>) -> Result<Option<Unit>>;
}

/// A package in a checkout of Tasker Core.
#[derive(Clone, Debug)]
pub struct Described {
    pub name: String,
    /// None if it cannot be read without running anything.
    pub version: Option<String>,
    /// Absolute.
    pub manifest: PathBuf,
    /// Whether ours may use it though it is not in the table of Core's packages.
    pub is_common: bool,
    /// Whether its tools write beside the sources, so that it must be built in a copy.
    pub is_built_in_place: bool,
}

/// The packages of manifests that are read one by one, by a function that gives name and version.
pub fn described(
    manifests: &[PathBuf],
    is_built_in_place: bool,
    read: impl Fn(&Path, &str) -> Option<(String, Option<String>)>,
) -> Vec<Described> {
    let one = |manifest: &PathBuf| {
        let text = std::fs::read_to_string(manifest).ok()?;
        let (name, version) = read(manifest, &text)?;
        Some(Described {
            name,
            version,
            manifest: manifest.clone(),
            is_common: false,
            is_built_in_place,
        })
    };
    manifests.iter().filter_map(one).collect()
}

/// A manifest that was found.
pub struct Found<'a> {
    pub root: &'a Path,
    /// The manifest's folder, relative to the repository.
    pub folder: &'a str,
    pub manifest: &'a str,
    pub text: &'a str,
    pub table: &'a Table,
}

impl Found<'_> {
    /// A unit without connections. Whoever asked for it gives it the manifest's table.
    pub fn unit(&self, language: &'static str, name: &str) -> Unit {
        Unit {
            name: name.to_owned(),
            folder: self.folder.to_owned(),
            language,
            depends_on: Vec::new(),
            needs_built: Vec::new(),
            tested_with: Vec::new(),
            inputs: Vec::new(),
            env: Vec::new(),
            parts: Vec::new(),
            shared_files: &[],
            file: self.manifest.to_owned(),
            manifest: Table::new(),
        }
    }

    /// The text at a dotted path, which must be there.
    pub fn required_str(&self, path: &str) -> Result<String> {
        match lookup(self.table, path) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(self.bad(last(path), format!("`{path}` must be a string"))),
            None => Err(self.bad(first(path), format!("`{path}` is missing"))),
        }
    }

    /// Reads what a unit says to xtask itself, in the manifest's table at a dotted path (empty: the manifest): `needs`, `inputs`, `env`.
    ///
    /// ```toml
    /// [tool.xtask]
    /// needs = ["ops/dev-server"]          # units that must be built before its tests run
    /// inputs = ["docs/guides", "VERSION"] # files and folders outside its own that its tasks read
    /// env = ["DATABASE_URL"]              # variables that its tasks may see
    /// ```
    pub fn own_words(&self, unit: &mut Unit, table: &str) -> Result<()> {
        let at = |key: &str| format!("{table}.{key}").trim_start_matches('.').to_owned();
        unit.needs_built = self.needs(&at("needs"))?;
        unit.inputs = self.texts(&at("inputs"), "docs/guides")?;
        for input in &unit.inputs {
            if !self.root.join(input).exists() {
                let why = format!(
                    "`{}` names `{input}`, which is not in the repository",
                    at("inputs")
                );
                return Err(self.bad(input, why));
            }
        }
        unit.env = self.texts(&at("env"), "DATABASE_URL")?;
        Ok(())
    }

    /// The folders in the list at a dotted path, each relative to the repository.
    pub fn needs(&self, path: &str) -> Result<Vec<String>> {
        let folders = self.texts(path, "ops/dev-server")?;
        for folder in &folders {
            if !self.root.join(folder).is_dir() {
                return Err(self.bad(
                    folder,
                    format!("`{path}` names `{folder}`, which is not a folder of the repository"),
                ));
            }
        }
        Ok(folders)
    }

    /// The texts in the list at a dotted path, which may be missing; `example` is for the error message.
    fn texts(&self, path: &str, example: &str) -> Result<Vec<String>> {
        let Some(value) = lookup(self.table, path) else {
            return Ok(Vec::new());
        };
        let texts = value.as_array().and_then(|list| {
            list.iter()
                .map(|item| {
                    item.as_str()
                        .map(|text| text.trim_end_matches('/').to_owned())
                })
                .collect::<Option<Vec<_>>>()
        });
        texts.ok_or_else(|| {
            let why = format!("`{path}` must be a list of strings, such as [\"{example}\"]");
            self.bad(last(path), why)
        })
    }

    /// Where a path in this manifest leads, relative to the repository.
    pub fn resolve(&self, path: &str) -> Option<String> {
        resolve(self.folder, path)
    }

    /// An error at the line on which `near` first appears.
    pub fn bad(&self, near: &str, why: String) -> Error {
        Error::BadFile {
            file: Path::new(self.folder).join(self.manifest),
            line: line_with(self.text, near).or(Some(1)),
            why,
            fix: None,
        }
    }
}
