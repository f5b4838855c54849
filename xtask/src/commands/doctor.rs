//! `doctor`: every tool in a table.

use serde_json::json;

use super::shared::session::Session;
use crate::error::{Error, Result};
use crate::report::{out, paint};
use crate::tools::{HostTool, PinnedTool};

/// List every tool: wanted, found, required or optional, where it comes from, what for. Fail if a required one is missing.
#[derive(Debug, clap::Args)]
pub struct Args {}

struct Row {
    tool: String,
    wanted: String,
    found: Option<String>,
    required: bool,
    origin: String,
    about: String,
    ok: bool,
    /// How to get it; none if it is there, or if a command fetches it when it needs it.
    fix: Option<String>,
}

/// Runs the command.
pub fn run(session: &mut Session, _: &Args) -> Result<()> {
    let rows = rows(session)?;
    if session.style.json {
        for row in &rows {
            let value = json!({
                "event": "tool", "tool": row.tool, "wanted": row.wanted, "found": row.found, "required": row.required,
                "origin": row.origin, "about": row.about, "ok": row.ok, "fix": row.fix,
            });
            out!("{value}");
        }
    } else {
        for line in table(&rows) {
            out!("{line}");
        }
        out!("");
    }
    let optional = fixes(rows.iter().filter(|row| !row.required));
    if !optional.is_empty() && !session.style.json {
        out!("missing, but optional:");
        for (tools, fix) in optional {
            out!("  {}: {fix}", tools.join(", "));
        }
        out!("");
    }
    // What the machine lacks comes before what is fetched with it.
    let required = fixes(rows.iter().filter(|row| row.required));
    if required.is_empty() {
        session.report.say("every required tool is installed");
        return Ok(());
    }
    Err(Error::NotSetUp {
        missing: required
            .iter()
            .flat_map(|(tools, _)| tools.clone())
            .collect(),
        fix: required
            .into_iter()
            .map(|(_, fix)| fix)
            .collect::<Vec<_>>()
            .join("; then "),
    })
}

/// Each fix once, with the missing tools that it brings.
fn fixes<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<(Vec<String>, String)> {
    let mut fixes: Vec<(Vec<String>, String)> = Vec::new();
    for row in rows {
        let Some(fix) = &row.fix else { continue };
        match fixes.iter_mut().find(|(_, known)| known == fix) {
            Some((tools, _)) => tools.push(row.tool.clone()),
            None => fixes.push((vec![row.tool.clone()], fix.clone())),
        }
    }
    fixes
}

/// A heading and a line per row, in columns.
fn table(rows: &[Row]) -> Vec<String> {
    let heading = ["tool", "wanted", "found", "need", "from", "used for"].map(str::to_owned);
    let cells = |row: &Row| {
        [
            row.tool.clone(),
            row.wanted.clone(),
            row.found.clone().unwrap_or_else(|| "-".to_owned()),
            if row.required { "required" } else { "optional" }.to_owned(),
            row.origin.clone(),
            row.about.clone(),
        ]
    };
    let all: Vec<[String; 6]> = std::iter::once(heading)
        .chain(rows.iter().map(cells))
        .collect();
    let marks = std::iter::once("  ".to_owned()).chain(rows.iter().map(mark));
    let width = |column: usize| {
        all.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..5).map(width).collect();
    let line = |(mark, row): (String, &[String; 6])| {
        let columns = widths
            .iter()
            .zip(row)
            .map(|(width, cell)| format!("{cell:width$}  "));
        format!("{mark}  {}{}", columns.collect::<String>(), row[5])
    };
    marks.zip(&all).map(line).collect()
}

fn mark(row: &Row) -> String {
    match (row.ok, row.required) {
        (true, _) => paint::good("ok"),
        (false, true) => paint::bad("!!"),
        (false, false) => "--".to_owned(),
    }
}

fn rows(session: &Session) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for tool in session.tools.host_for(&[]) {
        rows.push(host(session, tool)?);
    }
    for tool in session.tools.host_for(&[]) {
        let whole = rows
            .iter()
            .find(|row| tool.comes_with.as_ref() == Some(&row.tool));
        let fix = whole.and_then(|row| row.fix.clone());
        let part = rows.iter_mut().find(|row| row.tool == tool.name && !row.ok);
        if let (Some(fix), Some(part)) = (fix, part) {
            part.fix = Some(fix);
        }
    }
    rows.extend(session.tools.pinned_for(&[])?.iter().map(pinned));
    Ok(rows)
}

fn host(session: &Session, tool: &HostTool) -> Result<Row> {
    let found = tool.found(&session.root, &session.interrupt)?;
    let ok = found.as_ref().is_some_and(|version| tool.accepts(version));
    Ok(Row {
        tool: tool.name.clone(),
        wanted: format!("{} or newer", tool.minimum),
        found,
        required: !tool.optional,
        origin: "this machine".to_owned(),
        about: tool.about.clone(),
        ok,
        fix: (!ok).then(|| tool.fix.clone()),
    })
}

fn pinned(tool: &PinnedTool) -> Row {
    let is_installed = tool.is_installed();
    let about = if tool.on_demand && !is_installed {
        format!("{}; fetched when a command needs it", tool.about)
    } else {
        tool.about.clone()
    };
    // A tool that is fetched when a command first uses it is not missing before.
    let ok = is_installed || tool.on_demand;
    Row {
        tool: tool.name.clone(),
        wanted: tool.version.clone(),
        found: is_installed.then(|| tool.version.clone()),
        required: !tool.on_demand,
        origin: tool.registry.name().to_owned(),
        about,
        ok,
        fix: (!ok).then(|| "cargo xtask setup".to_owned()),
    }
}
