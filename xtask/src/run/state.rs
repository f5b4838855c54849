//! Where a run stands: which tasks wait, run, or have ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use super::totals;
use crate::error::{Error, Result};
use crate::plan::{Outcome, TaskResult};
use crate::plan::{Plan, Share, Task};

/// See the module documentation. Tasks are known by their place in the plan.
pub struct State<'a> {
    plan: &'a Plan,
    /// Places of tasks that each one needs.
    needs: Vec<Vec<usize>>,
    /// Places of tasks that need each one.
    needed_by: Vec<Vec<usize>>,
    /// How many tasks need each one, directly or not.
    weight: Vec<usize>,
    waiting: BTreeSet<usize>,
    started: BTreeMap<usize, Instant>,
    results: Vec<Option<TaskResult>>,
    /// Waiting tasks that can never run, each with the one that did not succeed.
    blocked: Vec<(usize, usize)>,
    first_failure: Option<usize>,
}

impl<'a> State<'a> {
    /// Before the first task.
    pub fn new(plan: &'a Plan) -> Self {
        let places: HashMap<&str, usize> = plan
            .tasks
            .iter()
            .enumerate()
            .map(|(place, task)| (task.id.as_str(), place))
            .collect();
        let needs: Vec<Vec<usize>> = plan
            .tasks
            .iter()
            .map(|task| {
                task.needs
                    .iter()
                    .filter_map(|need| places.get(need.as_str()).copied())
                    .collect()
            })
            .collect();
        let mut needed_by = vec![Vec::new(); needs.len()];
        for (place, needs) in needs.iter().enumerate() {
            for need in needs {
                needed_by[*need].push(place);
            }
        }
        let weight = weights(&needed_by);
        Self {
            plan,
            needs,
            needed_by,
            weight,
            waiting: (0..plan.tasks.len()).collect(),
            started: BTreeMap::new(),
            results: vec![None; plan.tasks.len()],
            blocked: Vec::new(),
            first_failure: None,
        }
    }

    /// How many tasks run.
    pub fn running(&self) -> usize {
        self.started.len()
    }

