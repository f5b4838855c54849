//! What happens during a run, for reporters.

use std::time::Duration;

use crate::plan::{Outcome, Task, TaskResult, Totals};

/// One thing that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A task's first action begins.
    TaskStarted { task: &'a Task },
    /// A task is still running; comes about twice a second while nothing else happens.
    TaskRunning {
        task: &'a Task,
        /// For how long it has been running.
        elapsed: Duration,
        /// The last line of its log.
        line: Option<String>,
    },
    /// These results were known, before anything is run.
    Known(&'a [TaskResult]),
    /// A task ended, or will never start.
    TaskFinished(TaskResult),
    /// The whole run ended.
    Finished(Summary),
}

/// The end of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Every task: those left out, then the others in plan order.
    pub tasks: Vec<TaskResult>,
    /// How long all of it took.
    pub took: Duration,
    /// How much time of processors the tasks took together.
    pub cpu: Duration,
    /// The longest chain of tasks that needed each other: no number of processors makes the run shorter.
    pub critical_path: Duration,
    /// Whether Ctrl-C ended it.
    pub interrupted: bool,
    /// The sum of what the tools counted, if any did.
    pub totals: Option<Totals>,
}

/// How many of the slowest tasks a summary names.
const SLOWEST: usize = 5;

impl Summary {
    pub fn new(
        tasks: Vec<TaskResult>,
        took: Duration,
        cpu: Duration,
        critical_path: Duration,
        interrupted: bool,
    ) -> Self {
        let totals = tasks
            .iter()
            .filter_map(|task| task.totals)
            .reduce(|sum, next| sum + next);
        Self {
            tasks,
            took,
            cpu,
            critical_path,
            interrupted,
            totals,
        }
    }

    /// Of a dry run.
    pub fn nothing() -> Self {
        Self::new(
            Vec::new(),
            Duration::ZERO,
            Duration::ZERO,
            Duration::ZERO,
            false,
        )
    }

    /// How many tasks ended so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.tasks
            .iter()
            .filter(|task| task.outcome == outcome)
            .count()
    }

    /// The tasks that ran longest in this run, longest first.
    pub fn slowest(&self) -> Vec<&TaskResult> {
        let ran = |task: &&TaskResult| {
            matches!(
                task.outcome,
                Outcome::Ok | Outcome::Failed | Outcome::Interrupted
            )
        };
        let mut tasks: Vec<&TaskResult> = self
            .tasks
            .iter()
            .filter(ran)
            .filter(|task| !task.took.is_zero())
            .collect();
        tasks.sort_by_key(|task| std::cmp::Reverse(task.took));
        tasks.truncate(SLOWEST);
        tasks
    }

    /// The tasks that were running when Ctrl-C came.
    pub fn stopped(&self) -> impl Iterator<Item = &TaskResult> {
        self.tasks
            .iter()
            .filter(|task| task.outcome == Outcome::Interrupted && !task.took.is_zero())
    }

    /// Whether everything that should run ran and succeeded.
    pub fn is_ok(&self) -> bool {
        !self.interrupted
            && self
                .tasks
                .iter()
                .all(|task| matches!(task.outcome, Outcome::Ok | Outcome::Cached))
    }
}
