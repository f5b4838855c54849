//! `codegen`: generated constants, written or compared.

use std::path::Path;

use super::Session;
use crate::cli::CodegenArgs;
use crate::contract::{outputs, Output};
use crate::error::{Error, Result};
use crate::plan::{Action, Counts, Plan, Task};

/// Runs the command. A file that cannot be generated does not keep the others from being written.
pub fn run(session: &mut Session, args: &CodegenArgs) -> Result<()> {
    let (changed, problem) = compare(&session.root)?;
    if args.check {
        if let Some(problem) = problem {
            return Err(problem);
        }
        if !changed.is_empty() {
            return Err(Error::Drift {
                files: changed
                    .iter()
                    .map(|file| file.path.display().to_string())
                    .collect(),
            });
        }
        session.report.say("generated files are up to date");
        return Ok(());
    }
    if changed.is_empty() {
        session.report.say("generated files are up to date");
    } else {
        let plan = plan(session, changed);
        session.execute("codegen", &plan, args.dry_run)?;
    }
    problem.map_or(Ok(()), Err)
}

fn plan(session: &Session, files: Vec<Output>) -> Plan {
    let logs = session.logs("codegen");
    let mut plan = Plan::default();
    for (index, file) in files.into_iter().enumerate() {
        plan.add(Task {
            id: format!("codegen:{}", file.path.display()),
            unit: "codegen".to_owned(),
            label: file.path.display().to_string(),
            needs: Vec::new(),
            share: None,
            note: None,
            actions: vec![Action::Write {
                path: session.root.join(&file.path),
                contents: file.contents,
            }],
            log: logs.join(format!("{index}.log")),
            rerun: "cargo xtask codegen".to_owned(),
            counts: Counts::None,
            env: Vec::new(),
        });
    }
    plan
}

/// Files that are not what the tables say, and the first reason why one cannot be generated at all.
fn compare(root: &Path) -> Result<(Vec<Output>, Option<Error>)> {
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
pub fn check_task(root: &Path, logs: &Path) -> Task {
    Task {
        id: "contract:codegen".to_owned(),
        unit: "contract".to_owned(),
        label: "codegen".to_owned(),
        needs: Vec::new(),
        share: None,
        note: None,
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
        rerun: "cargo xtask codegen --check   (cargo xtask codegen writes the files)".to_owned(),
        counts: Counts::None,
        env: Vec::new(),
    }
}
