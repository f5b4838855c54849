//! One file per ecosystem: how its manifest is read, and how its own tools build, test, lint and format.
//!
//! To add a language, write one file that implements [`Language`] and list it in [`LANGUAGES`].

mod cargo_lock;
mod example;
mod manifest;
mod planner;
pub mod python;
mod ruby;
pub mod rust;
pub mod tasker_plugin;
mod typescript;

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::core::Checkout;
use crate::error::{Error, Result};
use crate::file::line_with;
use crate::repo::discover::resolve;
use crate::repo::Unit;

pub use manifest::{is_named, parse_json, parse_toml, Malformed};
pub use planner::Planner;

/// Every language, in the order in which manifests are looked for.
pub const LANGUAGES: [&dyn Language; 6] = [
    &rust::Rust,
    &python::Python,
    &ruby::Ruby,
    &typescript::TypeScript,
    &tasker_plugin::TaskerPlugin,
    &example::Example,
];

/// What a command asks a unit's tools to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Run the tests.
    Test,
    /// Look for mistakes; change nothing.
    Lint,
    /// Format the sources in place.
    Fmt,
    /// Build what would be published.
    Build,
}

impl Job {
    /// The command's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Lint => "lint",
            Self::Fmt => "fmt",
            Self::Build => "build",
        }
    }
}

/// An ecosystem.
pub trait Language: Sync {
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

    /// Reads a manifest; none if it describes no unit (a workspace without a package).
    fn unit(&self, found: &Found<'_>) -> Result<Option<Unit>>;

    /// Adds the tasks that do a job for a unit; adds none if there is nothing to do.
    fn plan(&self, planner: &mut Planner<'_>, unit: &Unit, job: Job) -> Result<()>;

    /// What it takes to use the tools of this unit, in its environment, on code outside of it, as templates generate it.
    fn toolchain(&self, _planner: &mut Planner<'_>, _unit: &Unit) -> Result<Provided> {
        Ok(Provided::default())
    }

    /// Adds the tasks that make a unit usable by others, and says how they find it.
    fn provide(&self, _planner: &mut Planner<'_>, _unit: &Unit) -> Result<Provided> {
        Ok(Provided::default())
    }

    /// What it takes to start the processes of this unit, an example's app, as its user would.
    fn app(&self, planner: &mut Planner<'_>, unit: &Unit) -> Result<Provided> {
        self.toolchain(planner, unit)
    }

    /// Whether the unit's environment is as a run would make it now; none if it has none, or if it was never made.
    fn is_in_sync(&self, _planner: &mut Planner<'_>, _unit: &Unit) -> Result<Option<bool>> {
        Ok(None)
    }

    /// Adds the tasks that compare what this language's units assume of Tasker Core (doubles, names, generated tables) with a
    /// checkout; part of `cargo xtask core check`. A task reads the checkout and changes nothing in it; a script gets its folder
    /// as an argument.
    fn check_core(&self, _planner: &mut Planner<'_>, _checkout: &Checkout) -> Result<()> {
        Ok(())
    }
}

/// A unit made ready for others.
#[derive(Clone, Debug, Default)]
pub struct Provided {
    /// Tasks that must be done before.
    pub needs: Vec<String>,
    /// Variables that lead to it.
    pub env: Vec<(String, String)>,
    /// Folders of its programs, for PATH.
    pub path: Vec<PathBuf>,
}

/// The language of this name.
pub fn language(name: &str) -> Option<&'static dyn Language> {
    LANGUAGES
        .into_iter()
        .find(|language| language.name() == name)
}

/// A manifest that was found.
pub struct Found<'a> {
    /// The repository.
    pub root: &'a Path,
    /// The manifest's folder, relative to the repository.
    pub folder: &'a str,
    /// The file's name.
    pub manifest: &'a str,
    /// Its text.
    pub text: &'a str,
    /// Its content.
    pub table: &'a Table,
}

impl Found<'_> {
    /// A unit without connections. Whoever asked for it gives it the manifest's table.
    pub fn unit(&self, language: &dyn Language, name: &str) -> Unit {
        Unit {
            name: name.to_owned(),
            folder: self.folder.to_owned(),
            language: language.name(),
            depends_on: Vec::new(),
            needs_built: Vec::new(),
            tested_with: Vec::new(),
            inputs: Vec::new(),
            env: Vec::new(),
            parts: Vec::new(),
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

/// The value at a dotted path of a manifest.
pub fn lookup<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    let (folder, key) = path
        .rsplit_once('.')
        .map_or((None, path), |(folder, key)| (Some(folder), key));
    let mut table = table;
    for name in folder.into_iter().flat_map(|folder| folder.split('.')) {
        table = table.get(name)?.as_table()?;
    }
    table.get(key)
}

/// The words in the list at a dotted path; none if it is not there.
pub fn words<'a>(table: &'a Table, path: &str) -> Vec<&'a str> {
    lookup(table, path)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn first(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}
