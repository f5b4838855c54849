//! Plans: what a command would do, as plain data.
//!
//! Commands compute a [`Plan`] from the repository without touching anything. `--dry-run` prints it; [`crate::apply`]
//! executes the same value. A task is the unit of scheduling and of reporting: a few actions in order, one log, one line
//! in the summary.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::file::relative;
use crate::process::{quote, Invocation};
use crate::run::TaskResult;
use crate::template::plan::Assembly;
use crate::tools::PinnedTool;

/// One effect.
#[derive(Clone, Debug)]
pub enum Action {
    /// Run a command to its end.
    Run(Invocation),
    /// Write a file, making its folders.
    Write {
        /// Absolute path.
        path: PathBuf,
        /// The whole new content.
        contents: String,
    },
    /// Remove a file or folder if it exists.
    Remove {
        /// Absolute path.
        path: PathBuf,
    },
    /// Bring a second tree of the repository's files up to date.
    Mirror(Mirror),
    /// Fetch a pinned tool into `.xtask/tools`.
    Install(Box<PinnedTool>),
    /// Put generated files together into a project.
    Assemble(Assembly),
    /// A check that xtask makes itself; it reads and changes nothing.
    Check {
        /// What is checked, for people.
        what: String,
        /// The function: gives one line per problem.
        check: fn(&Path) -> Vec<String>,
        /// The folder to check.
        folder: PathBuf,
    },
}

/// A tree of links to files of the repository or of a checkout, in which some are copies that may change.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// The repository or the checkout.
    pub from: PathBuf,
    /// The mirror's folder, absolute.
    pub into: PathBuf,
    /// The files and folders that are copied, relative.
    pub copies: BTreeSet<PathBuf>,
    /// Copies are made again when this changes.
    pub key: String,
}

impl Action {
    /// One line for people, with paths relative to the repository.
    pub fn describe(&self, root: &Path) -> String {
        match self {
            Self::Run(invocation) => shell_line(root, invocation),
            Self::Write { path, contents } => {
                let lines = match contents.lines().count() {
                    1 => "1 line".to_owned(),
                    many => format!("{many} lines"),
                };
                format!("write {} ({lines})", relative(root, path).display())
            }
            Self::Remove { path } => format!("remove {}", relative(root, path).display()),
            Self::Mirror(mirror) => format!(
                "mirror {} in {}, with copies of {} files or folders",
                if mirror.from == root {
                    "the repository".into()
                } else {
                    mirror.from.display().to_string()
                },
                relative(root, &mirror.into).display(),
                mirror.copies.len()
            ),
            Self::Install(tool) => {
                format!(
                    "install {} {} from {} into {}",
                    tool.name,
                    tool.version,
                    tool.origin(),
                    tool.folder_name()
                )
            }
            Self::Assemble(assembly) => format!(
                "compare with {} and put together {}",
                relative(root, &assembly.snapshots).display(),
                assembly.into.display()
            ),
            Self::Check { what, folder, .. } => match relative(root, folder) {
                folder if folder.as_os_str().is_empty() => format!("check {what}"),
                folder => format!("check {what} in {}", folder.display()),
            },
        }
    }
}

/// A command as one could paste it at the repository's root: paths inside the repository are relative to its folder.
fn shell_line(root: &Path, invocation: &Invocation) -> String {
    let folder = relative(root, &invocation.cwd);
    let up: PathBuf = folder.components().map(|_| "..").collect();
    let shorten = |word: &str| match Path::new(word).strip_prefix(root) {
        Err(_) => word.to_owned(),
        Ok(path) => {
            let path = path
                .strip_prefix(folder)
                .map_or_else(|_| up.join(path), Path::to_owned);
            if path.as_os_str().is_empty() {
                ".".to_owned()
            } else {
                path.display().to_string()
            }
        }
    };
    let env = invocation
        .env
        .iter()
        .map(|(name, value)| format!("{name}={} ", quote(&shorten(value))));
    let argv: Vec<String> = invocation
        .argv
        .iter()
        .map(|word| quote(&shorten(word)))
        .collect();
    let line = format!("{}{}", env.collect::<String>(), argv.join(" "));
    if folder.as_os_str().is_empty() {
        format!("$ {line}")
    } else {
        format!("$ (cd {} && {line})", folder.display())
    }
}

/// How a task uses something that tasks have in common, named by a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// No other task may use it meanwhile.
    Alone(&'static str),
    /// Others that use it together may run, but none that needs it alone.
    Together(&'static str),
}

/// cargo allows one build at a time per target folder; a second one would occupy a core's place while it waits.
pub const CARGO_BUILD: Share = Share::Alone("cargo");

impl Share {
    /// Whether two tasks must not run at the same time.
    pub fn excludes(self, other: Self) -> bool {
        let (Self::Alone(word) | Self::Together(word)) = self;
        let (Self::Alone(other_word) | Self::Together(other_word)) = other;
        word == other_word && !matches!((self, other), (Self::Together(_), Self::Together(_)))
    }
}

/// Which closing line of a tool carries its counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// The tool counts nothing we report.
    None,
    /// `test result: ok. 3 passed; 0 failed; …`, once per test binary.
    CargoTest,
    /// `== 3 passed, 1 skipped in 0.1s ==`, once.
    Pytest,
    /// `3 examples, 0 failures, 1 pending`, once.
    Rspec,
    /// ` 3 pass`, ` 1 skip` and ` 0 fail` on lines of their own, once.
    BunTest,
}

/// A few actions in order, with one log.
#[derive(Clone, Debug)]
pub struct Task {
    /// Unique in the plan, for example `python/tasker-contrib-fastapi:pytest`.
    pub id: String,
    /// The unit's folder, or what else this is about (`tools`).
    pub unit: String,
    /// What it does, in a word or two: `pytest`, `prepare`.
    pub label: String,
    /// Ids of tasks that must have succeeded before.
    pub needs: Vec<String>,
    /// What it shares with other tasks; see [`Share`].
    pub share: Option<Share>,
    /// Said when the task starts, if it will take long or fetches something: what happens and why.
    pub note: Option<String>,
    /// What to do, in order; the first failure ends the task.
    pub actions: Vec<Action>,
    /// Where its output goes.
    pub log: PathBuf,
    /// The one command that runs just this again.
    pub rerun: String,
    /// How to read totals from the log.
    pub counts: Counts,
    /// Variables of our own environment that it may see besides the usual ones.
    pub env: Vec<String>,
}

/// An ordered list of tasks: a task comes after all it needs.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The tasks.
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

    /// The printable form.
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
    /// One line each.
    pub actions: Vec<String>,
}
