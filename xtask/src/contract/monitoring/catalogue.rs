//! The catalogue as it is written in `ops/monitoring/catalogue`.

use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::file;

pub const FOLDER: &str = "ops/monitoring/catalogue";

#[derive(Debug)]
pub struct Catalogue {
    pub settings: Settings,
    pub metrics: Vec<Metric>,
    pub queries: Vec<Query>,
    pub rules: Vec<Rule>,
    pub alerts: Vec<Alert>,
    pub dashboards: Vec<Dashboard>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub runbooks: String,
    pub grafana: String,
    pub datadog_notify: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Emitter {
    Server,
    Worker,
    Recovery,
    Postgres,
}

/// When a series is there: from the start, from its first event, or only under overload.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Since {
    #[default]
    Start,
    Event,
    Overload,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    pub name: String,
    pub kind: Kind,
    #[serde(default)]
    pub labels: Vec<String>,
    pub from: Emitter,
    #[serde(default)]
    pub since: Since,
    pub unused: Option<String>,
    pub doc: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    pub name: String,
    pub labels: Vec<String>,
    pub sql: String,
    pub values: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    pub name: String,
    pub doc: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub record: String,
    pub expr: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Critical,
    Warning,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    #[default]
    Count,
    Seconds,
    Ratio,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    pub name: String,
    pub severity: Severity,
    #[serde(rename = "for")]
    pub lasting: String,
    pub signals: Vec<String>,
    pub op: String,
    pub threshold: f64,
    #[serde(default)]
    pub unit: Unit,
    pub summary: String,
    pub impact: String,
    pub dashboard: String,
    pub datadog: Option<String>,
    pub datadog_check: Option<String>,
    pub datadog_op: Option<String>,
    pub without_datadog: Option<String>,
    #[serde(default)]
    pub no_data: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dashboard {
    pub uid: String,
    pub title: String,
    pub description: String,
    pub variables: Vec<String>,
    #[serde(rename = "panel")]
    pub panels: Vec<Panel>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    pub title: String,
    pub unit: String,
    pub description: String,
    #[serde(default = "timeseries")]
    pub kind: String,
    #[serde(default = "third")]
    pub width: u32,
    /// Its threshold is a line in the panel, and its runbook the panel's link.
    pub alert: Option<String>,
    /// No line where the panel shows something else than the alert's signal.
    #[serde(default = "yes")]
    pub line: bool,
    /// Of a `stat`: `value`, or the series' `name`.
    #[serde(default = "value")]
    pub shows: String,
    pub queries: Vec<Shown>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    pub expr: String,
    pub legend: String,
}

fn timeseries() -> String {
    "timeseries".to_owned()
}

fn yes() -> bool {
    true
}

fn value() -> String {
    "value".to_owned()
}

fn third() -> u32 {
    8
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows<T> {
    #[serde(
        alias = "metric",
        alias = "query",
        alias = "rule",
        alias = "alert",
        rename = "row"
    )]
    rows: Vec<T>,
}

impl Catalogue {
    /// Reads all files below [`FOLDER`].
    pub fn read(root: &Path) -> Result<Self> {
        let folder = root.join(FOLDER);
        let mut dashboards = Vec::new();
        for path in toml_files(&folder.join("dashboards"))? {
            dashboards.push(file::read_toml(root, &path)?);
        }
        let queries: Rows<Query> = file::read_toml(root, &folder.join("queries.toml"))?;
        let metrics: Rows<Metric> = file::read_toml(root, &folder.join("metrics.toml"))?;
        let rules: Rows<Rule> = file::read_toml(root, &folder.join("rules.toml"))?;
        let alerts: Rows<Alert> = file::read_toml(root, &folder.join("alerts.toml"))?;
        let mut catalogue = Self {
            settings: file::read_toml(root, &folder.join("settings.toml"))?,
            metrics: metrics.rows,
            queries: queries.rows,
            rules: rules.rows,
            alerts: alerts.rows,
            dashboards,
        };
        let queried: Vec<Metric> = catalogue.queries.iter().flat_map(Query::metrics).collect();
        catalogue.metrics.extend(queried);
        catalogue.check()?;
        Ok(catalogue)
    }

    /// The alert of that name.
    pub fn alert(&self, name: &str) -> Option<&Alert> {
        self.alerts.iter().find(|alert| alert.name == name)
    }

    fn check(&self) -> Result<()> {
        for alert in &self.alerts {
            let ways = [&alert.datadog, &alert.datadog_check, &alert.without_datadog];
            if ways.into_iter().flatten().count() != 1 {
                let why = format!(
                    "{} needs exactly one of datadog, datadog_check and without_datadog",
                    alert.name
                );
                return Err(bad("alerts.toml", why));
            }
            if !self
                .dashboards
                .iter()
                .any(|found| found.uid == alert.dashboard)
            {
                let why = format!(
                    "{}: there is no dashboard {:?}",
                    alert.name, alert.dashboard
                );
                return Err(bad("alerts.toml", why));
            }
        }
        for dashboard in &self.dashboards {
            let named = dashboard
                .panels
                .iter()
                .filter_map(|panel| panel.alert.as_deref());
            if let Some(missing) = named.into_iter().find(|name| self.alert(name).is_none()) {
                let file = format!("dashboards/{}.toml", dashboard.uid);
                return Err(bad(&file, format!("there is no alert {missing:?}")));
            }
        }
        Ok(())
    }
}

impl Query {
    /// What the exporter makes of it.
    fn metrics(&self) -> Vec<Metric> {
        let metric = |value: &Value| Metric {
            name: format!("tasker_{}_{}", self.name, value.name),
            kind: Kind::Gauge,
            labels: self.labels.clone(),
            from: Emitter::Postgres,
            since: Since::Event,
            unused: None,
            doc: value.doc.clone(),
        };
        self.values.iter().map(metric).collect()
    }
}

fn bad(name: &str, why: String) -> Error {
    Error::BadFile {
        file: Path::new(FOLDER).join(name),
        line: None,
        why,
        fix: None,
    }
}

fn toml_files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
