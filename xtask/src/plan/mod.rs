//! Plans: what a command would do, as plain data.
//!
//! Commands compute a [`Plan`] from the repository without touching anything. `--dry-run` prints it; [`crate::apply`]
//! executes the same value. A task is the unit of scheduling and of reporting: a few actions in order, one log, one line
//! in the summary.

mod assembly;
mod install;
mod result;
mod task;
mod totals;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde::Serialize;

pub use assembly::{Assembly, REPOSITORY};
pub use install::install_tasks;
pub use result::{Outcome, TaskResult};
pub use task::{Action, Mirror, Share, Task, CARGO_BUILD};
pub use totals::{Count, Totals};

/// An ordered list of tasks: a task comes after all it needs.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub tasks: Vec<Task>,
    /// Ids of tasks whose success says something about a unit and nothing else: they can be left out if they succeeded before.
    pub results: HashSet<String>,
    /// Tasks that were left out, because they succeeded before on the same inputs.
    pub cached: Vec<TaskResult>,
    ids: HashSet<String>,
    of_unit: HashMap<String, Vec<usize>>,
}

impl Plan {
    /// A plan of which every result is known.
    pub fn known(results: Vec<TaskResult>) -> Self {
        Self {
            cached: results,
            ..Self::default()
        }
    }

    /// Adds a task unless one of the same id is there: several units may need the same preparation.
    pub fn add(&mut self, task: Task) -> String {
        let id = task.id.clone();
        if !self.contains(&id) {
            self.ids.insert(id.clone());
            self.of_unit
                .entry(task.unit.clone())
                .or_default()
                .push(self.tasks.len());
            self.tasks.push(task);
        }
        id
    }

    /// Whether a task of this id is there.
    pub fn contains(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Marks the results of a unit: of its tasks those that no other of them needs; the others prepare.
    ///
    /// A task that is marked and that another unit's task needs is run whenever that one is.
    pub fn mark_results(&mut self, unit: &str) {
        let of_unit = || {
            self.of_unit
                .get(unit)
                .into_iter()
                .flatten()
                .map(|place| &self.tasks[*place])
        };
        let needed: HashSet<&String> = of_unit().flat_map(|task| &task.needs).collect();
        let results: Vec<String> = of_unit()
            .map(|task| task.id.clone())
            .filter(|id| !needed.contains(id))
            .collect();
        self.results.extend(results);
    }

    /// Leaves out results that are known, and what only they needed.
    pub fn leave_out(&mut self, known: Vec<TaskResult>) {
        let done: HashSet<&str> = known.iter().map(|result| result.id.as_str()).collect();
        let needed: HashSet<&String> = self.tasks.iter().flat_map(|task| &task.needs).collect();
        let mut wanted: HashSet<String> = self
            .tasks
            .iter()
            .filter(|task| !done.contains(task.id.as_str()))
            .filter(|task| self.results.contains(&task.id) || !needed.contains(&task.id))
            .map(|task| task.id.clone())
            .collect();
        // Tasks come after what they need, so one pass backwards finds everything.
        for task in self.tasks.iter().rev() {
            if wanted.contains(&task.id) {
                wanted.extend(task.needs.iter().cloned());
            }
        }
        self.tasks.retain(|task| wanted.contains(&task.id));
        self.of_unit.clear();
        for (place, task) in self.tasks.iter().enumerate() {
            self.of_unit
                .entry(task.unit.clone())
                .or_default()
                .push(place);
        }
        self.cached = known
            .into_iter()
            .filter(|result| !wanted.contains(&result.id))
            .collect();
        self.ids = wanted;
    }

    pub fn describe(&self, root: &Path) -> Vec<TaskRecord> {
        self.tasks
            .iter()
            .map(|task| TaskRecord {
                id: task.id.clone(),
                unit: task.unit.clone(),
                label: task.label.clone(),
                needs: task.needs.clone(),
                note: task.note.clone(),
                rerun: task.rerun.clone(),
                actions: task
                    .actions
                    .iter()
                    .map(|action| action.describe(root))
                    .collect(),
            })
            .collect()
    }
}

/// A task as `--dry-run` and `--json` show it.
#[derive(Clone, Debug, Serialize)]
pub struct TaskRecord {
    /// See [`Task::id`].
    pub id: String,
    /// See [`Task::unit`].
    pub unit: String,
    /// See [`Task::label`].
    pub label: String,
    /// See [`Task::needs`].
    pub needs: Vec<String>,
    /// See [`Task::note`].
    pub note: Option<String>,
    /// See [`Task::rerun`].
    pub rerun: String,
    pub actions: Vec<String>,
}
