//! `doctor`: every tool in a table.

use serde_json::json;

use super::shared::session::Session;
use crate::error::Result;
use crate::file::relative;
use crate::report::{fix_line, out};

/// List every tool: wanted, found, where it comes from, and how to get it.
#[derive(Debug, clap::Args)]
pub struct Args {}

struct Row {
    tool: String,
    wanted: String,
    found: Option<String>,
    origin: String,
    about: String,
    ok: bool,
    fix: Option<String>,
}

/// Runs the command.
pub fn run(session: &mut Session, _: &Args) -> Result<()> {
    let rows = rows(session)?;
    if session.style.json {
        for row in &rows {
            let value = json!({
                "event": "tool", "tool": row.tool, "wanted": row.wanted, "found": row.found, "origin": row.origin, "about": row.about,
                "ok": row.ok, "fix": row.fix,
            });
            out!("{value}");
        }
        return Ok(());
    }
    let cells: Vec<[String; 4]> =
        std::iter::once(["tool", "wanted", "found", "where from"].map(str::to_owned))
            .chain(rows.iter().map(|row| {
                let found = row.found.clone().unwrap_or_else(|| "nothing".to_owned());
                [
                    row.tool.clone(),
                    row.wanted.clone(),
                    found,
                    row.origin.clone(),
                ]
            }))
            .collect();
    let width = |column: usize| {
        cells
            .iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let (a, b, c) = (width(0), width(1), width(2));
    for (index, row) in cells.iter().enumerate() {
        let mark = match index.checked_sub(1).map(|index| rows[index].ok) {
            None => "  ",
            Some(true) => "ok",
            Some(false) => "!!",
        };
        out!(
            "{mark} {:a$}  {:b$}  {:c$}  {}",
            row[0],
            row[1],
            row[2],
            row[3]
        );
    }
    for row in rows.iter().filter(|row| !row.ok) {
        out!(
            "\n{} ({}) is missing or too old\n{}",
            row.tool,
            row.about,
            fix_line(row.fix.as_deref().unwrap_or_default())
        );
    }
    if rows.iter().all(|row| row.ok) {
        out!("\nevery tool is there");
    }
    Ok(())
}

fn rows(session: &Session) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for tool in session.tools.host_for(&[]) {
        let found = tool.found(&session.root, &session.interrupt)?;
        let ok = found.as_ref().is_some_and(|version| tool.accepts(version));
        rows.push(Row {
            tool: tool.name.clone(),
            wanted: format!("{} or newer", tool.minimum),
            found,
            origin: format!("this machine: {}", tool.command[0]),
            about: tool.about.clone(),
            ok,
            fix: (!ok).then(|| tool.fix.clone()),
        });
    }
    for tool in session.tools.pinned_for(&[])? {
        let is_installed = tool.is_installed();
        // A tool that is compiled when a command first uses it is not missing before.
        let ok = is_installed || tool.on_demand;
        let origin = if is_installed {
            format!(
                "{} in {}",
                tool.origin(),
                relative(&session.root, &tool.folder).display()
            )
        } else if tool.on_demand {
            format!("{}, when a command needs it", tool.origin())
        } else {
            tool.origin()
        };
        rows.push(Row {
            tool: tool.name.clone(),
            wanted: tool.version.clone(),
            found: is_installed.then(|| tool.version.clone()),
            origin,
            about: tool.about.clone(),
            ok,
            fix: (!ok).then(|| "cargo xtask setup".to_owned()),
        });
    }
    Ok(rows)
}
