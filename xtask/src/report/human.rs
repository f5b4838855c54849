//! For people: spinners on a terminal, plain lines elsewhere; failures last.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::paint;
use super::style::{err, fix_line, out, Report, Style};
use crate::error::Error;
use crate::file::relative;
use crate::plan::Plan;
use crate::plan::{Outcome, TaskResult};
use crate::run::{Event, Summary};

/// Off a terminal, a task that runs on says so this often: enough to see life in a CI log, too little to fill it.
const STILL_RUNNING: Duration = Duration::from_secs(30);
/// How much of a failed log is shown; its path leads to the rest.
const SHOWN_LINES: usize = 80;

/// See the module documentation.
pub struct Human {
    root: PathBuf,
    style: Style,
    terminal: bool,
    bars: MultiProgress,
    running: BTreeMap<String, Running>,
}

struct Running {
    bar: Option<ProgressBar>,
    said: Duration,
}

impl Human {
    /// Prints to standard output.
    pub fn new(root: &Path, style: Style) -> Self {
        Self {
            root: root.to_owned(),
            style,
            terminal: !style.quiet
                && std::io::stderr().is_terminal()
                && (style.aside || std::io::stdout().is_terminal()),
            bars: MultiProgress::new(),
            running: BTreeMap::new(),
        }
    }

    fn line(&self, line: &str) {
        if self.style.quiet {
            return;
        }
        self.always(line);
    }

    /// Prints above the spinners.
    fn always(&self, line: &str) {
        if self.terminal && self.bars.println(line).is_ok() {
            return;
        }
        if self.style.aside {
            err!("{line}");
        } else {
            out!("{line}");
        }
    }

