//! What an operator asks first.

use std::fmt;

use crate::error::database;
use crate::install::{connect, require};
use crate::run::listeners;
use crate::Error;

/// A look at the schema's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Seconds since the last pass; `None` if there was none.
    pub last_pass_seconds: Option<i64>,
    /// Worker processes with a session now.
    pub workers: i64,
    /// Steps in progress under workers with a name.
    pub claims: i64,
    /// Of these, those whose worker has no session.
    pub claims_without_worker: i64,
    /// Steps in progress under workers without a name, which recovery leaves alone.
    pub unnamed_claims: i64,
    /// Sessions in which a server listens; `None` if the role may not see that.
    pub server_listeners: Option<i64>,
    /// What was recovered in the last seven days, by kind.
    pub recovered: Vec<(String, i64)>,
}

/// Reads it.
///
/// # Errors
/// [`Error::NotInstalled`], [`Error::Database`].
pub async fn status(url: &str) -> Result<Status, Error> {
    let mut connection = connect(url).await?;
    require(url, &mut connection).await?;
    let failed = |error| database(url, &error);
    let (last_pass_seconds, workers, claims, claims_without_worker, unnamed_claims): (
        Option<i64>,
        i64,
        i64,
        i64,
        i64,
    ) = sqlx::query_as(include_str!("../sql/status.sql"))
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    let recovered =
        sqlx::query_as("select kind, count(*) from tasker_contrib.recovered group by 1 order by 1")
            .fetch_all(&mut connection)
            .await
            .map_err(failed)?;
    let server_listeners = listeners(&mut connection).await.map_err(failed)?;
    Ok(Status {
        last_pass_seconds,
        workers,
        claims,
        claims_without_worker,
        unnamed_claims,
        server_listeners,
        recovered,
    })
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.last_pass_seconds {
            Some(seconds) => writeln!(f, "Last pass        {seconds} s ago")?,
            None => writeln!(f, "Last pass        never; run `tasker-recovery run`")?,
        }
        writeln!(f, "Workers          {} alive", self.workers)?;
        write!(f, "Steps            {} in progress", self.claims)?;
        writeln!(
            f,
            ", {} of them without their worker",
            self.claims_without_worker
        )?;
        if self.unnamed_claims > 0 {
            writeln!(
                f,
                "                 {} more under workers without a name, which are left alone",
                self.unnamed_claims
            )?;
        }
        match self.server_listeners {
            Some(0) => writeln!(
                f,
                "Server           no server listens: restart it, if one runs"
            )?,
            Some(count) => writeln!(f, "Server           listens ({count} sessions)")?,
            None => writeln!(
                f,
                "Server           not visible to this role (grant pg_read_all_stats)"
            )?,
        }
        if self.recovered.is_empty() {
            return writeln!(f, "Recovered        nothing in the last 7 days");
        }
        for (index, (kind, count)) in self.recovered.iter().enumerate() {
            let label = if index == 0 { "Recovered" } else { "" };
            writeln!(f, "{label:<16} {count} x {kind}")?;
        }
        Ok(())
    }
}
