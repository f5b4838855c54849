//! Puts the schema into Tasker's database, and takes it out.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Executor as _};

use crate::core;
use crate::error::{database, place};
use crate::Error;

/// In the order in which they need each other.
const PARTS: [&str; 5] = [
    include_str!("../sql/tables.sql"),
    include_str!("../sql/guards.sql"),
    include_str!("../sql/helpers.sql"),
    include_str!("../sql/pass.sql"),
    include_str!("../sql/housekeeping.sql"),
];
/// Two installations at once wait for each other, and one that meets a long transaction gives up.
const CAREFULLY: &str =
    "set local lock_timeout = '15s'; select pg_advisory_xact_lock(8386110886241239042)";

/// A deadlock is found after a second, so these are as many seconds.
const TRIES: usize = 20;
const DEADLOCK: &str = "40P01";

/// Installs or updates the schema `tasker_contrib`, in one transaction. Work that is under way goes on.
///
/// # Errors
/// [`Error::Refused`] with every reason, [`Error::Database`].
pub async fn install(url: &str) -> Result<(), Error> {
    let mut connection = connect(url).await?;
    // Names mean the same whatever the role's search path is.
    connection
        .execute("set search_path = ''")
        .await
        .map_err(|error| database(url, &error))?;
    let problems = core::problems(url, &mut connection)
        .await
        .map_err(|error| database(url, &error))?;
    if !problems.is_empty() {
        return Err(Error::Refused(problems));
    }
    execute(&mut connection, &PARTS)
        .await
        .map_err(|error| database(url, &error))
}

/// Removes everything that [`install`] has added. Tasker works on without recovery.
///
/// # Errors
/// [`Error::Database`].
pub async fn uninstall(url: &str) -> Result<(), Error> {
    let mut connection = connect(url).await?;
    execute(&mut connection, &[include_str!("../sql/uninstall.sql")])
        .await
        .map_err(|error| database(url, &error))
}

/// Locks both of Core's tables, as Core does in another order: PostgreSQL ends one of two that wait for each other, and that one tries again.
async fn execute(connection: &mut PgConnection, parts: &[&str]) -> Result<(), sqlx::Error> {
    for _ in 1..TRIES {
        match execute_once(connection, parts).await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(DEADLOCK) => {}
            done => return done,
        }
    }
    execute_once(connection, parts).await
}

async fn execute_once(connection: &mut PgConnection, parts: &[&str]) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    transaction.execute(CAREFULLY).await?;
    // "… does not exist, skipping" is what is wanted.
    transaction
        .execute("set local client_min_messages = warning")
        .await?;
    for part in parts {
        transaction.execute(*part).await?;
    }
    transaction.commit().await
}

/// A connection that says who it is.
pub(crate) async fn connect(url: &str) -> Result<PgConnection, Error> {
    let options: PgConnectOptions = url.parse().map_err(|error| database(url, &error))?;
    let name = format!("tasker-recovery {}", std::process::id());
    PgConnection::connect_with(&options.application_name(&name))
        .await
        .map_err(|error| database(url, &error))
}

/// # Errors
/// [`Error::NotInstalled`].
pub(crate) async fn require(url: &str, connection: &mut PgConnection) -> Result<(), Error> {
    let found: bool = sqlx::query_scalar("select to_regclass('tasker_contrib.watch') is not null")
        .fetch_one(connection)
        .await
        .map_err(|error| database(url, &error))?;
    if found {
        return Ok(());
    }
    Err(Error::NotInstalled { place: place(url) })
}
