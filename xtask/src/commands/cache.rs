//! `cache`: the results that `test` and `lint` keep.

use super::shared::session::Session;
use crate::cache;
use crate::error::Result;

/// Manage the result cache of `test` and `lint`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Remove every cached result.
    Clean,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    match args.what {
        What::Clean => {
            cache::clean(&session.root)?;
            session.report.say("cache cleared");
            Ok(())
        }
    }
}