    fn started(&mut self, id: &str, note: Option<&String>) {
        if let Some(note) = note {
            self.line(&format!("      {id}: {note}"));
        }
        let bar = self.terminal.then(|| {
            let style =
                ProgressStyle::with_template("   {spinner} {prefix} {elapsed} {wide_msg:.dim}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = self.bars.add(
                ProgressBar::new_spinner()
                    .with_style(style)
                    .with_prefix(id.to_owned()),
            );
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        self.running.insert(
            id.to_owned(),
            Running {
                bar,
                said: Duration::ZERO,
            },
        );
    }

    fn still_running(&mut self, id: &str, elapsed: Duration, line: Option<&String>) {
        let Some(running) = self.running.get_mut(id) else {
            return;
        };
        let last = line.and_then(|line| progress(line)).unwrap_or_default();
        if let Some(bar) = &running.bar {
            if !last.is_empty() {
                bar.set_message(last);
            }
        } else if elapsed >= running.said + STILL_RUNNING {
            running.said = elapsed;
            let line = format!("  ... {id} ({}) {last}", seconds(elapsed));
            self.line(line.trim_end());
        }
    }

    fn finished(&mut self, result: &TaskResult) {
        if let Some(Running { bar: Some(bar), .. }) = self.running.remove(&result.id) {
            bar.finish_and_clear();
        }
        if self.style.aside && result.outcome == Outcome::Ok {
            return;
        }
        self.line(&result_line(result));
        if self.style.logs && result.outcome != Outcome::Failed {
            for line in log_lines(result) {
                self.line(&format!("      | {line}"));
            }
        }
    }

    /// In one piece: there may be thousands.
    fn known(&mut self, results: &[TaskResult]) {
        if self.style.logs {
            results.iter().for_each(|result| self.finished(result));
        } else if !results.is_empty() {
            let lines: Vec<String> = results.iter().map(result_line).collect();
            self.line(&lines.join("\n"));
        }
    }

    fn summary(&mut self, summary: &Summary) {
        for task in summary
            .tasks
            .iter()
            .filter(|task| task.outcome == Outcome::Failed)
        {
            for line in failure(&self.root, task) {
                self.always(&line);
            }
        }
        if self.style.aside && summary.is_ok() {
            return;
        }
        for line in closing(summary) {
            self.always(&line);
        }
    }
}

impl Report for Human {
    fn plan(&mut self, command: &str, plan: &Plan, dry_run: bool) {
        if !dry_run {
            return;
        }
        for line in plan_lines(command, plan, &self.root) {
            self.always(&line);
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::TaskStarted { task } => self.started(&task.id, task.note.as_ref()),
            Event::TaskRunning {
                task,
                elapsed,
                line,
            } => self.still_running(&task.id, *elapsed, line.as_ref()),
            Event::Known(results) => self.known(results),
            Event::TaskFinished(result) => self.finished(result),
            Event::Finished(summary) => self.summary(summary),
        }
    }

    fn say(&mut self, line: &str) {
        self.line(line);
    }

    fn warn(&mut self, line: &str) {
        err!("{} {line}", paint::err::attention("warning:"));
    }

    fn tell(&mut self, lines: &[String], _record: &serde_json::Value) {
        for line in lines {
            self.always(line);
        }
    }

    fn error(&mut self, error: &Error) {
        err!("{} {error}", paint::err::bad("error:"));
        if let Error::CheckFailed { problems, .. } = error {
            for problem in problems {
                err!("  {problem}");
            }
        }
        if let Some(fix) = error.fix() {
            err!("{}", fix_line(&fix));
        }
    }
}

/// What a task's last line says of its progress; none if it is a record of a server's log, which is no news of the task.
fn progress(line: &str) -> Option<String> {
    let line = console::strip_ansi_codes(line);
    let line = line.trim();
    let is_record = line.starts_with('{')
        || line
            .trim_start_matches('[')
            .split(['T', ' '])
            .next()
            .is_some_and(is_date);
    (!is_record).then(|| line.to_owned())
}

/// `2026-12-01`.
fn is_date(word: &str) -> bool {
    let digits = |byte: u8| byte.is_ascii_digit();
    let bytes = word.as_bytes();
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(place, byte)| match place {
            4 | 7 => *byte == b'-',
            _ => digits(*byte),
        })
}

/// A dry run's output.
fn plan_lines(command: &str, plan: &Plan, root: &Path) -> Vec<String> {
    let tasks = plan.describe(root);
    if tasks.is_empty() {
        return vec![format!("`cargo xtask {command}` would do nothing")];
    }
    let mut lines = vec![format!(
        "`cargo xtask {command}` would run {}:",
        plural(tasks.len(), "task")
    )];
    for task in tasks {
        let after = if task.needs.is_empty() {
            String::new()
        } else {
            format!("  (after {})", task.needs.join(", "))
        };
        lines.push(format!("  {}{after}", task.id));
        lines.extend(task.actions.iter().map(|action| format!("      {action}")));
    }
    lines
}

/// `   ok python/x:pytest  3 passed, 0 failed, 0 skipped  (1.2 s)`
pub(super) fn result_line(result: &TaskResult) -> String {
    let word = match result.outcome {
        Outcome::Ok | Outcome::Cached => paint::good("   ok"),
        Outcome::Failed => paint::bad(" FAIL"),
        Outcome::Skipped => paint::attention(" skip"),
        Outcome::Interrupted => paint::attention(" stop"),
    };
    let totals = result
        .totals
        .map(|totals| format!("  {totals}"))
        .unwrap_or_default();
    if result.outcome == Outcome::Cached {
        return format!("{word} {}{totals}  {}", result.id, paint::faint("(cached)"));
    }
    match &result.blocked_by {
        Some(blocker) => format!("{word} {}  because {blocker} did not succeed", result.id),
        None => {
            let took = paint::faint(&format!("({})", seconds(result.took)));
            format!("{word} {}{totals}  {took}", result.id)
        }
    }
}

/// A task's whole log.
pub(super) fn log_lines(task: &TaskResult) -> Vec<String> {
    let text = std::fs::read(&task.log).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .map(str::to_owned)
        .collect()
}

/// A failed task in full: its log's end, what failed, where the log is, how to run just this again.
pub(super) fn failure(root: &Path, task: &TaskResult) -> Vec<String> {
    let log = relative(root, &task.log).display();
    let mut lines = vec![String::new(), paint::bad(&format!("──── {} ────", task.id))];
    let text = std::fs::read(&task.log)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    let hidden = all.len().saturating_sub(SHOWN_LINES);
    if hidden > 0 {
        lines.extend(failures_within(&all[..hidden]));
        lines.push(format!("… {} before this in {log}", plural(hidden, "line")));
    }
    lines.extend(all[hidden..].iter().map(|line| (*line).to_owned()));
    lines.push(String::new());
    if let Some(error) = &task.error {
        lines.push(format!("{} {error}", paint::bad("failed:")));
    }
    if !text.is_empty() {
        lines.push(format!("   log: {log}"));
    }
    if let Some(fix) = task.fix.as_ref().filter(|fix| !fix.starts_with("read ")) {
        lines.push(format!(" {}", fix_line(fix)));
    }
    lines.push(format!(" {} {}", paint::advice("rerun:"), task.rerun));
    lines
}

/// What `cargo test` says of failures in the part of a log that is not shown: other binaries run after one that failed.
fn failures_within(hidden: &[&str]) -> Vec<String> {
    let mut inside = false;
    let said = hidden.iter().filter(|line| {
        inside = (inside || **line == "failures:") && !line.starts_with("test result:");
        inside
    });
    said.take(SHOWN_LINES)
        .map(|line| (*line).to_owned())
        .collect()
}

/// The last lines of a run; the totals come last.
pub(super) fn closing(summary: &Summary) -> Vec<String> {
    let mut parts = vec![format!("{} ok", summary.count(Outcome::Ok))];
    for (outcome, word) in [
        (Outcome::Cached, "cached"),
        (Outcome::Failed, "failed"),
        (Outcome::Skipped, "skipped"),
        (Outcome::Interrupted, "interrupted"),
    ] {
        if summary.count(outcome) > 0 {
            parts.push(format!("{} {word}", summary.count(outcome)));
        }
    }
    let names = |tasks: &mut dyn Iterator<Item = &TaskResult>| -> String {
        let named: Vec<String> = tasks
            .map(|task| format!("{} {}", task.id, seconds(task.took)))
            .collect();
        named.join(", ")
    };
    let mut lines = Vec::new();
    let stopped = names(&mut summary.stopped());
    if !stopped.is_empty() {
        lines.push(format!("stopped while running: {stopped}"));
    }
    let slowest = summary.slowest();
    if slowest.len() > 1 {
        lines.push(format!("slowest: {}", names(&mut slowest.into_iter())));
    }
    lines.push(format!(
        "tasks: {} in {} (CPU {}, critical path {})",
        parts.join(", "),
        seconds(summary.took),
        seconds(summary.cpu),
        seconds(summary.critical_path)
    ));
    if let Some(totals) = summary.totals {
        lines.push(format!("tests: {totals}"));
    }
    lines
}

pub(super) fn plural(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

pub(super) fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds >= 60.0 {
        format!(
            "{} min {:02} s",
            duration.as_secs() / 60,
            duration.as_secs() % 60
        )
    } else {
        format!("{seconds:.1} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Task;

    #[test]
    fn a_server_log_is_not_progress() {
        for line in [
            "2026-12-01T09:00:00.1Z ERROR tasker_shared::state_machine: refused",
            "\u{1b}[2m2026-12-01T09:00:00Z\u{1b}[0m WARN pool",
            "[2026-12-01 09:00:00] LOG:  checkpoint",
            "{\"level\":\"info\"}",
        ] {
            assert_eq!(progress(line), None, "{line}");
        }
        for line in [
            "   Compiling xtask v0.1.0",
            "2026 tests passed",
            "test a::b ... ok",
        ] {
            assert_eq!(progress(line).as_deref(), Some(line.trim()));
        }
    }

    /// `cargo test --no-fail-fast`: a binary that fails, and one after it that says a lot.
    const LOG: &str = "running 1 test\ntest early ... FAILED\n\nfailures:\n\n---- early stdout ----\n\
        assertion failed: one == two\n\n\nfailures:\n    early\n\ntest result: FAILED. 0 passed; 1 failed\n";

    #[test]
    fn failures_far_from_the_end_of_a_log_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("test.log");
        let later: String = (0..SHOWN_LINES)
            .map(|number| format!("test later_{number} ... ok\n"))
            .collect();
        std::fs::write(&log, format!("{LOG}{later}")).unwrap();
        let result = TaskResult::of(&Task {
            id: "unit:cargo-test".to_owned(),
            unit: "unit".to_owned(),
            label: "cargo-test".to_owned(),
            log,
            rerun: "cargo xtask test --unit unit".to_owned(),
            ..Task::default()
        });
        let shown = failure(folder.path(), &result);
        let place = |line: &str| shown.iter().position(|shown| shown == line);
        let said = place("assertion failed: one == two").expect("the reason is shown");
        let left_out = place("… 13 lines before this in test.log").expect("what is not shown");
        assert!(said < left_out, "{shown:#?}");
        assert_eq!(place("test early ... FAILED"), None);
        assert_eq!(place("test result: FAILED. 0 passed; 1 failed"), None);
    }
}
