//! `test`.

use super::shared::check::{check, CheckArgs};
use super::shared::session::Session;
use crate::error::Result;
use crate::lang::Job;

/// Run the tests of units, with each unit's own test tool.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask test\n  cargo xtask test --lang python\n  cargo xtask test --unit ops/dev-server --dry-run"
)]
pub struct Args {
    #[command(flatten)]
    check: CheckArgs,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    check(session, &args.check, Job::Test)
}
