//! Databases of something else, or of another version: refused, and left as they were.

use sqlx::Executor as _;

use super::inventory::objects;
use super::{complaint, connect, succeeded, Server};

const LATER: &str =
    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
    VALUES (20990101000001, 'later', true, '', 0)";

#[tokio::test]
async fn a_schema_of_a_newer_or_another_version() {
    let mut server = Server::start().await;
    let ready = server.database("ready").await;
    succeeded(&server.migrate(&ready, &[]));
    for (name, change, wanted) in [
        ("newer", LATER, "by a newer Tasker: it has migration 20990101000001"),
        (
            "unknown",
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (20250901000001, 'mine', true, '', 0)",
            "migration 20250901000001, but there is no such one",
        ),
        (
            "changed",
            "UPDATE _sqlx_migrations SET checksum = 'x' WHERE version = 20260110000003",
            "migration 20260110000003, but it has another text",
        ),
    ] {
        let url = server.database(&format!("{name} TEMPLATE ready")).await.replace(" TEMPLATE ready", "");
        let mut database = connect(&url).await;
        database.execute(change).await.unwrap();
        let before = objects(&mut database).await;
        for options in [&[][..], &["--check"]] {
            let said = complaint(&server.migrate(&url, options));
            assert!(said.contains(wanted) && said.contains("nothing was changed"), "{said}");
        }
        assert_eq!(objects(&mut database).await, before);
    }
    server.stack.stop();
}

#[tokio::test]
async fn a_database_of_something_else() {
    let mut server = Server::start().await;
    for (name, contents, wanted) in [
        ("mine_in_tasker", "CREATE SCHEMA tasker; CREATE TABLE tasker.tasks ()", "schema tasker has objects"),
        ("mine_in_pgmq", "CREATE SCHEMA pgmq; CREATE TABLE pgmq.jobs ()", "schema pgmq has objects"),
        (
            "another_application",
            "CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(),
               success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL);
             INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (1, 'shop', true, '', 0)",
            "migrations of another application",
        ),
    ] {
        let url = server.database(name).await;
        let mut database = connect(&url).await;
        database.execute(contents).await.unwrap();
        let before = objects(&mut database).await;
        for options in [&[][..], &["--check"]] {
            let said = complaint(&server.migrate(&url, options));
            assert!(said.contains(wanted), "{said}");
        }
        assert_eq!(objects(&mut database).await, before);
    }
    server.stack.stop();
}

#[tokio::test]
async fn tables_of_an_application_in_schemas_of_its_own_are_no_hindrance() {
    let mut server = Server::start().await;
    let url = server.database("shared").await;
    let mut database = connect(&url).await;
    database
        .execute("CREATE TABLE orders (id int); INSERT INTO orders VALUES (7)")
        .await
        .unwrap();
    succeeded(&server.migrate(&url, &[]));
    let kept: i32 = sqlx::query_scalar("SELECT id FROM orders")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(kept, 7);
    server.stack.stop();
}

#[tokio::test]
async fn a_database_that_cannot_be_written() {
    let mut server = Server::start().await;
    let url = server.database("closed").await;
    server
        .sql("ALTER DATABASE closed SET default_transaction_read_only = on")
        .await;
    let said = complaint(&server.migrate(&url, &[]));
    assert!(
        said.contains("read-only (default_transaction_read_only is on)"),
        "{said}"
    );
    server.stack.stop();
}
