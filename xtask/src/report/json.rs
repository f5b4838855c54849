//! For programs: one JSON object a line on standard output.
//!
//! `plan`, then `task_started` and `task_finished` per task, then `summary`; a failure of the command itself is `error`, and
//! what needs no task is a `message`. `docs/architecture/xtask-json.md` lists every field; a test compares.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{json, Value};

use super::style::{out, Report};
use crate::error::Error;
use crate::file::relative;
use crate::plan::Outcome;
use crate::plan::Plan;
use crate::run::Event;

/// Changes when a field changes its meaning or goes; new fields may come.
const SCHEMA: u32 = 1;

/// See the module documentation.
pub struct Json {
    root: PathBuf,
}

impl Json {
    /// Prints to standard output.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }
}

fn print(value: &Value) {
    out!("{value}");
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Report for Json {
    fn plan(&mut self, command: &str, plan: &Plan, dry_run: bool) {
        print(&json!({
            "event": "plan", "schema": SCHEMA, "command": command, "dry_run": dry_run, "tasks": plan.describe(&self.root),
        }));
    }

    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::TaskStarted { task } => print(&json!({
                "event": "task_started", "id": task.id, "unit": task.unit, "label": task.label, "note": task.note,
                "log": relative(&self.root, &task.log),
            })),
            // Programs can read the log; a line every half second would only be noise.
            Event::TaskRunning { .. } => {}
            Event::Known(results) => {
                for result in *results {
                    self.event(&Event::TaskFinished(result.clone()));
                }
            }
            Event::TaskFinished(result) => print(&json!({
                "event": "task_finished", "id": result.id, "unit": result.unit, "label": result.label,
                "outcome": result.outcome.word(), "duration_ms": milliseconds(result.took),
                "log": relative(&self.root, &result.log), "totals": result.totals, "error": result.error,
                "fix": result.fix, "blocked_by": result.blocked_by, "rerun": result.rerun,
            })),
            Event::Finished(summary) => print(&json!({
                "event": "summary", "ok": summary.is_ok(), "tasks": summary.tasks.len(),
                "succeeded": summary.count(Outcome::Ok), "cached": summary.count(Outcome::Cached),
                "failed": summary.count(Outcome::Failed), "skipped": summary.count(Outcome::Skipped),
                "interrupted": summary.interrupted, "stopped": summary.stopped().map(|task| &task.id).collect::<Vec<_>>(),
                "slowest": summary.slowest().iter().map(|task| &task.id).collect::<Vec<_>>(),
                "totals": summary.totals, "duration_ms": milliseconds(summary.took), "cpu_ms": milliseconds(summary.cpu),
                "critical_path_ms": milliseconds(summary.critical_path),
            })),
        }
    }

    fn say(&mut self, line: &str) {
        print(&json!({ "event": "message", "text": line }));
    }

    fn warn(&mut self, line: &str) {
        print(&json!({ "event": "warning", "text": line }));
    }

    fn tell(&mut self, _lines: &[String], record: &Value) {
        print(record);
    }

    fn error(&mut self, error: &Error) {
        print(&serde_json::to_value(error.to_record()).unwrap_or_default());
    }
}
