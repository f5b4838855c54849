//! Results that need not be computed again: a task that succeeded on the same inputs is left out, and its log is there again.
//!
//! A wrong hit would be worse than any slow run. So a key holds everything that a task could see: the files of its unit and of all units
//! that one uses, files that belong to nobody, the task's own definition, the versions of the tools, the source of Tasker Core, and the
//! environment, which holds nothing else because tasks start from a cleared one. Only success is kept, and only if the inputs
//! were the same after the run as before it.

mod key;
mod passed;
mod store;
mod versions;
mod whole;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::environment::Environment;
use crate::error::Result;
use crate::git::Files;
use crate::plan::{Outcome, TaskResult};
use crate::plan::{Plan, Task};
use crate::repo::inputs::Inputs;
use crate::repo::Repo;
use crate::run::Summary;
use crate::tools::Tools;

pub use key::{Common, Key, Name, Part};
pub use passed::{Passed, Subject};
pub use store::{clean, BOUND};
pub use whole::{Looked, Whole};

use key::State;
use store::{millis, Store};

/// The cache of a repository, with everything that its keys are made of.
pub struct Cache<'a> {
    repo: &'a Repo,
    inputs: &'a Inputs,
    environment: &'a Environment,
    common: Arc<Common>,
    tools: Vec<(Name, Part)>,
    /// For each language, places in `tools`.
    tools_of: BTreeMap<&'a str, Vec<usize>>,
    before: State,
    store: Store,
}

impl<'a> Cache<'a> {
    /// Looks at everything that keys are made of; nothing if the repository is no git work tree. Only tasks of this plan can be asked
    /// about.
    pub fn open(
        repo: &'a Repo,
        inputs: &'a Inputs,
        tools: &Tools,
        environment: &'a Environment,
        common: &Arc<Common>,
        plan: &Plan,
    ) -> Option<Self> {
        let files = Arc::clone(repo.files.as_ref()?);
        let languages = languages_of(repo, inputs, plan);
        let (before, versions) = std::thread::scope(|scope| {
            let versions =
                scope.spawn(|| versions::of_languages(&repo.root, tools, environment, languages));
            (State::of(repo, inputs, files), versions.join())
        });
        let (tools, tools_of) = versions.ok()?;
        Some(Self {
            repo,
            inputs,
            environment,
            common: Arc::clone(common),
            tools,
            tools_of,
            before,
            store: Store::of(&repo.root),
        })
    }

    /// The results of this plan that are known.
    pub fn hits(&self, plan: &Plan) -> Result<Vec<TaskResult>> {
        let mut keys = Vec::new();
        let known = plan
            .tasks
            .iter()
            .filter(|task| plan.results.contains(&task.id))
            .filter_map(|task| {
                let key = self.key(task, &self.before)?.hex();
                let found = self.store.get(&key)?;
                keys.push(key);
                Some(TaskResult {
                    outcome: Outcome::Cached,
                    took: Duration::from_millis(found.took_ms),
                    log: found.log,
                    totals: found.totals,
                    ..TaskResult::of(task)
                })
            })
            .collect();
        self.store.touch(keys.iter().map(String::as_str))?;
        Ok(known)
    }

    /// For `--explain`: per result, whether it is known, and if it is not, what differs from its last success.
    pub fn explain(&self, plan: &Plan) -> Vec<String> {
        let mut lines = Vec::new();
        for task in plan
            .tasks
            .iter()
            .filter(|task| plan.results.contains(&task.id))
        {
            let Some(key) = self.key(task, &self.before) else {
                continue;
            };
            if self.store.get(&key.hex()).is_some() {
                lines.push(format!(
                    "{}: cached, it succeeded on the same inputs",
                    task.id
                ));
                continue;
            }
            match self.store.last(&task.id) {
                None => lines.push(format!("{}: runs, no success is cached", task.id)),
                Some(last) => {
                    lines.push(format!(
                        "{}: runs, because these inputs have changed since its last success:",
                        task.id
                    ));
                    let differing = key.differing(&last);
                    if differing.is_empty() {
                        lines.push(
                            "    none, but that result was removed to keep the cache small"
                                .to_owned(),
                        );
                    }
                    for (name, old) in differing {
                        lines.push(format!("    {name}"));
                        let files = old
                            .and_then(|old| self.changed_files(&name, &old))
                            .unwrap_or_default();
                        lines.extend(files.into_iter().map(|file| format!("        {file}")));
                    }
                }
            }
        }
        lines
    }

