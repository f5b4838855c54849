//! However PGMQ came into the database, the result is what Core's own migrations make.

use sqlx::{Executor as _, PgConnection};
use tasker_shared::database::migrator::MIGRATOR;

use super::inventory::{book, difference, objects};
use super::{connect, json, succeeded, Server, COUNT, FIRST};

/// A database that Core migrated itself.
async fn cores(server: &mut Server) -> PgConnection {
    let mut database = connect(&server.database("cores").await).await;
    database.execute("SET search_path = public").await.unwrap();
    MIGRATOR.run_direct(&mut database).await.unwrap();
    connect(&server.url("cores")).await
}

#[tokio::test]
async fn with_the_extension_and_with_sql_the_objects_are_those_of_cores_own_migrations() {
    let mut server = Server::start().await;
    let mut cores = cores(&mut server).await;
    let (wanted, recorded) = (objects(&mut cores).await, book(&mut cores).await);
    assert!(wanted.len() > 500, "{} objects", wanted.len());
    let extension = server.database("by_extension").await;
    let sql = server.plain_database("by_sql").await;
    let asked = server.database("asked_for_sql").await;
    for (url, options, by) in [
        (&extension, &["--json"][..], "extension"),
        (&sql, &["--json"][..], "sql"),
        (&asked, &["--json", "--pgmq", "sql"][..], "sql"),
    ] {
        let first = server.migrate(url, options);
        succeeded(&first);
        let said = json(&first);
        assert_eq!(said["applied"].as_array().unwrap().len(), COUNT, "{said}");
        assert_eq!(said["applied"][0], FIRST);
        assert_eq!(said["pgmq"]["by"], by);
        assert_eq!(said["pgmq"]["version"], "1.11.1");
        assert_eq!(said["left_out"].as_array().unwrap().len(), 0);
        let mut database = connect(url).await;
        let made = objects(&mut database).await;
        assert_eq!(difference(&wanted, &made), Vec::<String>::new(), "{by}");
        assert_eq!(book(&mut database).await, recorded);

        // Again: nothing is done, and nothing is different.
        let second = server.migrate(url, options);
        succeeded(&second);
        assert_eq!(json(&second)["already"], COUNT);
        assert_eq!(objects(&mut database).await, made);
        // Core's own migrator sees what it would have recorded.
        database.execute("SET search_path = public").await.unwrap();
        MIGRATOR.run_direct(&mut database).await.unwrap();
    }
    server.stack.stop();
}

#[tokio::test]
async fn a_queue_works_where_pgmq_is_sql() {
    let mut server = Server::start().await;
    let url = server.plain_database("queues").await;
    succeeded(&server.migrate(&url, &[]));
    let mut database = connect(&url).await;
    let text: String = sqlx::query_scalar(
        "SELECT message->>'step' FROM pgmq.create('worker_shop_queue'),
           LATERAL (SELECT tasker.pgmq_send_with_notify('worker_shop_queue', '{\"step\": \"charge\"}')) sent,
           LATERAL pgmq.read('worker_shop_queue', 30, 1)",
    )
    .fetch_one(&mut database)
    .await
    .unwrap();
    assert_eq!(text, "charge");
    server.stack.stop();
}

#[tokio::test]
async fn a_stack_comes_up_where_pgmq_is_sql() {
    let mut server = Server::start().await;
    let url = server.plain_database("stack").await;
    succeeded(&server.migrate(&url, &[]));
    let stack = server.place.up(&["--database-url", &url]);
    let version = stack.ready["pgmq_version"].as_str().unwrap();
    assert!(
        version.starts_with(|first: char| first.is_ascii_digit()),
        "{version}"
    );
    stack.stop();
    server.stack.stop();
}

#[tokio::test]
async fn a_database_that_core_migrated_with_its_book_in_another_schema_keeps_it_there() {
    let mut server = Server::start().await;
    let url = server.database("elsewhere").await;
    let mut database = connect(&url).await;
    database
        .execute("CREATE SCHEMA tasker; SET search_path = tasker, public")
        .await
        .unwrap();
    MIGRATOR.run_direct(&mut database).await.unwrap();
    let mut database = connect(&url).await;
    let before = objects(&mut database).await;
    let said = server.migrate(&url, &["--json"]);
    succeeded(&said);
    assert_eq!(json(&said)["already"], COUNT);
    assert_eq!(json(&said)["schema"], "tasker");
    assert_eq!(objects(&mut database).await, before);
    server.stack.stop();
}
