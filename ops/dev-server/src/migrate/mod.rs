//! `tasker-dev migrate`: brings a database up to Core's schema, also where PGMQ cannot be installed as an extension.
//!
//! ```text
//! connection   opens it, refuses poolers        facts        what is in the database
//! plan         what has to be done, or why not  statements   Core's migrations, changed for this database
//! report       what is said in the end          error        what is said instead
//! ```

mod connection;
mod error;
mod facts;
mod plan;
mod report;
mod statements;

use std::process::ExitCode;
use std::time::Duration;

use sqlx::migrate::Migrate as _;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};

use self::error::{ways, MigrateError};
use self::plan::Plan;
use self::report::Outcome;
use self::statements::Install;
use crate::cli::MigrateArgs;
use crate::database;
use crate::error::without_password;

/// After this time it is said that another migration is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// Runs the command. `--check` ends with 3 if something is to be done.
pub async fn run(args: &MigrateArgs) -> anyhow::Result<ExitCode> {
    database::check_url(&args.database_url)?;
    let wait = Duration::from_secs(args.wait);
    let mut connection = connection::open(&args.database_url, wait).await?;
    let shown = without_password(&args.database_url);
    let code = if args.check {
        check(&mut connection, args, &shown).await?
    } else {
        migrate(&mut connection, args, &shown).await?;
        ExitCode::SUCCESS
    };
    connection.close().await?;
    Ok(code)
}

/// Looks, in a transaction that cannot write.
async fn check(
    connection: &mut PgConnection,
    args: &MigrateArgs,
    shown: &str,
) -> anyhow::Result<ExitCode> {
    connection.execute("BEGIN READ ONLY").await?;
    let facts = facts::read(connection).await?;
    connection.execute("ROLLBACK").await?;
    let plan = plan::plan(&facts, args.pgmq, shown)?;
    report::checked(&plan, shown, args.json)?;
    Ok(if plan.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(report::TO_DO)
    })
}

async fn migrate(
    connection: &mut PgConnection,
    args: &MigrateArgs,
    shown: &str,
) -> anyhow::Result<()> {
    lock(connection).await?;
    let facts = facts::read(connection).await?;
    let plan = plan::plan(&facts, args.pgmq, shown)?;
    // The migrator keeps its books in the first schema of the search path.
    let path = format!("SET search_path = {}", facts::quoted(facts.schema()));
    connection.execute(path.as_str()).await?;
    if !plan.pending.is_empty() {
        apply(connection, &plan, shown).await?;
    }
    // Whoever ran the migrations may not have been allowed to make it; this role may.
    if !facts.content.has_trigger && plan.pending.is_empty() {
        connection.execute(statements::trigger().as_str()).await?;
    }
    if plan.set_path {
        let database = facts::quoted(&facts.server.database);
        let set = format!(
            "ALTER ROLE CURRENT_USER IN DATABASE {database} SET search_path = tasker, public"
        );
        connection.execute(set.as_str()).await?;
    }
    let after = facts::read(connection).await?;
    let outcome = Outcome {
        shown,
        plan: &plan,
        before: &facts,
        after: &after,
    };
    report::migrated(&outcome, args.json)
}

/// The migrator's own lock, taken before looking: what is planned is then still so when it is done. It ends with the connection.
async fn lock(connection: &mut PgConnection) -> anyhow::Result<()> {
    let locked = connection.lock();
    tokio::pin!(locked);
    tokio::select! {
        result = &mut locked => return Ok(result?),
        () = tokio::time::sleep(LOCK_PATIENCE) => report::waiting(),
    }
    Ok(locked.await?)
}

async fn apply(connection: &mut PgConnection, plan: &Plan, shown: &str) -> anyhow::Result<()> {
    let migrator = statements::migrator(plan.install, plan.make_uuidv7);
    let failed = match migrator.run_direct(connection).await {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    let (version, cause) = match &failed {
        sqlx::migrate::MigrateError::ExecuteMigration(cause, version) => {
            (Some(*version), Some(cause))
        }
        sqlx::migrate::MigrateError::Execute(cause) => (None, Some(cause)),
        _ => (None, None),
    };
    let database_error = cause.and_then(sqlx::Error::as_database_error);
    let fix = match database_error.and_then(sqlx::error::DatabaseError::code).as_deref() {
        Some("42501") => ways(),
        _ if database_error.is_none() => "run the same command again; it goes on from there.".to_owned(),
        _ if plan.install == Install::Extension => {
            "see what PostgreSQL says; if it is about the extension, --pgmq sql installs PGMQ without it.".to_owned()
        }
        _ => "the database may have other objects in it; use an empty one, or remove what is in the way.".to_owned(),
    };
    let before = plan
        .pending
        .iter()
        .take_while(|pending| Some(**pending) != version)
        .count();
    Err(MigrateError::Statement {
        shown: shown.to_owned(),
        version: version.map_or_else(|| "(unknown)".to_owned(), |version| version.to_string()),
        why: cause.map_or_else(|| failed.to_string(), ToString::to_string),
        done: match (version, before) {
            (None, _) | (_, 0) => "nothing else was changed".to_owned(),
            (_, 1) => "the one before it is done".to_owned(),
            (_, count) => format!("the {count} before it are done"),
        },
        fix,
    }
    .into())
}
