//! Whether Tasker's database answers, asked once before Core is started.
//!
//! Core waits for a connection of its pool for many seconds and then says that the pool timed out. The usual reasons are known at once.

use std::io::ErrorKind;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::Connection as _;

use crate::Error;

const PATIENCE: Duration = Duration::from_secs(2);

/// Connects and disconnects. `source` is where the URL comes from, such as `variable DATABASE_URL`.
///
/// # Errors
///
/// [`Error::Database`] with host and port, the reason, the setting and the fix; never with the password.
pub(crate) async fn check(url: &str, source: &str) -> Result<(), Error> {
    let options: PgConnectOptions = url
        .parse()
        .map_err(|error: sqlx::Error| failed(error.to_string(), source, "correct the URL"))?;
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let start = "start PostgreSQL there (`tasker-dev up` starts one with everything that Tasker needs), or correct the URL";
    let (reason, fix) =
        match tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options)).await {
            Ok(Ok(connection)) => {
                // The answer is what was asked for; how the connection ends does not matter.
                let _ = connection.close().await;
                return Ok(());
            }
            Ok(Err(sqlx::Error::Io(error))) if error.kind() == ErrorKind::ConnectionRefused => {
                (format!("connection refused at {place}"), start)
            }
            Ok(Err(sqlx::Error::Io(error))) => (format!("{error} ({place})"), start),
            Ok(Err(sqlx::Error::Database(error))) => {
                let fix = "correct user, password and name of the database in the URL";
                (format!("{} ({place})", error.message()), fix)
            }
            Ok(Err(error)) => (format!("{error} ({place})"), "correct the URL"),
            Err(_) => {
                let seconds = PATIENCE.as_secs();
                (format!("no answer from {place} within {seconds} s"), start)
            }
        };
    Err(failed(reason, source, fix))
}

fn failed(reason: String, source: &str, fix: &str) -> Error {
    Error::Database(format!(
        "{reason}\n  - database.url ({source})\n  - fix: {fix}"
    ))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio::net::TcpListener;

    use super::check;

    async fn message(url: &str) -> String {
        let begun = Instant::now();
        let error = check(url, "variable DATABASE_URL").await.unwrap_err();
        // Core alone takes eleven.
        assert!(begun.elapsed() < Duration::from_secs(5), "{error}");
        let text = error.to_string();
        assert!(!text.contains("hunter2"), "{text}");
        text
    }

    #[tokio::test]
    async fn nobody_there_is_said_at_once_with_the_setting_and_the_fix() {
        let port = {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap().port()
        };
        let text = message(&format!("postgresql://me:hunter2@127.0.0.1:{port}/app")).await;
        assert_eq!(
            text,
            format!(
                "cannot connect to Tasker's database: connection refused at 127.0.0.1:{port}\n  \
                 - database.url (variable DATABASE_URL)\n  \
                 - fix: start PostgreSQL there (`tasker-dev up` starts one with everything that Tasker needs), or correct the URL"
            )
        );
    }

    #[tokio::test]
    async fn somebody_who_never_answers_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let text = message(&format!("postgresql://me:hunter2@127.0.0.1:{port}/app")).await;
        let expected = format!("no answer from 127.0.0.1:{port} within 2 s");
        assert!(text.contains(&expected), "{text}");
    }
}
