//! What a program said that failed.

use anyhow::{anyhow, Context as _, Result};
use xtask::commands::shared::session::Session;

/// A benchmark's program that failed; what it said is kept in a log.
pub fn failed(session: &Session, name: &str, said: &str) -> anyhow::Error {
    let keep = || -> Result<_> {
        let folder = session.logs("bench");
        std::fs::create_dir_all(&folder)?;
        let log = folder.join(format!("{name}.log"));
        std::fs::write(&log, said)?;
        Ok(log)
    };
    match keep().context("its log cannot be written") {
        Ok(log) => anyhow!("the benchmark {name} failed; log: {}", log.display()),
        Err(error) => error,
    }
}
