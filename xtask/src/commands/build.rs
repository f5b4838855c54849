//! `build`.

use super::shared::affected::{choose, look, AffectedArgs};
use super::shared::session::Session;
use super::shared::units::{absent_languages, nothing_to_do, plan, write_junit, RunArgs, UnitArgs};
use crate::error::Result;
use crate::lang::{self, Job};
use crate::repo::inputs::Inputs;
use crate::repo::Repo;

/// Build what would be published: programs into target/debug, Python packages into target/xtask/dist.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask build\n  cargo xtask build --lang python\n  cargo xtask build --unit ops/dev-server --dry-run"
)]
pub struct Args {
    /// Which units.
    #[command(flatten)]
    units: UnitArgs,
    /// Which changes.
    #[command(flatten)]
    affected: AffectedArgs,
    /// How to run.
    #[command(flatten)]
    run: RunArgs,
}

/// Runs the command. The ecosystems' own tools know what is up to date, and their products lie outside the cache, so nothing is left out.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    let (files, changes) = look(&session.root, &args.affected)?;
    let repo = Repo::among(&session.root, files, &lang::readers())?;
    let inputs = Inputs::of(&repo);
    let Some(only) = choose(session, &repo, &inputs, &args.affected, changes)? else {
        return Ok(());
    };
    let selection = args.units.selection();
    let without = absent_languages(session, &repo, &selection)?;
    let plan = plan(
        session,
        &repo,
        &selection,
        only.as_ref(),
        &without,
        Job::Build,
    )?;
    if plan.tasks.is_empty() {
        return nothing_to_do(session, Job::Build);
    }
    session.announce()?;
    if args.units.dry_run {
        return session.execute(Job::Build.name(), &plan, true).map(drop);
    }
    let summary = session.run_plan(Job::Build.name(), &plan, &args.run.options())?;
    write_junit(&args.run, &summary)?;
    Session::success(&summary)
}
