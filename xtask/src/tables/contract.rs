//! Reading the tables. Each is read when a generator asks for it, so that a package needs only the tables it uses.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::Deserialize;
use toml::{Table, Value};

use super::names::{
    camel_case, problem, Column, Component, ErrorType, Event, Field, HealthField, Metric, Row,
};
use crate::error::{Error, Result};
use crate::file::{line_with, read, read_toml};

/// The folder of the tables, relative to the repository.
pub const FOLDER: &str = "xtask/contract";

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
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// Accepted words; any if empty.
    pub choices: Vec<String>,
    /// A named pattern for the value.
    pub pattern: Option<String>,
    /// The environment placeholder that upstream's files use.
    pub env: Option<String>,
    /// Core requires it and never reads it.
    pub inert: bool,
    /// What a number counts: said in the table, or the end of the key's name.
    pub unit: Option<String>,
    /// The first version of Core that has it.
    pub since: String,
    /// What it does, with its unit.
    pub doc: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Default {
    Str(String),
    Bool(bool),
    Int(i64),
    Float(f64),
    StrList(Vec<String>),
    /// List of whole numbers.
    IntList(Vec<i64>),
}

/// A section that is rendered only when a user sets a key in it.
#[derive(Clone, Debug, Deserialize)]
pub struct OptionalSection {
    pub path: String,
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
    pub path: String,
    #[serde(default)]
    pub doc: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Events {
    since: String,
    #[serde(default)]
    field: Vec<Field>,
    #[serde(default)]
    event: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Health {
    since: String,
    #[serde(default)]
    component: Vec<Component>,
    #[serde(default)]
    field: Vec<HealthField>,
}

impl Setting {
    /// What an column calls it, as a dotted name: `database.poolSize` in TypeScript, `DATABASE.POOL_SIZE` in Django.
    pub fn of(&self, column: Column) -> String {
        match column {
            Column::Python | Column::Ruby | Column::Rust => self.name.clone(),
            Column::Django => self.name.to_uppercase(),
            Column::TypeScript => self
                .name
                .split('.')
                .map(camel_case)
                .collect::<Vec<_>>()
                .join("."),
        }
    }

    /// The environment variable, the same in every column: `TASKER_DATABASE__POOL_SIZE`.
    pub fn variable(&self) -> String {
        format!("TASKER_{}", self.name.to_uppercase().replace('.', "__"))
    }
}

impl Contract {
    pub fn root(&self) -> &Path {
        &self.root
    }

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

    /// Rows that are complete and different, each with the version that has it first.
    fn checked<R: Row>(&self, table: &str, since: &str, mut rows: Vec<R>) -> Result<Vec<R>> {
        if let Some((key, why)) = problem(&rows) {
            let line = line_with(&read(&self.path(table))?, &format!("\"{key}\""));
            return Err(self.bad(table, line, why));
        }
        for row in &mut rows {
            row.since().get_or_insert_with(|| since.to_owned());
        }
        Ok(rows)
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
        let core_version = self.core_version()?;
        for key in keys.iter_mut().filter(|key| key.since.is_empty()) {
            key.since.clone_from(&core_version);
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

    pub fn patterns(&self) -> Result<Vec<Pattern>> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            #[serde(default)]
            pattern: Vec<Pattern>,
        }
        Ok(self.load::<File>("patterns")?.pattern)
    }

    /// Framework-friendly names; every path must be a key of `config.toml`.
    pub fn settings(&self) -> Result<Vec<Setting>> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            #[serde(default)]
            setting: Vec<Setting>,
        }
        let settings = self.load::<File>("settings")?.setting;
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
                    "setting `{}` names `{}`, which is not a key of config.toml{hint}",
                    setting.name, setting.path
                );
                return Err(self.bad("settings", line, why));
            }
        }
        Ok(settings)
    }

    /// Events of all columns.
    pub fn events(&self) -> Result<Vec<Event>> {
        let file: Events = self.load("events")?;
        self.checked("events", &file.since, file.event)
    }

    /// Events that a column has.
    pub fn events_in(&self, column: Column) -> Result<Vec<Event>> {
        let mut events = self.events()?;
        events.retain(|event| event.is_in(column));
        Ok(events)
    }

    /// What every event carries besides its data.
    pub fn event_fields(&self) -> Result<Vec<Field>> {
        Ok(self.load::<Events>("events")?.field)
    }

    /// Components of the readiness answer.
    pub fn health(&self) -> Result<Vec<Component>> {
        let file: Health = self.load("health")?;
        self.checked("health", &file.since, file.component)
    }

    /// Fields of health answers.
    pub fn health_fields(&self) -> Result<Vec<HealthField>> {
        Ok(self.load::<Health>("health")?.field)
    }

    pub fn errors(&self) -> Result<Vec<ErrorType>> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            since: String,
            #[serde(default)]
            error: Vec<ErrorType>,
        }
        let file: File = self.load("errors")?;
        self.checked("errors", &file.since, file.error)
    }

    pub fn metrics(&self) -> Result<Vec<Metric>> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            since: String,
            #[serde(default)]
            metric: Vec<Metric>,
        }
        let file: File = self.load("metrics")?;
        self.checked("metrics", &file.since, file.metric)
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
        struct Leaf {
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
            unit: Option<String>,
            #[serde(default)]
            since: String,
            #[serde(default)]
            doc: String,
        }
        let row: Leaf = Leaf::deserialize(Value::Table(row.clone()))
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
            unit: row.unit.or_else(|| unit_of(path).map(str::to_owned)),
            since: row.since,
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

/// The unit that a key's name ends in.
fn unit_of(path: &str) -> Option<&'static str> {
    [
        ("_ms", "milliseconds"),
        ("_seconds", "seconds"),
        ("_minutes", "minutes"),
        ("_hours", "hours"),
        ("_percent", "percent"),
        ("_percentage", "fraction"),
    ]
    .into_iter()
    .find(|(end, _)| path.ends_with(end))
    .map(|(_, unit)| unit)
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

/// A file that is generated: what one package gets.
pub struct Target {
    /// Generated only if this file exists: the manifest of the package that gets the file.
    pub manifest: &'static str,
    /// Relative to the repository.
    pub path: &'static str,
    pub render: fn(&Contract) -> Result<String>,
}
