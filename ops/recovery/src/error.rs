//! What can go wrong, in words for the person who reads it.

/// A failure with its fix.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database does not answer, or not as expected.
    #[error("the database {place}: {why}.\nfix: {fix}.")]
    Database {
        /// Host, port and name; never the password.
        place: String,
        /// What happened.
        why: String,
        /// What to do about it.
        fix: &'static str,
    },
    /// This database is not one that recovery can work on, and nothing was changed.
    #[error("recovery was not installed, and nothing was changed:{}", list(.0))]
    Refused(Vec<String>),
    /// The schema is not there.
    #[error("recovery is not installed in {place}.\nfix: run `tasker-recovery install`.")]
    NotInstalled {
        /// Host, port and name.
        place: String,
    },
    /// A setting that cannot work.
    #[error("{0}")]
    Setting(String),
    /// The address for health and metrics cannot be used.
    #[error("cannot listen on {address} (--listen): {why}.\nfix: stop the program that listens there, or pass another address.")]
    Listen {
        /// What was asked for.
        address: String,
        /// The system's reason.
        why: std::io::Error,
    },
}

fn list(lines: &[String]) -> String {
    lines
        .iter()
        .fold(String::new(), |text, line| format!("{text}\n  - {line}"))
}

/// What a database said, with the place and a fix for the usual reasons.
pub(crate) fn database(url: &str, error: &sqlx::Error) -> Error {
    let (why, fix) = match error {
        sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => (
            "connection refused".to_owned(),
            "start PostgreSQL there, or correct the URL (--database-url, DATABASE_URL)",
        ),
        sqlx::Error::Database(error) if error.code().as_deref() == Some("55P03") => (
            "Core's tables are in use by a long transaction".to_owned(),
            "try again; `select * from pg_stat_activity where state <> 'idle'` shows who holds them",
        ),
        sqlx::Error::Database(error) if error.code().as_deref() == Some("TK004") => (
            error.message().to_owned(),
            "recovery needs PGMQ in Tasker's own database: with RabbitMQ or a database of its own for the queues, uninstall recovery",
        ),
        sqlx::Error::Database(error) => (
            error.message().to_owned(),
            "correct user, password and name of the database, or give the role the right that is named",
        ),
        other => (other.to_string(), "check the URL and the network"),
    };
    Error::Database {
        place: place(url),
        why,
        fix,
    }
}

/// Host, port and database of a URL.
pub(crate) fn place(url: &str) -> String {
    url::Url::parse(url).map_or_else(
        |_| "(not a URL)".to_owned(),
        |url| {
            format!(
                "{}:{}{}",
                url.host_str().unwrap_or("localhost"),
                url.port().unwrap_or(5432),
                url.path()
            )
        },
    )
}

#[cfg(test)]
mod tests {
    use super::{database, place};

    #[test]
    fn no_password_is_shown() {
        let url = "postgresql://me:hunter2@db:5433/app?options=-c%20a%3Db";
        assert_eq!(place(url), "db:5433/app");
        let said = database(url, &sqlx::Error::PoolTimedOut).to_string();
        assert!(
            said.contains("db:5433/app") && !said.contains("hunter2"),
            "{said}"
        );
    }
}
