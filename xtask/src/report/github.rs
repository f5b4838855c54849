//! For GitHub's log view: each failed log in a fold of its own, and one annotation per failure.

use std::path::{Path, PathBuf};

use super::human::{closing, failure, log_lines, result_line, Human};
use super::style::{err, out, Report, Style};
use crate::error::Error;
use crate::plan::Outcome;
use crate::plan::Plan;
use crate::run::Event;

/// See the module documentation.
pub struct GitHub {
    root: PathBuf,
    style: Style,
    human: Human,
}

impl GitHub {
    /// Prints to standard output.
    pub fn new(root: &Path, style: Style) -> Self {
        Self {
            root: root.to_owned(),
            style,
            human: Human::new(root, style),
        }
    }
}

/// Workflow commands end at a line break, so line breaks are written as GitHub documents it.
fn escape(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

impl Report for GitHub {
    fn plan(&mut self, command: &str, plan: &Plan, dry_run: bool) {
        self.human.plan(command, plan, dry_run);
    }

    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Known(results) => {
                for result in *results {
                    self.event(&Event::TaskFinished(result.clone()));
                }
            }
            Event::TaskFinished(result) => {
                if !self.style.quiet {
                    out!("{}", result_line(result));
                }
                if self.style.logs && result.outcome != Outcome::Failed && result.log.is_file() {
                    out!("::group::{}", escape(&result.id));
                    for line in log_lines(result) {
                        out!("{line}");
                    }
                    out!("::endgroup::");
                }
            }
            Event::Finished(summary) => {
                for task in summary
                    .tasks
                    .iter()
                    .filter(|task| task.outcome == Outcome::Failed)
                {
                    out!("::group::{}", escape(&task.id));
                    for line in failure(&self.root, task) {
                        out!("{line}");
                    }
                    out!("::endgroup::");
                    let what = task.error.as_deref().unwrap_or("failed");
                    out!(
                        "::error title={}::{}",
                        escape(&task.id).replace([':', ','], " "),
                        escape(&format!("{what}\nrerun: {}", task.rerun))
                    );
                }
                for line in closing(summary) {
                    out!("{line}");
                }
            }
            other => self.human.event(other),
        }
    }

    fn say(&mut self, line: &str) {
        self.human.say(line);
    }

    /// On standard error, because standard output may be a program's input.
    fn warn(&mut self, line: &str) {
        err!("::warning::{}", escape(line));
    }

    fn tell(&mut self, lines: &[String], record: &serde_json::Value) {
        self.human.tell(lines, record);
    }

    fn error(&mut self, error: &Error) {
        if matches!(error, Error::TasksFailed { .. }) {
            return;
        }
        let fix = error
            .fix()
            .map(|fix| format!("\nfix: {fix}"))
            .unwrap_or_default();
        out!("::error::{}", escape(&format!("{error}{fix}")));
    }
}
