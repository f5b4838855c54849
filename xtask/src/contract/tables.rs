//! Reading the tables. Each is read when a generator asks for it, so that a package needs only the tables it uses.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::Deserialize;
use toml::{Table, Value};

use super::FOLDER;
use crate::error::{Error, Result};
use crate::file::{line_with, read, read_toml};

/// The tables of a repository.
pub struct Contract {
    root: PathBuf,
}

/// One configuration key of Tasker Core.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigKey {
    /// Dotted path, such as `common.database.url`.
    pub path: String,
    /// `str`, `bool`, `int`, `float`, `str_list` or `int_list`.
    pub kind: String,
    /// What a rendered file contains if nobody sets the key.
    pub default: Default,
    /// Least number.
    pub min: Option<f64>,
    /// Greatest number.
    pub max: Option<f64>,
    /// Accepted words; any if empty.
    pub choices: Vec<String>,
    /// A named pattern for the value.
    pub pattern: Option<String>,
    /// The environment placeholder that upstream's files use.
    pub env: Option<String>,
    /// Core requires it and never reads it.
    pub inert: bool,
    /// What it does, with its unit.
    pub doc: String,
}

/// A default value.
#[derive(Clone, Debug, PartialEq)]
pub enum Default {
    /// Text.
    Str(String),
    /// Truth value.
    Bool(bool),
    /// Whole number.
    Int(i64),
    /// Number.
    Float(f64),
    /// List of texts.
    StrList(Vec<String>),
    /// List of whole numbers.
    IntList(Vec<i64>),
}

/// A section that is rendered only when a user sets a key in it.
#[derive(Clone, Debug, Deserialize)]
pub struct OptionalSection {
    /// Dotted path.
    pub path: String,
    /// The reason.
    pub why: String,
}

/// A named pattern for values.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// How `config.toml` calls it.
    pub name: String,
    /// A regular expression for the whole value.
    pub regex: String,
    /// In words, with an example.
    pub doc: String,
}

/// A framework-friendly name of a configuration key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Dotted name, such as `database.pool_size`.
    pub name: String,
    /// The key's path.
    pub path: String,
    /// What it does.
    #[serde(default)]
    pub doc: String,
}

/// A name that each language spells in its own way.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// The constant's name in lower case.
    pub key: String,
    /// The name in Python.
    pub python: String,
    /// What it means.
    #[serde(default)]
    pub doc: String,
}

/// A metric.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// The constant's name in lower case.
    pub key: String,
    /// The name in Python.
    pub python: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// `seconds`, `steps` …
    #[serde(default)]
    pub unit: String,
    /// Label names.
    #[serde(default)]
    pub labels: Vec<String>,
    /// What it measures.
    #[serde(default)]
    pub doc: String,
}

