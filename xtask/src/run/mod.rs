//! The scheduler: runs a plan's tasks in parallel, in dependency order, and tells what happens.
//!
//! It never prints. Everything a person or a machine gets to know goes through [`Event`]s to a reporter.

mod event;
mod totals;
pub mod unchanged;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

pub use event::{Event, Outcome, Summary, TaskResult};
pub use totals::Totals;

use crate::apply;
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::plan::{Plan, Task};

/// How often reporters hear what a long task is doing.
const TICK: Duration = Duration::from_millis(500);

/// How many tasks run at once: one per core.
pub fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// Runs a plan to its end. A failing task stops only the tasks that need it.
pub fn run(
    root: &Path,
    plan: &Plan,
    jobs: usize,
    interrupt: &Interrupt,
    report: &mut dyn FnMut(&Event),
) -> Summary {
    let started = Instant::now();
    for result in &plan.unchanged {
        report(&Event::TaskFinished(result.clone()));
    }
    let mut state = State::new(plan);
    std::thread::scope(|scope| {
        let (sender, finished) = mpsc::channel::<(usize, Result<()>, Duration)>();
        loop {
            while let Some((index, blocker)) = state.next_blocked() {
                let result = state.skip(index, blocker);
                report(&Event::TaskFinished(result));
            }
            while let Some(index) = state.next_ready(jobs, interrupt) {
                let task = &plan.tasks[index];
                state.started.insert(index, Instant::now());
                report(&Event::TaskStarted { task });
                let sender = sender.clone();
                scope.spawn(move || {
                    let begun = Instant::now();
                    let result = apply::task(root, task, interrupt);
                    // The receiver lives until every task has reported.
                    let _ = sender.send((index, result, begun.elapsed()));
                });
            }
            if state.started.is_empty() {
                break;
            }
            match finished.recv_timeout(TICK) {
                Ok((index, result, took)) => {
                    let result = state.finish(index, result, took);
                    report(&Event::TaskFinished(result));
                }
                Err(_) => {
                    for (index, begun) in &state.started {
                        let task = &plan.tasks[*index];
                        let line = totals::last_line(&task.log);
                        report(&Event::TaskRunning {
                            task,
                            elapsed: begun.elapsed(),
                            line,
                        });
                    }
                }
            }
        }
    });
    let results = plan
        .unchanged
        .iter()
        .cloned()
        .chain(state.results())
        .collect();
    let summary = Summary::new(results, started.elapsed(), interrupt.is_set());
    report(&Event::Finished(summary.clone()));
    summary
}

struct State<'a> {
    plan: &'a Plan,
    started: BTreeMap<usize, Instant>,
    results: BTreeMap<usize, TaskResult>,
}

impl<'a> State<'a> {
    fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            started: BTreeMap::new(),
            results: BTreeMap::new(),
        }
    }

    fn outcome_of(&self, id: &str) -> Option<Outcome> {
        self.results
            .values()
            .find(|result| result.id == id)
            .map(|result| result.outcome)
    }

    fn is_waiting(&self, index: usize) -> bool {
        !self.started.contains_key(&index) && !self.results.contains_key(&index)
    }

    /// A waiting task that can never run because one it needs did not succeed.
    fn next_blocked(&self) -> Option<(usize, String)> {
        self.plan
            .tasks
            .iter()
            .enumerate()
            .filter(|(index, _)| self.is_waiting(*index))
            .find_map(|(index, task)| {
                let blocker = task
                    .needs
                    .iter()
                    .find(|need| self.outcome_of(need).is_some_and(|end| end != Outcome::Ok));
                blocker.map(|need| (index, need.clone()))
            })
    }

    fn next_ready(&self, jobs: usize, interrupt: &Interrupt) -> Option<usize> {
        if interrupt.is_set() || self.started.len() >= jobs {
            return None;
        }
        let shares: Vec<_> = self
            .started
            .keys()
            .filter_map(|index| self.plan.tasks[*index].share)
            .collect();
        self.plan
            .tasks
            .iter()
            .enumerate()
            .filter(|(index, task)| {
                self.is_waiting(*index)
                    && task
                        .needs
                        .iter()
                        .all(|need| self.outcome_of(need) == Some(Outcome::Ok))
                    && !task
                        .share
                        .is_some_and(|share| shares.iter().any(|other| share.excludes(*other)))
            })
            // What most others wait for goes first; of equals, the first in the plan.
            .max_by_key(|(index, task)| (self.dependents(&task.id), std::cmp::Reverse(*index)))
            .map(|(index, _)| index)
    }

    /// How many tasks need this one, directly or not.
    fn dependents(&self, id: &str) -> usize {
        let mut reached = vec![id];
        // Tasks come after what they need, so one pass in plan order finds indirect ones too.
        for task in &self.plan.tasks {
            if task
                .needs
                .iter()
                .any(|need| reached.contains(&need.as_str()))
            {
                reached.push(&task.id);
            }
        }
        reached.len() - 1
    }

    fn finish(&mut self, index: usize, result: Result<()>, took: Duration) -> TaskResult {
        self.started.remove(&index);
        let task = &self.plan.tasks[index];
        let (outcome, error) = match result {
            Ok(()) => (Outcome::Ok, None),
            Err(Error::Interrupted) => (Outcome::Interrupted, None),
            Err(error) => (Outcome::Failed, Some(error)),
        };
        self.record(index, task_result(task, outcome, took, error))
    }

    fn skip(&mut self, index: usize, blocker: String) -> TaskResult {
        let mut result = task_result(
            &self.plan.tasks[index],
            Outcome::Skipped,
            Duration::ZERO,
            None,
        );
        result.blocked_by = Some(blocker);
        self.record(index, result)
    }

    fn record(&mut self, index: usize, result: TaskResult) -> TaskResult {
        self.results.insert(index, result.clone());
        result
    }

    /// Results in plan order; what never started because of an interrupt is there as interrupted.
    fn results(self) -> Vec<TaskResult> {
        let mut results = self.results;
        let plan = self.plan;
        plan.tasks
            .iter()
            .enumerate()
            .map(|(index, task)| {
                results.remove(&index).unwrap_or_else(|| {
                    task_result(task, Outcome::Interrupted, Duration::ZERO, None)
                })
            })
            .collect()
    }
}

fn task_result(task: &Task, outcome: Outcome, took: Duration, error: Option<Error>) -> TaskResult {
    TaskResult {
        id: task.id.clone(),
        unit: task.unit.clone(),
        label: task.label.clone(),
        outcome,
        took,
        log: task.log.clone(),
        rerun: task.rerun.clone(),
        blocked_by: None,
        error: error.as_ref().map(ToString::to_string),
        fix: error.as_ref().and_then(Error::fix),
        totals: totals::read(task.counts, &task.log),
    }
}
