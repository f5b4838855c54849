//! A task: a few actions in order, with one log.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::assembly::Assembly;
use super::totals::Count;
use crate::file::relative;
use crate::process::{quote, Invocation};
use crate::tools::PinnedTool;

#[derive(Clone, Debug)]
pub enum Action {
    /// Run a command to its end.
    Run(Invocation),
    /// Run a command ahead of others that do the same work and tell of its failure better: it may fail.
    Ahead(Invocation),
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
            Self::Run(invocation) | Self::Ahead(invocation) => shell_line(root, invocation),
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

/// A few actions in order, with one log.
#[derive(Clone, Debug, Default)]
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
    pub counts: Option<Count>,
    /// Variables of our own environment that it may see besides the usual ones.
    pub env: Vec<String>,
}

impl Task {
    /// Adds tasks that must come before.
    #[must_use]
    pub fn after(mut self, needs: impl IntoIterator<Item = String>) -> Self {
        self.needs.extend(needs);
        self
    }

    #[must_use]
    pub fn run(self, invocation: Invocation) -> Self {
        self.act(Action::Run(invocation))
    }

    #[must_use]
    pub fn act(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// Makes a folder anew, empty but for a file that keeps it.
    #[must_use]
    pub fn emptying(self, folder: &Path) -> Self {
        self.act(Action::Remove {
            path: folder.to_owned(),
        })
        .act(Action::Write {
            path: folder.join(".keep"),
            contents: String::new(),
        })
    }

    /// Says how it shares a resource.
    #[must_use]
    pub fn sharing(mut self, share: Share) -> Self {
        self.share = Some(share);
        self
    }

    /// Says how its log counts tests.
    #[must_use]
    pub fn counting(mut self, count: Count) -> Self {
        self.counts = Some(count);
        self
    }

    /// Says what takes long and why.
    #[must_use]
    pub fn noting(mut self, note: Option<String>) -> Self {
        self.note = note;
        self
    }
}