    /// Running tasks, each with how long it has been running.
    pub fn still_running(&self) -> impl Iterator<Item = (&'a Task, Duration)> + '_ {
        self.started
            .iter()
            .map(|(place, begun)| (&self.plan.tasks[*place], begun.elapsed()))
    }

    /// Ends a waiting task that can never run because one it needs did not succeed.
    pub fn skip_next_blocked(&mut self) -> Option<TaskResult> {
        let (place, blocker) = self.blocked.pop()?;
        if !self.waiting.remove(&place) {
            return self.skip_next_blocked();
        }
        let mut result = TaskResult::of(&self.plan.tasks[place]);
        result.outcome = Outcome::Skipped;
        result.blocked_by = Some(self.plan.tasks[blocker].id.clone());
        Some(self.record(place, result))
    }

    /// How many tasks cannot run before this one has: those that need it, and those that wait for what it uses alone. The latter come one
    /// after the other, so they begin early, lest a core has nothing to do at the end.
    fn awaited(&self, place: usize) -> usize {
        let share = |place: usize| self.plan.tasks[place].share;
        let rivals = match share(place) {
            Some(alone @ Share::Alone(_)) => {
                let others = self.waiting.iter().filter(|other| **other != place);
                let excluded = others
                    .filter(|other| share(**other).is_some_and(|other| alone.excludes(other)));
                excluded.count()
            }
            _ => 0,
        };
        self.weight[place] + rivals
    }

    /// Takes the waiting task that may run now and that most others wait for; of equals, the first in the plan.
    pub fn start_next(&mut self) -> Option<usize> {
        let shares: Vec<_> = self
            .started
            .keys()
            .filter_map(|place| self.plan.tasks[*place].share)
            .collect();
        let may_run = |place: &usize| {
            let share = self.plan.tasks[*place].share;
            let is_ok = |need: &usize| {
                self.results[*need]
                    .as_ref()
                    .is_some_and(|result| result.outcome == Outcome::Ok)
            };
            self.needs[*place].iter().all(is_ok)
                && !share.is_some_and(|share| shares.iter().any(|other| share.excludes(*other)))
        };
        let next = self
            .waiting
            .iter()
            .copied()
            .filter(may_run)
            .max_by_key(|place| (self.awaited(*place), std::cmp::Reverse(*place)))?;
        self.waiting.remove(&next);
        self.started.insert(next, Instant::now());
        Some(next)
    }

    /// Notes how a task ended.
    pub fn finish(&mut self, place: usize, ended: Result<()>, took: Duration) -> TaskResult {
        self.started.remove(&place);
        let task = &self.plan.tasks[place];
        let mut result = TaskResult::of(task);
        result.took = took;
        result.totals = totals::read(task.counts, &task.log);
        match ended {
            Ok(()) => {}
            Err(Error::Interrupted) => result.outcome = Outcome::Interrupted,
            Err(error) => {
                result.outcome = Outcome::Failed;
                result.error = Some(error.to_string());
                result.fix = error.fix();
                self.first_failure.get_or_insert(place);
            }
        }
        self.record(place, result)
    }

    fn record(&mut self, place: usize, result: TaskResult) -> TaskResult {
        if result.outcome != Outcome::Ok {
            self.blocked.extend(
                self.needed_by[place]
                    .iter()
                    .map(|blocked| (*blocked, place)),
            );
        }
        self.results[place] = Some(result.clone());
        result
    }

    /// The longest chain of tasks that needed each other.
    pub fn critical_path(&self) -> Duration {
        let mut until = vec![Duration::ZERO; self.needs.len()];
        // Tasks come after what they need.
        for place in 0..self.needs.len() {
            let before = self.needs[place]
                .iter()
                .map(|need| until[*need])
                .max()
                .unwrap_or_default();
            until[place] = before
                + self.results[place]
                    .as_ref()
                    .map(|result| result.took)
                    .unwrap_or_default();
        }
        until.into_iter().max().unwrap_or_default()
    }

    /// Results in plan order. What never started was held back by Ctrl-C, or by the first failure.
    pub fn into_results(self, interrupted: bool) -> Vec<TaskResult> {
        let blocker = self
            .first_failure
            .map(|place| self.plan.tasks[place].id.clone());
        let ended = self.results.into_iter().zip(&self.plan.tasks);
        ended
            .map(|(result, task)| {
                result.unwrap_or_else(|| {
                    let mut result = TaskResult::of(task);
                    if interrupted {
                        result.outcome = Outcome::Interrupted;
                    } else {
                        result.outcome = Outcome::Skipped;
                        result.blocked_by.clone_from(&blocker);
                    }
                    result
                })
            })
            .collect()
    }
}

/// How many tasks need each one, directly or not. Tasks come after what they need.
fn weights(needed_by: &[Vec<usize>]) -> Vec<usize> {
    let words = needed_by.len().div_ceil(64);
    let mut reached = vec![vec![0u64; words]; needed_by.len()];
    let mut weight = vec![0; needed_by.len()];
    for place in (0..needed_by.len()).rev() {
        let mut own = vec![0u64; words];
        for user in &needed_by[place] {
            own[user / 64] |= 1 << (user % 64);
            for (word, more) in own.iter_mut().zip(&reached[*user]) {
                *word |= more;
            }
        }
        weight[place] = own.iter().map(|word| word.count_ones() as usize).sum();
        reached[place] = own;
    }
    weight
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: &str, needs: &[&str], share: Option<Share>) -> Task {
        Task {
            id: id.to_owned(),
            unit: "unit".to_owned(),
            label: id.to_owned(),
            needs: needs.iter().map(|need| (*need).to_owned()).collect(),
            share,
            ..Task::default()
        }
    }

    /// The order in which one worker takes these tasks.
    fn order(tasks: Vec<Task>) -> Vec<String> {
        let mut plan = Plan::default();
        for task in tasks {
            plan.add(task);
        }
        let mut state = State::new(&plan);
        let mut order = Vec::new();
        while let Some(place) = state.start_next() {
            order.push(plan.tasks[place].id.clone());
            state.finish(place, Ok(()), Duration::ZERO);
        }
        order
    }

    #[test]
    fn what_others_wait_for_comes_first() {
        let tasks = vec![
            task("alone", &[], None),
            task("first", &[], None),
            task("second", &["first"], None),
        ];
        assert_eq!(order(tasks), ["first", "alone", "second"]);
    }

    #[test]
    fn tasks_that_exclude_each_other_begin_early() {
        let build = Some(Share::Alone("cargo"));
        let tests = Some(Share::Together("cargo"));
        let tasks = vec![
            task("tests", &[], tests),
            task("other", &[], None),
            task("one build", &[], build),
            task("another build", &[], build),
        ];
        assert_eq!(
            order(tasks),
            ["one build", "another build", "tests", "other"]
        );
    }
}
