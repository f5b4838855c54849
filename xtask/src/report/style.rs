//! What every reporter does, and how it prints.

use crate::error::Error;
use crate::plan::Plan;
use crate::run::Event;

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// One JSON object a line.
    pub json: bool,
    /// Only failures and the closing line.
    pub quiet: bool,
    /// The log of every task, not only of failed ones.
    pub logs: bool,
    /// Everything goes to standard error, and closing lines only after a failure: standard output belongs to another program.
    pub aside: bool,
}

/// Prints what happens.
pub trait Report {
    /// The plan, before anything is done (or instead, in a dry run).
    fn plan(&mut self, command: &str, plan: &Plan, dry_run: bool);
    /// Something happened.
    fn event(&mut self, event: &Event<'_>);
    /// A sentence outside any task.
    fn say(&mut self, line: &str);
    /// A sentence that must be seen, though nothing failed.
    fn warn(&mut self, line: &str);
    /// News outside any task: lines for people, a record for programs.
    fn tell(&mut self, lines: &[String], record: &serde_json::Value);
    /// The command failed.
    fn error(&mut self, error: &Error);
}

/// What to do about something, as the line below it.
pub fn fix_line(fix: &str) -> String {
    format!("  fix: {fix}")
}

/// Prints a line; like `println!`, but a reader that went away (`cargo xtask test | head`) is no reason to panic.
macro_rules! out {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

/// The same on standard error.
macro_rules! err {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

pub(crate) use {err, out};
