//! What we ask of a database: that it can be reached, that it is new enough, that it has PGMQ, that it is migrated.

use std::time::Duration;

use anyhow::Context as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection};
use tasker_shared::database::migrator::MIGRATOR;

use crate::error::{without_password, StackError};
use crate::invocation::typed;

/// Whose database it is decides what a message can advise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// One we started.
    Ours,
    /// One given with `--database-url`.
    Theirs,
}

/// The form that Core accepts.
const FORM: &str = "postgresql://user:password@host:port/database";
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);
const OLDEST: i32 = 180_000;

/// The migrations' versions and checksums as one text, to notice when they change.
pub fn migration_names() -> String {
    MIGRATOR
        .iter()
        .map(|migration| format!("{} {:02x?};", migration.version, migration.checksum))
        .collect()
}

/// Makes an empty database.
pub async fn create(maintenance_url: &str, name: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(maintenance_url).await?;
    sqlx::query(&format!("CREATE DATABASE {name}"))
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}

/// Runs Core's migrations.
///
/// # Errors
/// [`StackError::Migration`].
pub async fn migrate(url: &str, whose: Whose) -> anyhow::Result<()> {
    // The migrator keeps its books in the first schema of the search path. For a role named like Core's schema `tasker`, which ours is,
    // that would be another one after the first run, and every migration would run again.
    let options = url
        .parse::<PgConnectOptions>()?
        .options([("search_path", "public")]);
    let pool = PgPoolOptions::new()
        .max_connections(2)
        .connect_with(options)
        .await
        .context("connect in order to migrate")?;
    let result = MIGRATOR.run(&pool).await;
    pool.close().await;
    result.map_err(|error| migration_error(url, whose, &error).into())
}

fn migration_error(url: &str, whose: Whose, error: &sqlx::migrate::MigrateError) -> StackError {
    let fix = match whose {
        Whose::Ours => format!(
            "the data may be newer than this tasker-dev; use a newer tasker-dev, or start over with `{}`.",
            typed("reset --data-dir …")
        ),
        Whose::Theirs => "the database has other objects in it, or those of another version of Tasker; use an empty database, or that version."
            .to_owned(),
    };
    StackError::Migration {
        shown: without_password(url),
        why: error.to_string(),
        fix,
    }
}

/// Checks a URL that was given, before anything is started for it.
///
/// # Errors
/// [`StackError::BadDatabaseUrl`], whose message never holds the password.
pub fn check_url(url: &str) -> Result<(), StackError> {
    let bad = |why: &str| {
        Err(StackError::BadDatabaseUrl {
            shown: without_password(url),
            why: why.to_owned(),
            form: FORM,
        })
    };
    let Ok(parsed) = url::Url::parse(url) else {
        return bad("it is not a URL");
    };
    if parsed.scheme() != "postgresql" {
        return bad("it must begin with postgresql://");
    }
    if parsed.host_str().is_none_or(str::is_empty) {
        return bad("it has no host");
    }
    if !parsed.username().is_empty() && parsed.password().is_none() {
        return bad("a user needs a password");
    }
    let name = parsed.path().trim_start_matches('/');
    if name.is_empty()
        || !name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
    {
        return bad("the name of the database may have letters, digits, _ and - only");
    }
    Ok(())
}

/// Versions of what a stack runs on.
#[derive(Debug, Clone)]
pub struct Versions {
    /// PostgreSQL's.
    pub postgres: String,
    /// The queue's.
    pub pgmq: String,
}

/// PGMQ is an extension, or `tasker-dev migrate` has installed it as SQL.
const HAS_OR_OFFERS_PGMQ: &str = "
SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pgmq')
    OR (to_regclass('pgmq.meta') IS NOT NULL AND to_regclass('tasker.tasks') IS NOT NULL)";

/// As SQL, PGMQ's version is in the comment that `tasker-dev migrate` leaves.
const VERSIONS: &str = "
SELECT split_part(current_setting('server_version'), ' ', 1),
       coalesce((SELECT extversion FROM pg_extension WHERE extname = 'pgmq'),
                (SELECT substring(obj_description(oid, 'pg_namespace') FROM '^PGMQ ([0-9.]+),') FROM pg_namespace WHERE nspname = 'pgmq'), 'unknown')";

/// Looks at a database that we did not start.
///
/// # Errors
/// [`StackError::DatabaseUnreachable`], [`StackError::DatabaseTooOld`] or [`StackError::NoPgmq`].
pub async fn check_external(url: &str) -> anyhow::Result<()> {
    let shown = without_password(url);
    let mut connection = connect(url).await?;
    let number: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
        .fetch_one(&mut connection)
        .await?;
    if number < OLDEST {
        let found = sqlx::query_scalar("SHOW server_version")
            .fetch_one(&mut connection)
            .await?;
        return Err(StackError::DatabaseTooOld { shown, found }.into());
    }
    let can_have_pgmq: bool = sqlx::query_scalar(HAS_OR_OFFERS_PGMQ)
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    if can_have_pgmq {
        return Ok(());
    }
    Err(StackError::NoPgmq { shown }.into())
}

/// # Errors
/// [`StackError::DatabaseUnreachable`] with the reason and what to do about that one.
async fn connect(url: &str) -> Result<PgConnection, StackError> {
    let failed = |why: String, fix: &str| StackError::DatabaseUnreachable {
        shown: without_password(url),
        why,
        fix: fix.to_owned(),
    };
    let options: PgConnectOptions = url
        .parse()
        .map_err(|error: sqlx::Error| failed(error.to_string(), "correct the URL"))?;
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let start = "start PostgreSQL there, correct host and port, or leave --database-url out and let tasker-dev run a database";
    match tokio::time::timeout(CONNECT_PATIENCE, PgConnection::connect_with(&options)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(sqlx::Error::Io(error))) => {
            let reason = match error.kind() {
                std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
                _ => error.to_string(),
            };
            Err(failed(format!("{reason} at {place}"), start))
        }
        Ok(Err(sqlx::Error::Database(error))) => Err(failed(
            error.message().to_owned(),
            "correct user, password and name of the database in the URL",
        )),
        Ok(Err(error)) => Err(failed(error.to_string(), "check the URL and the server")),
        Err(_) => {
            let seconds = CONNECT_PATIENCE.as_secs();
            Err(failed(
                format!("no answer from {place} within {seconds} s"),
                start,
            ))
        }
    }
}

/// Asks a migrated database for its versions.
pub async fn versions(url: &str) -> anyhow::Result<Versions> {
    let mut connection = PgConnection::connect(url)
        .await
        .context("connect to read versions")?;
    let (postgres, pgmq): (String, String) =
        sqlx::query_as(VERSIONS).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(Versions { postgres, pgmq })
}

#[cfg(test)]
mod tests {
    use super::check_url;

    #[test]
    fn urls_that_core_would_abort_on_are_refused_with_the_reason() {
        for (url, reason) in [
            ("postgres://u:p@h:5432/d", "postgresql://"),
            ("postgresql+asyncpg://u:p@h/d", "postgresql://"),
            ("postgresql://u@h/d", "needs a password"),
            ("postgresql://u:p@h:5432/", "name"),
            ("postgresql://u:p@h:5432/a.b", "name"),
            ("nonsense", "not a URL"),
        ] {
            let message = check_url(url).unwrap_err().to_string();
            assert!(message.contains(reason), "{url}: {message}");
            assert!(!message.contains(":p@"), "the password shows: {message}");
        }
        check_url("postgresql://u:p@h:5432/d?sslmode=disable").unwrap();
        check_url("postgresql://localhost/tasker").unwrap();
    }
}
