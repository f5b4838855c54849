//! The one connection that a migration uses, and whether a pooler stands in between.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, Row as _};

use super::error::MigrateError;
use crate::error::without_password;

const PATIENCE: Duration = Duration::from_secs(5);
const BEAT: Duration = Duration::from_millis(200);

/// Connects, and waits for a database that is not there yet.
///
/// # Errors
/// [`MigrateError::Unreachable`], [`MigrateError::Pooler`].
pub async fn open(url: &str, wait: Duration) -> anyhow::Result<PgConnection> {
    let options = url
        .parse::<PgConnectOptions>()?
        .application_name("tasker-dev migrate");
    let deadline = Instant::now() + wait;
    let connection = loop {
        match tokio::time::timeout(PATIENCE, options.connect()).await {
            Ok(Ok(connection)) => break connection,
            Ok(Err(error)) if Instant::now() >= deadline || !may_pass(&error) => {
                return Err(explain(url, &options, &error).into())
            }
            Err(_) if Instant::now() >= deadline => {
                let slow = std::io::Error::new(
                    ErrorKind::TimedOut,
                    format!("no answer within {} s", PATIENCE.as_secs()),
                );
                return Err(explain(url, &options, &slow.into()).into());
            }
            _ => tokio::time::sleep(BEAT).await,
        }
    };
    refuse_pooler(url, connection, &options).await
}

/// Whether waiting can help: nobody listens yet, the name is not known yet, or PostgreSQL is starting.
fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code == "57P03"),
        _ => false,
    }
}

fn explain(url: &str, options: &PgConnectOptions, error: &sqlx::Error) -> MigrateError {
    let shown = without_password(url);
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let (why, fix) = match error {
        sqlx::Error::Io(error) => {
            let why = match error.kind() {
                ErrorKind::ConnectionRefused => "connection refused".to_owned(),
                _ => error.to_string(),
            };
            (
                format!("{why} at {place}"),
                "start PostgreSQL there, correct host and port, or wait longer with --wait SECONDS",
            )
        }
        sqlx::Error::Database(error)
            if error.message().contains("unsupported startup parameter") =>
        {
            (
                format!("PgBouncer in front of it refuses: {}", error.message()),
                "use the address of PostgreSQL itself, or set pool_mode = session and ignore_startup_parameters = extra_float_digits in PgBouncer",
            )
        }
        sqlx::Error::Database(error) => (
            error.message().to_owned(),
            "correct user, password and name of the database in the URL",
        ),
        error => (error.to_string(), "check the URL and the server"),
    };
    MigrateError::Unreachable {
        shown,
        why,
        fix: fix.to_owned(),
    }
}

/// Two connections of a pooler in transaction mode share server processes; ours would keep the same one.
async fn refuse_pooler(
    url: &str,
    mut ours: PgConnection,
    options: &PgConnectOptions,
) -> anyhow::Result<PgConnection> {
    let Ok(second) = tokio::time::timeout(PATIENCE, options.connect()).await else {
        return Ok(ours);
    };
    let mut second = second.map_err(|error| explain(url, options, &error))?;
    let mut seen = [Vec::new(), Vec::new()];
    // The order finds poolers that hand out the connection that was used last, as well as those that hand out the next one.
    for turn in [0, 1, 0, 0, 1, 1, 0, 1] {
        let connection = if turn == 0 { &mut ours } else { &mut second };
        // A pool in session mode that has one connection only makes the second client wait.
        match tokio::time::timeout(PATIENCE, process(connection)).await {
            Ok(pid) => seen[turn].push(pid?),
            Err(_) => return Ok(ours),
        }
    }
    let _ = second.close().await;
    let [first, second] = seen;
    if is_shared(&first, &second) {
        let shown = without_password(url);
        return Err(MigrateError::Pooler { shown }.into());
    }
    Ok(ours)
}

/// The server process behind a connection. A pooler may not know prepared statements, so this is not one.
async fn process(connection: &mut PgConnection) -> sqlx::Result<i32> {
    let row = connection
        .fetch_one(sqlx::raw_sql("SELECT pg_backend_pid()"))
        .await?;
    row.try_get(0)
}

fn is_shared(first: &[i32], second: &[i32]) -> bool {
    let changes = |pids: &[i32]| pids.iter().any(|pid| Some(pid) != pids.first());
    changes(first) || changes(second) || first.first() == second.first()
}

#[cfg(test)]
mod tests {
    use super::is_shared;

    #[test]
    fn connections_that_keep_a_process_each_are_no_pooler_in_transaction_mode() {
        assert!(!is_shared(&[7, 7, 7], &[8, 8, 8]));
        assert!(is_shared(&[7, 7, 7], &[7, 7, 7]), "the last one used");
        assert!(is_shared(&[7, 7, 8], &[8, 7, 8]), "one after the other");
    }
}
