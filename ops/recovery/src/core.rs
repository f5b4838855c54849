//! What must be true of a database before anything is changed in it.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::Connection as _;

/// Core's migrations that this version was written for and tested with.
pub const MIGRATIONS: [i64; 8] = [
    20_250_810_140_001,
    20_250_826_180_921,
    20_260_110_000_001,
    20_260_110_000_002,
    20_260_110_000_003,
    20_260_120_000_001,
    20_260_125_000_001,
    20_260_306_000_001,
];
/// Its columns, as `columns.sql` prints them.
const COLUMNS: &str = include_str!("../sql/core-columns.txt");
const FUNCTIONS: [&str; 3] = [
    "tasker.transition_task_state_atomic(uuid,varchar,varchar,uuid,jsonb)",
    "tasker.get_task_execution_context(uuid)",
    "tasker.pgmq_send_with_notify(text,jsonb,integer)",
];
/// A session ends within milliseconds of its client, unless something in between keeps it.
const POOLER_PATIENCE: Duration = Duration::from_secs(3);

/// Everything that speaks against an installation, each with its fix.
pub async fn problems(
    url: &str,
    connection: &mut PgConnection,
) -> Result<Vec<String>, sqlx::Error> {
    let mut problems = migrations(connection).await?;
    if !problems.is_empty() {
        // Without Core's tables there is nothing more to look at.
        return Ok(problems);
    }
    problems.extend(columns(connection).await?);
    problems.extend(functions(connection).await?);
    problems.extend(queues(connection).await?);
    if problems.is_empty() {
        problems.extend(rights(connection).await?);
    }
    problems.extend(pooler(url, connection).await?);
    Ok(problems)
}

async fn migrations(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    // An application may have a table of this name for its own migrations.
    let places: Vec<String> = sqlx::query_scalar(
        "select format('%I._sqlx_migrations', nspname) from pg_class c join pg_namespace n on n.oid = relnamespace
          where relname = '_sqlx_migrations' and relkind = 'r' order by nspname = 'public' desc, nspname",
    )
    .fetch_all(&mut *connection)
    .await?;
    for place in places {
        let done: Vec<i64> = sqlx::query_scalar(&format!(
            "select version from {place} where success order by version"
        ))
        .fetch_all(&mut *connection)
        .await?;
        if done.iter().any(|version| MIGRATIONS.contains(version)) {
            return Ok(compare_migrations(&place, &done));
        }
    }
    Ok(vec!["Tasker Core's migrations are not in this database.\n    fix: correct the URL, or migrate first (`tasker-dev up --database-url …` does).".to_owned()])
}

fn compare_migrations(place: &str, done: &[i64]) -> Vec<String> {
    let unknown: Vec<_> = done
        .iter()
        .filter(|version| !MIGRATIONS.contains(version))
        .collect();
    let missing: Vec<_> = MIGRATIONS
        .iter()
        .filter(|version| !done.contains(version))
        .collect();
    let mut problems = Vec::new();
    if !unknown.is_empty() {
        problems.push(format!(
            "{place} has migrations that this version of tasker-recovery was not tested with: {unknown:?}.\n    fix: use a version of tasker-recovery for this Tasker Core."
        ));
    }
    if !missing.is_empty() {
        problems.push(format!(
            "{place} lacks migrations of Tasker Core 0.1.8: {missing:?}.\n    fix: migrate first."
        ));
    }
    problems
}

async fn columns(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let found: Vec<String> = sqlx::query_scalar(include_str!("../sql/columns.sql"))
        .fetch_all(connection)
        .await?;
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    let known: BTreeSet<&str> = COLUMNS.lines().collect();
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let differ: BTreeSet<String> = found
        .symmetric_difference(&known)
        .map(|line| name(line))
        .collect();
    if differ.is_empty() {
        return Ok(Vec::new());
    }
    let differ: Vec<String> = differ.into_iter().collect();
    Ok(vec![format!(
        "columns of schema tasker are not those of Tasker Core 0.1.8: {}.\n    fix: use a version of tasker-recovery for this Tasker Core.",
        differ.join(", ")
    )])
}

