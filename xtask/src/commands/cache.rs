//! `cache`: what `test` and `lint` keep.

use super::shared::session::Session;
use crate::cache;
use crate::error::Result;

/// The results that `test` and `lint` keep.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Remove every kept result.
    Clean,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    match args.what {
        What::Clean => {
            cache::clean(&session.root)?;
            session.report.say("no result is kept any more");
            Ok(())
        }
    }
}
