//! How tasks end.

use std::path::PathBuf;
use std::time::Duration;

use super::task::Task;
use super::totals::Totals;

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    /// It succeeded before on the same inputs, so it was left out.
    Cached,
    Failed,
    /// Never started, because a task it needs did not succeed, or because of `--fail-fast` after a failure.
    Skipped,
    /// Stopped, or never started, because of Ctrl-C; stopped because of `--fail-fast`.
    Interrupted,
}

impl Outcome {
    /// The word for `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Cached => "cached",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The end of one task.
#[derive(Clone, Debug)]
pub struct TaskResult {
    /// See [`Task::id`].
    pub id: String,
    /// See [`Task::unit`].
    pub unit: String,
    /// See [`Task::label`].
    pub label: String,
    pub outcome: Outcome,
    /// How long it ran; how long it once ran, if it was left out.
    pub took: Duration,
    /// Where its output is.
    pub log: PathBuf,
    /// The command that runs just this again.
    pub rerun: String,
    /// The task that had to succeed first and did not.
    pub blocked_by: Option<String>,
    pub error: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
    pub totals: Option<Totals>,
}

impl TaskResult {
    /// Of a task that ended well and said nothing yet.
    pub fn of(task: &Task) -> Self {
        Self {
            id: task.id.clone(),
            unit: task.unit.clone(),
            label: task.label.clone(),
            outcome: Outcome::Ok,
            took: Duration::ZERO,
            log: task.log.clone(),
            rerun: task.rerun.clone(),
            blocked_by: None,
            error: None,
            fix: None,
            totals: None,
        }
    }
}
