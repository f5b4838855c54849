//! `fmt`.

use super::shared::session::Session;
use super::shared::units::{absent_languages, nothing_to_do, plan, UnitArgs};
use crate::error::Result;
use crate::lang::{self, Job};

/// Format sources in place.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask fmt\n  cargo xtask fmt --lang python\n  cargo xtask fmt --unit ops/dev-server --dry-run"
)]
pub struct Args {
    #[command(flatten)]
    units: UnitArgs,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    let repo = lang::discover(&session.root)?;
    let selection = args.units.selection();
    let without = absent_languages(session, &repo, &selection)?;
    let plan = plan(session, &repo, &selection, None, &without, Job::Fmt)?;
    if plan.tasks.is_empty() {
        return nothing_to_do(session, Job::Fmt, None);
    }
    session.announce()?;
    session
        .execute(Job::Fmt.name(), &plan, args.units.dry_run)
        .map(drop)
}
