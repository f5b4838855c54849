//! `lint`.

use super::shared::check::{check, CheckArgs};
use super::shared::session::Session;
use crate::error::Result;
use crate::lang::Job;

/// Run linters and check formatting.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask lint\n  cargo xtask lint --lang python\n  cargo xtask lint --unit ops/dev-server --dry-run"
)]
pub struct Args {
    #[command(flatten)]
    check: CheckArgs,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    check(session, &args.check, Job::Lint)
}
