//! The pool of this process, and the tables.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::PgPool;

use crate::settings::Settings;

/// How long a request or a step waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// The files of `migrations/`, each of which is run once, in the order of their numbers and in a transaction of its own. A file that has been
/// deployed is never changed; what has to be different is the next file.
static MIGRATIONS: Migrator = sqlx::migrate!();

/// It connects when it is first used. The tables are in the schema `app`: in Tasker's database they would be among Tasker's.
///
/// # Errors
///
/// APP_DATABASE_URL is not one.
pub fn open(settings: &Settings) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(&settings.app_database_url)?
        .application_name("app")
        .options([("search_path", "app")]);
    Ok(PgPoolOptions::new()
        .max_connections(settings.db_pool_size)
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options))
}

/// Brings the tables up to date. Two deployments at the same time: the second one waits, and finds nothing to do.
///
/// # Errors
///
/// The database is away, or a migration is wrong; nothing of that one is left.
pub async fn migrate(db: &PgPool) -> Result<(), String> {
    migrate_with(&MIGRATIONS, db).await
}

/// The same with other files.
///
/// # Errors
///
/// Those of [`migrate`].
pub async fn migrate_with(migrations: &Migrator, db: &PgPool) -> Result<(), String> {
    let away = |error: sqlx::Error| format!("APP_DATABASE_URL: {error}");
    // Not a connection that is used again: what a failed run has locked is free when its connection ends.
    let one = PgPoolOptions::new().max_connections(1);
    let own = one
        .acquire_timeout(PATIENCE)
        .connect_with((*db.connect_options()).clone());
    let own = own.await.map_err(away)?;
    let migrated = migrate_on(migrations, &own).await;
    own.close().await;
    migrated
}

async fn migrate_on(migrations: &Migrator, db: &PgPool) -> Result<(), String> {
    let schema = sqlx::query("create schema if not exists app");
    schema
        .execute(db)
        .await
        .map_err(|error| error.to_string())?;
    migrations.run(db).await.map_err(|error| error.to_string())
}
