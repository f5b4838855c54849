//! Migrations that are killed, and several at once.

use std::process::Stdio;

use sqlx::{Executor as _, PgConnection};

use super::inventory::{book, difference, objects};
use super::{connect, succeeded, words, Server};

/// Ends the server process of a migration at its N-th statement that changes the schema. The counter survives the rollback.
const AXE: &str = "
CREATE SCHEMA axe;
CREATE SEQUENCE axe.seen;
CREATE TABLE axe.at (n bigint);
INSERT INTO axe.at VALUES (1);
CREATE FUNCTION axe.fall() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
  IF current_setting('application_name') = 'tasker-dev migrate' AND nextval('axe.seen') = (SELECT n FROM axe.at) THEN
    PERFORM pg_terminate_backend(pg_backend_pid());
  END IF;
END $$;
CREATE EVENT TRIGGER axe ON ddl_command_end EXECUTE FUNCTION axe.fall()";

const NO_AXE: &str = "DROP EVENT TRIGGER axe; DROP SCHEMA axe CASCADE";

async fn scalar(database: &mut PgConnection, sql: &str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(database).await.unwrap()
}

async fn migrations_done(database: &mut PgConnection) -> i64 {
    let table = "SELECT count(*) FROM pg_tables WHERE tablename = '_sqlx_migrations'";
    match scalar(database, table).await {
        0 => 0,
        _ => scalar(database, "SELECT count(*) FROM _sqlx_migrations").await,
    }
}

/// Every statement takes two minutes, so it is every seventh one unless `TASKER_DEV_EVERY_STATEMENT` is set.
fn stride() -> u32 {
    match std::env::var_os("TASKER_DEV_EVERY_STATEMENT") {
        Some(_) => 1,
        None => 7,
    }
}

#[tokio::test]
async fn killed_at_any_statement_it_goes_on_from_there() {
    let mut server = Server::start().await;
    let whole = server.plain_database("whole").await;
    succeeded(&server.migrate(&whole, &[]));
    let wanted = objects(&mut connect(&whole).await).await;
    let url = server.plain_database("killed").await;
    let mut database = connect(&url).await;
    database.execute(sqlx::raw_sql(AXE)).await.unwrap();
    let (mut kills, mut whole_ones) = (0_u32, 0);
    loop {
        let output = server.migrate(&url, &[]);
        if output.status.success() {
            break;
        }
        kills += 1;
        let said = words(&output);
        assert!(
            said.contains("terminating connection") || said.contains("rolled back"),
            "{said}"
        );
        // The next one begins after the last migration that is whole; it is killed a statement later, or at the first one of the next migration.
        let done = migrations_done(&mut database).await;
        let next = if done > whole_ones {
            1.to_string()
        } else {
            format!("n + {}", stride())
        };
        whole_ones = done;
        let set = format!("UPDATE axe.at SET n = {next}; ALTER SEQUENCE axe.seen RESTART");
        database.execute(set.as_str()).await.unwrap();
    }
    assert!(kills > 200 / stride(), "{kills} kills");
    database.execute(NO_AXE).await.unwrap();
    let made = objects(&mut database).await;
    assert_eq!(
        difference(&wanted, &made),
        Vec::<String>::new(),
        "after {kills} kills"
    );
    assert_eq!(
        book(&mut database).await,
        book(&mut connect(&whole).await).await
    );
    server.stack.stop();
}

/// Holds a migration at its first statement that makes a table of Tasker.
const GATE: &str = "
CREATE SCHEMA gate;
CREATE FUNCTION gate.wait() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
  IF current_setting('application_name') = 'tasker-dev migrate' THEN PERFORM pg_advisory_xact_lock(42); END IF;
END $$;
CREATE EVENT TRIGGER gate ON ddl_command_end WHEN TAG IN ('CREATE TYPE') EXECUTE FUNCTION gate.wait();
SELECT pg_advisory_lock(42)";

const BEHIND_GATE: &str =
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted";

#[tokio::test]
async fn of_two_at_once_one_waits_and_a_killed_one_leaves_no_lock() {
    let mut server = Server::start().await;
    let url = server.database("contended").await;
    let mut database = connect(&url).await;
    database.execute(sqlx::raw_sql(GATE)).await.unwrap();
    let spawn = || {
        let mut command = server.place.command(&["migrate", "--database-url", &url]);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut first = spawn();
    while scalar(&mut database, BEHIND_GATE).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let second = spawn();
    // The lock of the migrations: one has it, one waits.
    let both = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid <> 42";
    while scalar(&mut database, both).await < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    first.kill().unwrap();
    first.wait().unwrap();
    // PostgreSQL notices that its client is gone when it next speaks to it.
    database
        .execute("SELECT pg_advisory_unlock(42)")
        .await
        .unwrap();
    let output = second.wait_with_output().unwrap();
    succeeded(&output);
    database
        .execute("DROP EVENT TRIGGER gate; DROP SCHEMA gate CASCADE")
        .await
        .unwrap();
    succeeded(&server.migrate(&url, &["--check"]));
    server.stack.stop();
}

#[tokio::test]
async fn five_at_once_are_one() {
    let mut server = Server::start().await;
    let url = server.plain_database("rush").await;
    let all: Vec<_> = (0..5)
        .map(|_| {
            let mut command = server
                .place
                .command(&["migrate", "--json", "--database-url", &url]);
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut applied = Vec::new();
    for child in all {
        let output = child.wait_with_output().unwrap();
        succeeded(&output);
        applied.push(super::json(&output)["applied"].as_array().unwrap().len());
    }
    applied.sort_unstable();
    assert_eq!(applied, [0, 0, 0, 0, super::COUNT]);
    server.stack.stop();
}