async fn functions(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let mut problems = Vec::new();
    for function in FUNCTIONS {
        let found: bool = sqlx::query_scalar("select to_regprocedure($1) is not null")
            .bind(function)
            .fetch_one(&mut *connection)
            .await?;
        if !found {
            problems.push(format!("Tasker Core's function {function} is not there.\n    fix: use a version of tasker-recovery for this Tasker Core."));
        }
    }
    Ok(problems)
}

/// With RabbitMQ, or a database of their own, the queues are out of reach of a transaction here.
async fn queues(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let (pgmq, queue, work): (bool, bool, bool) = sqlx::query_as(
        "select to_regclass('pgmq.meta') is not null, to_regclass('pgmq.q_orchestration_step_results') is not null, exists (select from tasker.tasks)",
    )
    .fetch_one(connection)
    .await?;
    Ok(match (pgmq, queue, work) {
        (false, _, _) => vec!["PGMQ is not in this database.\n    fix: recovery works only with `common.queues.backend = \"pgmq\"` and without a `common.pgmq_database`.".to_owned()],
        (true, false, true) => vec![
            "there are tasks, and PGMQ has no queue orchestration_step_results in this database: the queues are in RabbitMQ, or in a database of their own.\n    \
             fix: recovery works only with `common.queues.backend = \"pgmq\"` and without a `common.pgmq_database`.".to_owned(),
        ],
        _ => Vec::new(),
    })
}

async fn rights(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let rows: Vec<(String, String)> = sqlx::query_as(include_str!("../sql/rights.sql"))
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(lack, fix)| format!("{lack}.\n    fix: {fix}."))
        .collect())
}

/// A pooler keeps sessions after their clients have gone, so that a dead worker would look alive, or gives one session to several.
async fn pooler(url: &str, connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let found = "a connection pooler is between here and PostgreSQL, and sessions outlive their clients there, so nobody could see that a worker died.\n    \
                 fix: connect recovery and workers to PostgreSQL itself."
        .to_owned();
    let name: String = sqlx::query_scalar("select 'tasker-recovery probe ' || gen_random_uuid()")
        .fetch_one(&mut *connection)
        .await?;
    let options: PgConnectOptions = url.parse()?;
    let mut probe = PgConnection::connect_with(&options.application_name(&name)).await?;
    let other: i32 = sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(&mut probe)
        .await?;
    let own: i32 = sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(&mut *connection)
        .await?;
    // PostgreSQL cuts a name after 63 bytes; this one is shorter.
    probe.close().await?;
    if own == other {
        return Ok(Some(found));
    }
    let gone = async {
        loop {
            let alive: bool = sqlx::query_scalar("select exists (select from pg_stat_activity where pid = $1 and application_name = $2)")
                .bind(other)
                .bind(&name)
                .fetch_one(&mut *connection)
                .await?;
            if !alive {
                return Ok::<_, sqlx::Error>(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(POOLER_PATIENCE, gone).await {
        Ok(result) => result.map(|()| None),
        Err(_) => Ok(Some(found)),
    }
}

#[cfg(test)]
mod tests {
    use super::{compare_migrations, MIGRATIONS};

    #[test]
    fn a_newer_and_an_older_core_are_named() {
        let mut newer = MIGRATIONS.to_vec();
        newer.push(20_270_101_000_000);
        assert!(compare_migrations("public._sqlx_migrations", &newer)[0].contains("20270101000000"));
        assert!(
            compare_migrations("public._sqlx_migrations", &MIGRATIONS[..7])[0]
                .contains("lacks migrations")
        );
        assert!(compare_migrations("public._sqlx_migrations", &MIGRATIONS).is_empty());
    }
}
