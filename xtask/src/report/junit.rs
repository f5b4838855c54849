//! `--junit`: the tasks of a run in the XML that CI systems show: a suite per unit, a case per task.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::plan::{Outcome, TaskResult};
use crate::run::Summary;

/// How much of a failed log is quoted, in lines.
const QUOTED: usize = 200;

/// The whole document.
pub fn document(summary: &Summary) -> String {
    let mut suites: BTreeMap<&str, Vec<&TaskResult>> = BTreeMap::new();
    for task in &summary.tasks {
        suites.entry(&task.unit).or_default().push(task);
    }
    let all: Vec<&TaskResult> = summary.tasks.iter().collect();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "<testsuites name=\"cargo xtask\" {}>",
        numbers(&all, summary.took)
    );
    for (unit, tasks) in &suites {
        let took = tasks.iter().map(|task| task.took).sum();
        let _ = writeln!(
            text,
            "  <testsuite name=\"{}\" {}>",
            escape(unit),
            numbers(tasks, took)
        );
        for task in tasks {
            case(&mut text, task);
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn case(text: &mut String, task: &TaskResult) {
    let (name, unit) = (escape(&task.label), escape(&task.unit));
    let _ = write!(
        text,
        "    <testcase name=\"{name}\" classname=\"{unit}\" time=\"{:.3}\">",
        task.took.as_secs_f64()
    );
    match task.outcome {
        Outcome::Ok => {}
        Outcome::Cached => {
            text.push_str("<properties><property name=\"cached\" value=\"true\"/></properties>")
        }
        Outcome::Failed => {
            let message = task.error.as_deref().unwrap_or("failed");
            let log = std::fs::read(&task.log).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let lines: Vec<&str> = log.lines().collect();
            let end = lines[lines.len().saturating_sub(QUOTED)..].join("\n");
            let body = format!("{end}\nrerun: {}", task.rerun);
            let _ = write!(
                text,
                "<failure message=\"{}\">{}</failure>",
                escape(message),
                escape(&body)
            );
        }
        Outcome::Skipped | Outcome::Interrupted => {
            let why = task.blocked_by.as_ref().map_or_else(
                || "interrupted".to_owned(),
                |id| format!("{id} did not succeed"),
            );
            let _ = write!(text, "<skipped message=\"{}\"/>", escape(&why));
        }
    }
    text.push_str("</testcase>\n");
}

fn numbers(tasks: &[&TaskResult], took: Duration) -> String {
    let count = |wanted: &[Outcome]| {
        tasks
            .iter()
            .filter(|task| wanted.contains(&task.outcome))
            .count()
    };
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{:.3}\"",
        tasks.len(),
        count(&[Outcome::Failed]),
        count(&[Outcome::Skipped, Outcome::Interrupted]),
        took.as_secs_f64()
    )
}

/// XML 1.0 has no way to write most control characters, not even escaped; logs have them as colours.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push('\t'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