impl Contract {
    /// The tables under `root`.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    fn path(&self, table: &str) -> PathBuf {
        self.root.join(FOLDER).join(format!("{table}.toml"))
    }

    fn bad(&self, table: &str, line: Option<usize>, why: String) -> Error {
        Error::BadFile {
            file: Path::new(FOLDER).join(format!("{table}.toml")),
            line,
            why,
            fix: None,
        }
    }

    fn load<T: DeserializeOwned>(&self, table: &str) -> Result<T> {
        if !self.path(table).is_file() {
            return Err(Error::BadFile {
                file: Path::new(FOLDER).join(format!("{table}.toml")),
                line: None,
                why: "this contract table is missing".into(),
                fix: Some(format!("write it as {FOLDER}/README.md describes")),
            });
        }
        read_toml(&self.root, &self.path(table))
    }

    fn rows<T: DeserializeOwned>(&self, table: &str, array: &str) -> Result<Vec<T>> {
        let mut file: std::collections::BTreeMap<String, Vec<T>> = self.load(table)?;
        let rows = file.remove(array);
        match (rows, file.into_keys().next()) {
            (_, Some(other)) => Err(self.bad(
                table,
                None,
                format!("unknown table [[{other}]]; rows are [[{array}]]"),
            )),
            (rows, None) => Ok(rows.unwrap_or_default()),
        }
    }

    /// The Core version that `config.toml` describes.
    pub fn core_version(&self) -> Result<String> {
        let table: Table = self.load("config")?;
        table
            .get("core_version")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| self.bad("config", None, "there is no `core_version = \"…\"`".into()))
    }

    /// Every configuration key, in the order of the file.
    pub fn config_keys(&self) -> Result<Vec<ConfigKey>> {
        let table: Table = self.load("config")?;
        let mut keys = Vec::new();
        for (name, value) in &table {
            if let Value::Table(section) = value {
                self.collect(name, section, &mut keys)?;
            }
        }
        Ok(keys)
    }

    /// Sections that need not be there.
    pub fn optional_sections(&self) -> Result<Vec<OptionalSection>> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            optional_section: Vec<OptionalSection>,
        }
        Ok(self.load::<File>("config")?.optional_section)
    }

    /// Named patterns.
    pub fn patterns(&self) -> Result<Vec<Pattern>> {
        self.rows("patterns", "pattern")
    }

    /// Framework-friendly names; every path must be a key of `config.toml`.
    pub fn settings(&self) -> Result<Vec<Setting>> {
        let settings: Vec<Setting> = self.rows("settings", "setting")?;
        let keys = self.config_keys()?;
        for setting in &settings {
            if !keys.iter().any(|key| key.path == setting.path) {
                let hint =
                    crate::error::closest(&setting.path, keys.iter().map(|key| key.path.as_str()));
                let hint = hint
                    .map(|path| format!("; did you mean `{path}`?"))
                    .unwrap_or_default();
                let line = line_with(
                    &read(&self.path("settings"))?,
                    &format!("\"{}\"", setting.path),
                );
                let why = format!(
                    "setting `{}` names `{}`, which is no key of config.toml{hint}",
                    setting.name, setting.path
                );
                return Err(self.bad("settings", line, why));
            }
        }
        Ok(settings)
    }

    /// Names of events.
    pub fn events(&self) -> Result<Vec<Name>> {
        self.rows("events", "event")
    }

    /// Names of health components.
    pub fn health(&self) -> Result<Vec<Name>> {
        self.rows("health", "component")
    }

    /// Names of error classes.
    pub fn errors(&self) -> Result<Vec<Name>> {
        self.rows("errors", "error")
    }

    /// Metrics.
    pub fn metrics(&self) -> Result<Vec<Metric>> {
        self.rows("metrics", "metric")
    }

    /// A leaf is a table whose `type` is a word; every other table is a section.
    fn collect(&self, path: &str, section: &Table, keys: &mut Vec<ConfigKey>) -> Result<()> {
        if matches!(section.get("type"), Some(Value::String(_))) {
            keys.push(self.leaf(path, section)?);
            return Ok(());
        }
        for (name, value) in section {
            let path = format!("{path}.{name}");
            match value {
                Value::Table(inner) => self.collect(&path, inner, keys)?,
                _ => {
                    return Err(self.bad(
                        "config",
                        None,
                        format!("`{path}` must be a section or a key with a `type`"),
                    ))
                }
            }
        }
        Ok(())
    }

    fn leaf(&self, path: &str, row: &Table) -> Result<ConfigKey> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Row {
            #[serde(rename = "type")]
            kind: String,
            default: Value,
            min: Option<Value>,
            max: Option<Value>,
            #[serde(default)]
            choices: Vec<String>,
            pattern: Option<String>,
            env: Option<String>,
            #[serde(default)]
            inert: bool,
            #[serde(default)]
            doc: String,
        }
        let row: Row = Row::deserialize(Value::Table(row.clone()))
            .map_err(|error| self.bad("config", None, format!("`{path}`: {}", error.message())))?;
        let default = default_of(&row.kind, &row.default).ok_or_else(|| {
            self.bad(
                "config",
                None,
                format!(
                    "`{path}`: default {} does not fit type `{}`",
                    row.default, row.kind
                ),
            )
        })?;
        Ok(ConfigKey {
            path: path.to_owned(),
            kind: row.kind,
            default,
            min: row.min.as_ref().and_then(number),
            max: row.max.as_ref().and_then(number),
            choices: row.choices,
            pattern: row.pattern,
            env: row.env,
            inert: row.inert,
            doc: row.doc,
        })
    }
}

fn default_of(kind: &str, value: &Value) -> Option<Default> {
    let strings = |values: &Vec<Value>| {
        values
            .iter()
            .map(|v| v.as_str().map(str::to_owned))
            .collect::<Option<_>>()
    };
    let integers =
        |values: &Vec<Value>| values.iter().map(Value::as_integer).collect::<Option<_>>();
    match (kind, value) {
        ("str", Value::String(text)) => Some(Default::Str(text.clone())),
        ("bool", Value::Boolean(truth)) => Some(Default::Bool(*truth)),
        ("int", Value::Integer(number)) => Some(Default::Int(*number)),
        ("float", value) => number(value).map(Default::Float),
        ("str_list", Value::Array(values)) => strings(values).map(Default::StrList),
        ("int_list", Value::Array(values)) => integers(values).map(Default::IntList),
        _ => None,
    }
}

#[allow(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}
