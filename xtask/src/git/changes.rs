//! What differs from a base, committed or not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use super::run::output;
use super::Files;
use crate::error::{Error, Result};

/// The files that differ from a base, or why that cannot be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Paths relative to the repository, sorted: committed since the merge base, staged, changed and untracked.
    Since(Vec<Vec<u8>>),
    /// There is no merge base: a shallow clone, an unknown base, unrelated histories.
    Unknown {
        /// One line that says so.
        why: String,
        /// The command that helps.
        fix: String,
    },
}

impl Changes {
    /// Whether nobody knows. Such an answer is given anew each time, with its warning.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// The paths, if they are known.
    pub fn paths(&self) -> Option<Vec<Vec<u8>>> {
        match self {
            Self::Since(paths) => Some(paths.clone()),
            Self::Unknown { .. } => None,
        }
    }
}

/// What to compare with if nobody says: the branch that a pull request goes to, else the main branch of `origin`, else `main`.
pub fn default_base(root: &Path) -> String {
    if let Some(branch) = std::env::var("GITHUB_BASE_REF")
        .ok()
        .filter(|name| !name.is_empty())
    {
        return format!("origin/{branch}");
    }
    for name in ["origin/HEAD", "origin/main", "main", "master"] {
        if git(
            root,
            &[
                "rev-parse",
                "--verify",
                "--quiet",
                &format!("{name}^{{commit}}"),
            ],
        )
        .is_ok()
        {
            return name.to_owned();
        }
    }
    "main".to_owned()
}

/// What differs from a base, while git finds it out beside whatever else is done meanwhile.
pub struct Asked {
    root: PathBuf,
    base: String,
    /// Tracked files that differ from the base in the index; nobody asks for a base that is no name.
    in_index: Option<JoinHandle<Result<Vec<u8>, Failure>>>,
}

impl Asked {
    pub fn since(root: &Path, base: String) -> Self {
        let is_name = !base.starts_with('-');
        let (place, name) = (root.to_owned(), base.clone());
        Self {
            root: root.to_owned(),
            base,
            in_index: is_name
                .then(|| std::thread::spawn(move || tracked_since(&place, &name, true))),
        }
    }

    /// Every file that differs from where the base and HEAD parted. What is known of the work tree is not asked again.
    pub fn changes(self, files: Option<&Files>) -> Result<Changes> {
        let Some(in_index) = self.in_index else {
            return Ok(unknown(&self.base, "is not a commit"));
        };
        let (tracked, others) = match files.and_then(Files::differing) {
            Some(differing) => {
                let mut names = Vec::new();
                for path in differing {
                    names.extend_from_slice(path);
                    names.push(0);
                }
                (answer(in_index), Ok(names))
            }
            // Only git can tell what differs from the index.
            None => {
                let untracked = ["ls-files", "-z", "--others", "--exclude-standard"];
                (
                    tracked_since(&self.root, &self.base, false),
                    git(&self.root, &untracked),
                )
            }
        };
        let why = match (tracked, others) {
            (Ok(tracked), Ok(others)) => return Ok(Changes::Since(names(&tracked, &others))),
            (Err(Failure::NotStarted(why)), _)
            | (_, Err(Failure::NotStarted(why) | Failure::Said(why))) => {
                return Err(Error::Git {
                    doing: "list changed files".into(),
                    why,
                })
            }
            (Err(Failure::Said(why)), _) if why.is_empty() => "has no commit in common with HEAD",
            (Err(Failure::Said(_)), _) => "is not in this clone",
        };
        Ok(unknown(&self.base, why))
    }
}

/// What the other thread found out. If it panicked, so does this one.
fn answer(asked: JoinHandle<Result<Vec<u8>, Failure>>) -> Result<Vec<u8>, Failure> {
    asked
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The paths in two lists of git's, sorted, each once.
fn names(one: &[u8], other: &[u8]) -> Vec<Vec<u8>> {
    let paths = one
        .split(|byte| *byte == 0)
        .chain(other.split(|byte| *byte == 0));
    let paths: BTreeSet<&[u8]> = paths.filter(|path| !path.is_empty()).collect();
    paths.into_iter().map(<[u8]>::to_vec).collect()
}

/// Tracked files that differ from where `base` and HEAD parted: in the index, or in the work tree.
fn tracked_since(root: &Path, base: &str, in_index: bool) -> Result<Vec<u8>, Failure> {
    let diff = |from: &[&str]| {
        let mut args = vec!["diff"];
        args.extend(in_index.then_some("--cached"));
        args.extend([
            "--name-only",
            "-z",
            "--no-renames",
            "--no-ext-diff",
            "--relative",
            "--ignore-submodules=none",
        ]);
        args.extend(from);
        args.push("--");
        git(root, &args)
    };
    // One process instead of two, from git 2.30 on and if there is one merge base. Otherwise the long way says what is wrong.
    diff(&["--merge-base", base]).or_else(|_| {
        let parted = git(root, &["merge-base", base, "HEAD"])?;
        diff(&[String::from_utf8_lossy(&parted).trim()])
    })
}

fn unknown(base: &str, why: &str) -> Changes {
    let fix = match base.split_once('/') {
        Some((remote, branch)) if !remote.starts_with('-') && branch != "HEAD" => format!("git fetch --unshallow {remote} {branch}; in a complete clone: git fetch {remote} {branch}"),
        _ => "git fetch --unshallow, or name another base".to_owned(),
    };
    Changes::Unknown {
        why: format!("no merge base: {base} {why}"),
        fix,
    }
}

enum Failure {
    NotStarted(String),
    /// What git said, which may be nothing.
    Said(String),
}

fn git(root: &Path, args: &[&str]) -> std::result::Result<Vec<u8>, Failure> {
    let output = output(root, args).map_err(|error| Failure::NotStarted(error.to_string()))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Failure::Said(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ))
    }
}
