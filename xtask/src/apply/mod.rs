//! The only code that writes, removes, or starts a process that changes something.
//!
//! Everything else computes an [`Action`]; this executes it. Output of processes goes to the task's log.

mod assemble;
mod command;
mod install;
mod mirror;

use std::path::Path;

use command::{finish, note};

use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::file::{remove, write};
use crate::interrupt::Interrupt;
use crate::plan::{Action, Task};
use crate::process::{ChildGroup, Output};

/// Executes a task's actions in order, until one fails.
pub fn task(
    root: &Path,
    task: &Task,
    environment: &Environment,
    interrupt: &Interrupt,
) -> Result<()> {
    // A new file, not a truncated one: another xtask may be writing the old one.
    match std::fs::remove_file(&task.log) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::io("remove", &task.log)(error));
        }
        _ => {}
    }
    for action in &task.actions {
        self::action(root, task, action, environment, interrupt)?;
    }
    Ok(())
}

fn action(
    root: &Path,
    task: &Task,
    action: &Action,
    environment: &Environment,
    interrupt: &Interrupt,
) -> Result<()> {
    let (unit, log) = (task.unit.as_str(), task.log.as_path());
    if interrupt.is_set() {
        return Err(Error::Interrupted);
    }
    match action {
        Action::Run(invocation) => {
            let line = action.describe(root);
            note(log, &line)?;
            // The same line in the error message, without this machine's folders.
            let output = Output::Log(log);
            let started =
                ChildGroup::spawn_in(environment.for_task(&task.env), unit, invocation, &output);
            let ended = started.and_then(|child| finish(child, unit, invocation, log, interrupt));
            ended.map_err(|error| match error {
                Error::CommandFailed {
                    unit, status, log, ..
                } => Error::CommandFailed {
                    unit,
                    command: line.trim_start_matches("$ ").to_owned(),
                    status,
                    log,
                },
                other => other,
            })
        }
        Action::Ahead(invocation) => {
            note(log, &action.describe(root))?;
            let output = Output::Log(log);
            let environment = environment.for_task(&task.env);
            ChildGroup::spawn_in(environment, unit, invocation, &output)?
                .wait(interrupt)
                .map(drop)
        }
        Action::Write { path, contents } => write(path, contents),
        Action::Remove { path } => remove(path),
        Action::Mirror(tree) => mirror::mirror(tree),
        Action::Install(tool) => install::install(root, tool, log, interrupt),
        Action::Check { check, folder, .. } => {
            note(log, &action.describe(root))?;
            refuse(unit, check(folder), log)
        }
        Action::Assemble(assembly) => {
            note(log, &action.describe(root))?;
            refuse(unit, assemble::assemble(assembly)?, log)
        }
    }
}

/// Fails if there are problems; they are in the log, too.
fn refuse(unit: &str, problems: Vec<String>, log: &Path) -> Result<()> {
    for problem in &problems {
        note(log, problem)?;
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::CheckFailed {
        unit: unit.to_owned(),
        problems,
    })
}
