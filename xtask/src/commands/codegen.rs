//! `codegen`: generated constants, written or compared.

use super::shared::session::Session;
use crate::contract::check::compare;
use crate::contract::Output;
use crate::error::{Error, Result};
use crate::plan::{Action, Plan, Task};

/// Write each package's constants from xtask/contract.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cargo xtask codegen\n  cargo xtask codegen --check")]
pub struct Args {
    /// Write nothing; fail if a file is out of date.
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
    /// Print what would be written.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command. A file that cannot be generated does not keep the others from being written.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
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
            actions: vec![Action::Write {
                path: session.root.join(&file.path),
                contents: file.contents,
            }],
            log: logs.join(format!("{index}.log")),
            rerun: "cargo xtask codegen".to_owned(),
            ..Task::default()
        });
    }
    plan
}