    /// The files that differ between then and now in a part of a key that is made of files.
    fn changed_files(&self, part: &str, old: &str) -> Option<Vec<String>> {
        let old = self.store.file_list(old)?;
        let new = self.before.list(self.repo, part)?;
        let of = |list: &str| -> std::collections::BTreeMap<String, String> {
            let line = |line: &str| {
                line.split_once(' ')
                    .map(|(id, path)| (path.to_owned(), id.to_owned()))
            };
            list.lines().filter_map(line).collect()
        };
        let (old, new) = (of(&old), of(&new));
        let mut differing: Vec<String> = Vec::new();
        for path in old
            .keys()
            .chain(new.keys().filter(|path| !old.contains_key(*path)))
        {
            match (old.get(path), new.get(path)) {
                (Some(before), Some(now)) if before != now => {
                    differing.push(format!("{path} (changed)"))
                }
                (Some(_), None) => differing.push(format!("{path} (gone)")),
                (None, Some(_)) => differing.push(format!("{path} (new)")),
                _ => {}
            }
        }
        Some(differing)
    }

    /// Keeps the successes of a run, unless their inputs changed meanwhile.
    pub fn keep(&self, plan: &Plan, summary: &Summary) -> Result<()> {
        let results: HashMap<&str, &TaskResult> = summary
            .tasks
            .iter()
            .map(|result| (result.id.as_str(), result))
            .collect();
        let successes: Vec<(&Task, &TaskResult)> = plan
            .tasks
            .iter()
            .filter(|task| plan.results.contains(&task.id))
            .filter_map(|task| {
                let result = *results.get(task.id.as_str())?;
                (result.outcome == Outcome::Ok).then_some((task, result))
            })
            .collect();
        if successes.is_empty() {
            return Ok(());
        }
        let Some(files) = Files::of(&self.repo.root) else {
            return Ok(());
        };
        let after = State::of(self.repo, self.inputs, Arc::new(files));
        let mut kept = Vec::new();
        for (task, result) in successes {
            let (Some(key), Some(now)) = (self.key(task, &self.before), self.key(task, &after))
            else {
                continue;
            };
            if key != now {
                continue;
            }
            let list = |part: &str| self.before.list(self.repo, part);
            self.store.put(&task.id, &key, list, &result.log)?;
            kept.push((key.hex(), result.totals, millis(result.took)));
        }
        self.store.list(kept)?;
        self.store.prune(BOUND)
    }

    /// Everything that a task's result depends on; none if it belongs to no unit.
    fn key(&self, task: &Task, state: &State) -> Option<Key> {
        let closure = self.inputs.closure(self.repo.places(&task.unit));
        if closure.is_empty() {
            return None;
        }
        let mut key = Key::new(&self.common, task, self.environment);
        let mut wanted: Vec<usize> = closure
            .iter()
            .filter_map(|unit| self.tools_of.get(self.repo.units[*unit].language))
            .flatten()
            .copied()
            .collect();
        wanted.sort_unstable_by_key(|tool| &self.tools[*tool].0);
        wanted.dedup();
        for tool in wanted {
            let (name, part) = &self.tools[tool];
            key.add(Arc::clone(name), *part);
        }
        state.add_to(&mut key, &closure);
        Some(key)
    }
}

/// The languages of units that a plan's tasks are about, and of what those use.
fn languages_of<'a>(repo: &'a Repo, inputs: &Inputs, plan: &Plan) -> BTreeSet<&'a str> {
    let folders: HashSet<&str> = plan.tasks.iter().map(|task| task.unit.as_str()).collect();
    let units = repo.units.iter().enumerate();
    let about = units
        .filter(|(_, unit)| folders.contains(unit.folder.as_str()))
        .map(|(place, _)| place);
    let used = inputs.closure(about).into_iter();
    used.map(|unit| repo.units[unit].language).collect()
}
