//! The Axum package's file: the configuration keys of `rust.rs`, and everything that has a name.

use std::fmt::Write;

use super::constants::{list, render as config, text};
use crate::error::Result;
use crate::tables::{Column, Contract, Event, Metric, Row, Target};

/// The Axum package.
pub const AXUM: Target = Target {
    manifest: "rust/tasker-contrib-axum/Cargo.toml",
    path: "rust/tasker-contrib-axum/src/contract.rs",
    render,
};

fn render(contract: &Contract) -> Result<String> {
    let mut out = config(contract)?
        .replace(
            "from xtask/contract/config.toml. Do not edit.",
            "from xtask/contract. Do not edit.",
        )
        .replace(
            "//! Configuration keys of Tasker Core.",
            "//! Names and limits that all Tasker packages share.",
        );
    out.push('\n');
    patterns(&mut out, contract)?;
    settings(&mut out, contract)?;
    event_kinds(&mut out, &contract.events_in(Column::Rust)?);
    names(
        &mut out,
        "HEALTH_",
        ("HEALTH_COMPONENTS", "All components of a readiness answer."),
        &contract.health()?,
        |row| &row.doc,
    );
    names(
        &mut out,
        "ERROR_",
        ("ERROR_TYPES", "All error types."),
        &contract.errors()?,
        |row| &row.doc,
    );
    metrics(&mut out, &contract.metrics()?);
    out.truncate(out.trim_end().len());
    out.push('\n');
    Ok(out)
}

fn patterns(out: &mut String, contract: &Contract) -> Result<()> {
    out.push_str(
        "\
/// A pattern for values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// How keys call it.
    pub name: &'static str,
    /// A regular expression for the whole value.
    pub regex: &'static str,
    /// In words, with an example.
    pub doc: &'static str,
}

/// Patterns that values must match as a whole.
#[rustfmt::skip]
pub static PATTERNS: &[Pattern] = &[
",
    );
    for row in contract.patterns()? {
        let (name, regex, doc) = (text(&row.name), text(&row.regex), text(&row.doc));
        let _ = writeln!(
            out,
            "    Pattern {{ name: {name}, regex: {regex}, doc: {doc} }},"
        );
    }
    out.push_str("];\n\n");
    Ok(())
}

fn settings(out: &mut String, contract: &Contract) -> Result<()> {
    out.push_str(
        "\
/// A framework-friendly name of a configuration key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Dotted name, such as `database.pool_size`.
    pub name: &'static str,
    /// The environment variable, such as `TASKER_DATABASE__POOL_SIZE`.
    pub variable: &'static str,
    /// The key's path in [`CONFIG_KEYS`].
    pub path: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// Framework-friendly names of configuration keys.
#[rustfmt::skip]
pub static SETTINGS: &[Setting] = &[
",
    );
    for row in contract.settings()? {
        let _ = writeln!(
            out,
            "    Setting {{ name: {}, variable: {}, path: {}, doc: {} }},",
            text(&row.of(Column::Rust)),
            text(&row.variable()),
            text(&row.path),
            text(&row.doc),
        );
    }
    out.push_str("];\n\n");
    Ok(())
}

/// An enum without content: the package's own event type has one variant for each of these.
fn event_kinds(out: &mut String, events: &[Event]) {
    out.push_str(
        "\
/// What kinds of events there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
",
    );
    for event in events {
        let variant = event.of(Column::Rust);
        let _ = writeln!(out, "    /// {}\n    {variant},", event.doc);
    }
    out.push_str("}\n\n#[rustfmt::skip]\nimpl EventKind {\n    /// All of them.\n");
    let all = events
        .iter()
        .map(|event| format!("Self::{}", event.of(Column::Rust)));
    let _ = writeln!(out, "    pub const ALL: &'static [Self] = {};\n", list(all));
    out.push_str("    /// The name in snake case, as in logs and event streams.\n");
    arms(out, "name", "&'static str", events, |event| {
        text(event.key())
    });
    out.push_str("\n    /// The keys of its data.\n");
    arms(out, "data", "&'static [&'static str]", events, |event| {
        list(event.data.iter().map(|field| text(&field.name)))
    });
    out.push_str("}\n\n");
}

fn arms(
    out: &mut String,
    name: &str,
    kind: &str,
    events: &[Event],
    value: impl Fn(&Event) -> String,
) {
    let _ = writeln!(
        out,
        "    pub const fn {name}(self) -> {kind} {{\n        match self {{"
    );
    for event in events {
        let _ = writeln!(
            out,
            "            Self::{} => {},",
            event.of(Column::Rust),
            value(event)
        );
    }
    out.push_str("        }\n    }\n");
}

fn names<R: Row>(
    out: &mut String,
    prefix: &str,
    (all, about): (&str, &str),
    rows: &[R],
    doc: impl Fn(&R) -> &String,
) {
    let constant = |row: &R| format!("{prefix}{}", row.key().to_uppercase());
    for row in rows {
        let _ = writeln!(
            out,
            "/// {}\npub const {}: &str = {};",
            doc(row),
            constant(row),
            text(row.of(Column::Rust))
        );
    }
    let _ = writeln!(
        out,
        "/// {about}\n#[rustfmt::skip]\npub const {all}: &[&str] = {};\n",
        list(rows.iter().map(constant))
    );
}

fn metrics(out: &mut String, rows: &[Metric]) {
    out.push_str(
        "\
/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name; a counter's has its `_total`.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// What one is.
    pub unit: &'static str,
    /// Label names.
    pub labels: &'static [&'static str],
    /// Values of the label `outcome`.
    pub outcomes: &'static [&'static str],
    /// What it measures.
    pub doc: &'static str,
}

",
    );
    let constant = |row: &Metric| format!("METRIC_{}", row.key().to_uppercase());
    for row in rows {
        let _ = writeln!(
            out,
            "/// {}\n#[rustfmt::skip]\npub const {}: Metric = Metric {{ name: {}, kind: {}, unit: {}, labels: {}, outcomes: {}, doc: {} }};",
            row.doc,
            constant(row),
            text(row.of(Column::Rust)),
            text(&row.kind),
            text(&row.unit),
            list(row.labels.iter().map(|label| text(label))),
            list(row.outcomes.iter().map(|outcome| text(outcome))),
            text(&row.doc),
        );
    }
    let _ = writeln!(
        out,
        "/// All metrics.\n#[rustfmt::skip]\npub const METRICS: &[Metric] = {};",
        list(rows.iter().map(constant))
    );
}
