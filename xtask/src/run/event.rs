//! What happens during a run, for reporters.

use std::path::PathBuf;
use std::time::Duration;

use crate::plan::Task;
use crate::run::Totals;

/// One thing that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A task's first action begins.
    TaskStarted {
        /// The task.
        task: &'a Task,
    },
    /// A task is still running; comes about twice a second while nothing else happens.
    TaskRunning {
        /// The task.
        task: &'a Task,
        /// For how long it has been running.
        elapsed: Duration,
        /// The last line of its log.
        line: Option<String>,
    },
    /// A task ended, or will never start.
    TaskFinished(TaskResult),
    /// The whole run ended.
    Finished(Summary),
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every action succeeded.
    Ok,
    /// It passed before, and nothing has changed since.
    Unchanged,
    /// An action failed.
    Failed,
    /// Never started, because a task it needs did not succeed.
    Skipped,
    /// Stopped, or never started, because of Ctrl-C.
    Interrupted,
}

impl Outcome {
    /// The word for `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unchanged => "unchanged",
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
    /// How it ended.
    pub outcome: Outcome,
    /// How long it ran.
    pub took: Duration,
    /// Where its output is.
    pub log: PathBuf,
    /// The command that runs just this again.
    pub rerun: String,
    /// The task that had to succeed first and did not.
    pub blocked_by: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
    /// What its tool counted.
    pub totals: Option<Totals>,
}

/// The end of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Every task, in plan order.
    pub tasks: Vec<TaskResult>,
    /// How long all of it took.
    pub took: Duration,
    /// Whether Ctrl-C ended it.
    pub interrupted: bool,
    /// The sum of what the tools counted, if any did.
    pub totals: Option<Totals>,
}

impl Summary {
    /// Adds up.
    pub fn new(tasks: Vec<TaskResult>, took: Duration, interrupted: bool) -> Self {
        let totals = tasks
            .iter()
            .filter_map(|task| task.totals)
            .reduce(|sum, next| sum + next);
        Self {
            tasks,
            took,
            interrupted,
            totals,
        }
    }

    /// How many tasks ended so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.tasks
            .iter()
            .filter(|task| task.outcome == outcome)
            .count()
    }

    /// Whether everything that should run ran and succeeded.
    pub fn is_ok(&self) -> bool {
        !self.interrupted
            && self
                .tasks
                .iter()
                .all(|task| matches!(task.outcome, Outcome::Ok | Outcome::Unchanged))
    }
}
