//! Passes, one after the other, until somebody says stop.

use std::future::Future;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};

use crate::error::database;
use crate::install::{connect, require};
use crate::{Error, Monitor, Pass, Recovered, Settings};

const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// A pass that takes longer than this has met something that it should not wait for.
const LIMITS: &str = "set statement_timeout = '30s'; set lock_timeout = '2s'; set idle_in_transaction_session_timeout = '60s'";

/// Runs a pass every [`Settings::interval`] until `stop` ends. A database that is away is tried again; only one without the schema is an
/// error. Each recovered thing is one line of the log.
///
/// # Errors
/// [`Error::Setting`], [`Error::NotInstalled`]; [`Error::Database`] if there is no connection at the start.
pub async fn run(
    url: &str,
    settings: &Settings,
    monitor: &Monitor,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    settings.check()?;
    let mut connection = open(url).await?;
    let passes = async {
        let mut tidied = Instant::now();
        loop {
            if let Err(error) = turn(&mut connection, settings, monitor, &mut tidied).await {
                let problem = database(url, &error).to_string();
                if monitor.failed(problem.clone()) {
                    tracing::warn!("no pass: {problem}");
                }
                // Whatever it was, a new connection is as good as the old one. One that cannot be made is the next turn's problem.
                if let Ok(new) = open(url).await {
                    connection = new;
                }
            }
            tokio::time::sleep(settings.interval).await;
        }
    };
    tokio::select! {
        () = passes => {}
        () = stop => {}
    }
    // It ends with the process anyway.
    let _ = connection.close().await;
    Ok(())
}

async fn open(url: &str) -> Result<PgConnection, Error> {
    let mut connection = connect(url).await?;
    require(url, &mut connection).await?;
    connection
        .execute(LIMITS)
        .await
        .map_err(|error| database(url, &error))?;
    Ok(connection)
}

async fn turn(
    connection: &mut PgConnection,
    settings: &Settings,
    monitor: &Monitor,
    tidied: &mut Instant,
) -> Result<(), sqlx::Error> {
    let pass = Pass::new(settings);
    let begun = Instant::now();
    let rows = pass.run(connection).await?;
    monitor.passed(begun.elapsed(), rows.as_deref());
    say(rows.as_deref().unwrap_or_default());
    monitor.heard(listeners(connection).await?);
    if tidied.elapsed() > HOUSEKEEPING {
        *tidied = Instant::now();
        let rows = pass.housekeeping(connection).await?;
        monitor.count(&rows);
        say(&rows);
    }
    Ok(())
}

fn say(rows: &[Recovered]) {
    for row in rows {
        let id = |id: &Option<String>| id.clone().unwrap_or_else(|| "-".to_owned());
        let detail = row.detail.as_deref().unwrap_or_default();
        tracing::warn!(target: "tasker_recovery", kind = %row.kind, task = %id(&row.task), step = %id(&row.step), "recovered: {detail}");
    }
}

/// How many sessions listen for the server's messages; `None` if other roles' sessions hide what they do.
pub(crate) async fn listeners(connection: &mut PgConnection) -> Result<Option<i64>, sqlx::Error> {
    let (listening, hidden): (i64, bool) = sqlx::query_as(
        "select count(*) filter (where query like 'LISTEN %pgmq_message_ready.orchestration\"%'),
                coalesce(bool_or(query = '<insufficient privilege>'), false)
           from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()",
    )
    .fetch_one(connection)
    .await?;
    Ok((listening > 0 || !hidden).then_some(listening))
}
