//! What differs from a base, committed or not.

use std::path::Path;
use std::process::{Command, Stdio};

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

/// Tracked files that differ from where `base` and HEAD parted: in the index, or in the work tree.
fn tracked_since(root: &Path, base: &str, in_index: bool) -> Result<Vec<u8>, Failure> {
    let parted = git(root, &["merge-base", base, "HEAD"])?;
    let parted = String::from_utf8_lossy(&parted).trim().to_owned();
    let mut args = vec!["diff"];
    args.extend(in_index.then_some("--cached"));
    args.extend([
        "--name-only",
        "-z",
        "--no-renames",
        "--no-ext-diff",
        "--relative",
        "--ignore-submodules=none",
        &parted,
        "--",
    ]);
    git(root, &args)
}

/// Every file that differs from where `base` and HEAD parted. What is known of the work tree is not asked again.
///
/// # Errors
/// [`Error::Git`] if the folder is no repository, or git cannot be started.
pub fn changed_since(root: &Path, base: &str, files: Option<&Files>) -> Result<Changes> {
    if base.starts_with('-') {
        return Ok(unknown(base, "is no name of a commit"));
    }
    let files = files.filter(|files| files.differing.is_some());
    let diff = || tracked_since(root, base, files.is_some());
    let differing = files.and_then(Files::differing);
    let untracked = match differing {
        Some(differing) => {
            let mut names = Vec::new();
            for path in differing {
                names.extend_from_slice(path);
                names.push(0);
            }
            (diff(), Ok(names))
        }
        None => std::thread::scope(|scope| {
            let untracked =
                scope.spawn(|| git(root, &["ls-files", "-z", "--others", "--exclude-standard"]));
            // A panic of the other thread would be a mistake of ours; without its answer nothing is known.
            (
                diff(),
                untracked
                    .join()
                    .unwrap_or(Err(Failure::Said(String::new()))),
            )
        }),
    };
    match untracked {
        (Ok(diff), Ok(untracked)) => {
            let mut paths: Vec<Vec<u8>> = diff
                .split(|byte| *byte == 0)
                .chain(untracked.split(|byte| *byte == 0))
                .filter(|path| !path.is_empty())
                .map(<[u8]>::to_vec)
                .collect();
            paths.sort();
            paths.dedup();
            Ok(Changes::Since(paths))
        }
        (Err(Failure::NotStarted(why)), _)
        | (_, Err(Failure::NotStarted(why) | Failure::Said(why))) => Err(Error::Git {
            doing: "list changed files".into(),
            why,
        }),
        (Err(Failure::Said(why)), _) => Ok(unknown(
            base,
            if why.is_empty() {
                "has no commit in common with HEAD"
            } else {
                "is not in this clone"
            },
        )),
    }
}

fn unknown(base: &str, why: &str) -> Changes {
    let fix = match base.split_once('/') {
        Some((remote, branch)) if !remote.starts_with('-') && branch != "HEAD" => format!("git fetch --unshallow {remote} {branch} (or git fetch {remote} {branch}, if the clone is complete)"),
        _ => "git fetch --unshallow (or name another base)".to_owned(),
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
    let output = Command::new("git")
        .args(args)
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::NotStarted(error.to_string()))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Failure::Said(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ))
    }
}
