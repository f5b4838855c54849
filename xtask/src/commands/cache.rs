//! `cache`: what `test` and `lint` keep.

use super::Session;
use crate::cache;
use crate::cli::CacheCommand;
use crate::error::Result;

/// Runs the command.
pub fn run(session: &mut Session, command: &CacheCommand) -> Result<()> {
    match command {
        CacheCommand::Clean => {
            cache::clean(&session.root)?;
            session.report.say("no result is kept any more");
            Ok(())
        }
    }
}
