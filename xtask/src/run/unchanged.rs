//! Tests that need not run again, because nothing at all has changed since they passed.
//!
//! A wrong "nothing has changed" would be worse than a slow run, so the key is as wide as it can be: every file of the repository that
//! git knows or does not ignore, the versions of the toolchains, the environment, and the task's own definition. One changed byte anywhere
//! runs everything. Only success is recorded, and only if the repository was the same before and after.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Outcome, Summary, TaskResult, Totals};
use crate::plan::{Counts, Plan, Task};

/// Where successes are noted, relative to the repository.
const FOLDER: &str = "target/xtask/passed";
/// Toolchains that tests use and that are no part of the repository.
const TOOLCHAINS: [[&str; 2]; 4] = [
    ["rustc", "--version"],
    ["python3", "--version"],
    ["node", "--version"],
    ["uname", "-a"],
];
/// Variables that differ between two terminals and say nothing about a test.
const NOISE: [&str; 10] = [
    "PWD",
    "OLDPWD",
    "SHLVL",
    "_",
    "TERM",
    "COLUMNS",
    "LINES",
    "WINDOWID",
    "SSH_TTY",
    "TMUX_PANE",
];

/// What a test's result depends on, as one digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State(String);

#[derive(Deserialize, Serialize)]
struct Passed {
    key: String,
    totals: Option<Totals>,
}

impl State {
    /// Looks at everything; nothing if git does not know the repository. `core` says where Tasker Core comes from.
    pub fn of(root: &Path, core: &str) -> Option<Self> {
        let mut sum = Sha256::new();
        add(&mut sum, core.as_bytes());
        for path in files(root)? {
            add(&mut sum, path.as_os_str().as_bytes());
            add_file(&mut sum, &root.join(path));
        }
        for argv in TOOLCHAINS {
            let output = Command::new(argv[0])
                .arg(argv[1])
                .current_dir(root)
                .stdin(Stdio::null())
                .output();
            add(
                &mut sum,
                &output.map(|output| output.stdout).unwrap_or_default(),
            );
        }
        for (name, value) in environment() {
            add(&mut sum, &name);
            add(&mut sum, &value);
        }
        Some(Self(hex(sum)))
    }

    fn key(&self, task: &Task) -> String {
        let mut sum = Sha256::new();
        add(&mut sum, self.0.as_bytes());
        add(&mut sum, task.id.as_bytes());
        // Actions are plain data, so their debug form is all of them.
        add(&mut sum, format!("{:?}", task.actions).as_bytes());
        hex(sum)
    }
}

/// Takes tests that passed in this state out of the plan, with what only they needed.
pub fn take_out(plan: &mut Plan, root: &Path, state: &State) {
    let hits: Vec<TaskResult> = plan
        .tasks
        .iter()
        .filter_map(|task| passed(root, state, task))
        .collect();
    let done: BTreeSet<&str> = hits.iter().map(|hit| hit.id.as_str()).collect();
    let mut wanted: BTreeSet<String> = plan
        .tasks
        .iter()
        .filter(|task| task.counts != Counts::None && !done.contains(task.id.as_str()))
        .map(|task| task.id.clone())
        .collect();
    // Tasks come after what they need, so one pass backwards finds everything.
    for task in plan.tasks.iter().rev() {
        if wanted.contains(&task.id) {
            wanted.extend(task.needs.iter().cloned());
        }
    }
    plan.tasks.retain(|task| wanted.contains(&task.id));
    plan.unchanged = hits;
}

fn passed(root: &Path, state: &State, task: &Task) -> Option<TaskResult> {
    if task.counts == Counts::None {
        return None;
    }
    let noted: Passed = serde_json::from_slice(&fs::read(place(root, &task.id)).ok()?).ok()?;
    (noted.key == state.key(task)).then(|| TaskResult {
        totals: noted.totals,
        ..super::task_result(task, Outcome::Unchanged, Duration::ZERO, None)
    })
}

/// Notes the tests that passed. `before` is the state in which they began.
pub fn note(plan: &Plan, root: &Path, before: &State, core: &str, summary: &Summary) {
    let successes: Vec<(&Task, &TaskResult)> = plan
        .tasks
        .iter()
        .filter(|task| task.counts != Counts::None)
        .filter_map(|task| {
            Some((
                task,
                summary.tasks.iter().find(|result| result.id == task.id)?,
            ))
        })
        .filter(|(_, result)| result.outcome == Outcome::Ok)
        .collect();
    if successes.is_empty() || State::of(root, core).as_ref() != Some(before) {
        return;
    }
    // What cannot be noted is run again next time; that is no failure.
    let _ = fs::create_dir_all(root.join(FOLDER));
    for (task, result) in successes {
        let noted = Passed {
            key: before.key(task),
            totals: result.totals,
        };
        if let Ok(text) = serde_json::to_vec(&noted) {
            let _ = fs::write(place(root, &task.id), text);
        }
    }
}

fn place(root: &Path, id: &str) -> PathBuf {
    root.join(FOLDER)
        .join(format!("{}.json", id.replace(['/', ':'], "-")))
}

/// Every file that git knows or does not ignore, sorted.
fn files(root: &Path) -> Option<BTreeSet<PathBuf>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let names = output
        .stdout
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    output.status.success().then(|| {
        names
            .map(|name| PathBuf::from(std::ffi::OsString::from_vec(name.to_vec())))
            .collect()
    })
}

fn add_file(sum: &mut Sha256, path: &Path) {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return add(sum, b"deleted");
    };
    add(sum, &meta.permissions().mode().to_le_bytes());
    if meta.is_symlink() {
        add(
            sum,
            fs::read_link(path)
                .unwrap_or_default()
                .as_os_str()
                .as_bytes(),
        );
    } else {
        add(sum, &fs::read(path).unwrap_or_default());
    }
}

fn environment() -> BTreeSet<(Vec<u8>, Vec<u8>)> {
    std::env::vars_os()
        // Cargo tells a program that it runs about the package, and where it found libraries.
        .filter(|(name, _)| !name.as_bytes().starts_with(b"CARGO") && name != "LD_LIBRARY_PATH")
        .filter(|(name, _)| !NOISE.iter().any(|noise| name == noise))
        .map(|(name, value)| (name.into_vec(), value.into_vec()))
        .collect()
}

/// With its length, so that two parts cannot be mistaken for one.
fn add(sum: &mut Sha256, part: &[u8]) {
    sum.update(part.len().to_le_bytes());
    sum.update(part);
}

fn hex(sum: Sha256) -> String {
    sum.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
