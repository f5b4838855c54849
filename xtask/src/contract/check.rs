//! Generated files against the tables.

use std::path::Path;

use super::outputs::{outputs, Output};
use crate::error::{Error, Result};
use crate::plan::{Action, Task};

/// Files that are not what the tables say, and the first reason why one cannot be generated at all.
pub fn compare(root: &Path) -> Result<(Vec<Output>, Option<Error>)> {
    let (files, problems): (Vec<_>, Vec<_>) = outputs(root)?.into_iter().partition(Result::is_ok);
    let changed = files
        .into_iter()
        .flatten()
        .filter(|file| {
            std::fs::read_to_string(root.join(&file.path)).ok().as_ref() != Some(&file.contents)
        })
        .collect();
    Ok((changed, problems.into_iter().find_map(Result::err)))
}

/// `codegen --check` as a task of `lint`.
pub fn task(root: &Path, logs: &Path) -> Task {
    Task {
        id: "contract:codegen".to_owned(),
        unit: "contract".to_owned(),
        label: "codegen".to_owned(),
        actions: vec![Action::Check {
            what: "generated files against xtask/contract".to_owned(),
            check: |root| match compare(root) {
                Ok((changed, problem)) => {
                    let changed = changed
                        .iter()
                        .map(|file| format!("{} is out of date", file.path.display()));
                    changed
                        .chain(problem.iter().map(ToString::to_string))
                        .collect()
                }
                Err(error) => vec![error.to_string()],
            },
            folder: root.to_owned(),
        }],
        log: logs.join("contract-codegen.log"),
        rerun: "cargo xtask codegen --check".to_owned(),
        ..Task::default()
    }
}
