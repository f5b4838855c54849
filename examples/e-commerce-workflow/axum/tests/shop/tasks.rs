//! Requests for tasks, and the relay that creates them.

use std::time::{Duration, Instant};

use e_commerce_axum::orders::Workflow;
use e_commerce_axum::tasks::{self, Tasks};
use tasker_contrib_axum::TaskerClient;

use crate::stack::Stack;

async fn rows(stack: &Stack) -> i64 {
    let rows = sqlx::query_scalar("SELECT count(*) FROM tasker_outbox");
    rows.fetch_one(&stack.db).await.unwrap()
}

#[test]
fn the_outbox_is_the_crates() {
    let migration = include_str!("../../migrations/shop/0002_outbox.sql");
    let (_comment, statements) = migration.split_once('\n').unwrap();
    assert_eq!(statements, tasks::outbox().ddl());
}

#[tokio::test]
async fn a_task_is_requested_once_and_with_its_order_or_not_at_all() {
    let stack = Stack::start().await;
    let order = stack
        .order("requested-once", "tea", "tok_ok")
        .await
        .order_id;
    assert_eq!(rows(&stack).await, 1);
    for (workflow, commits, rows_then) in [
        (Workflow::Fulfil, true, 1),
        (Workflow::Compensate, false, 1),
        (Workflow::Compensate, true, 2),
    ] {
        let mut transaction = stack.db.begin().await.unwrap();
        let requested = tasks::request(&mut transaction, order, workflow).await;
        requested.unwrap();
        if commits {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }
        assert_eq!(rows(&stack).await, rows_then, "{workflow:?} {commits}");
    }
}

#[tokio::test]
async fn without_tasker_a_request_waits_a_while_and_the_row_stays() {
    let stack = Stack::start().await;
    let tasks = Tasks::new(stack.db.clone());
    let nowhere = TaskerClient::new("http://127.0.0.1:1").unwrap();
    let relay = tasks.relay(nowhere).await.unwrap();
    let relaying = tokio::spawn(relay.run(std::future::pending()));
    let listening = tasks.listen();
    let order = stack
        .order("tasker-is-away", "tea", "tok_ok")
        .await
        .order_id;
    let began = Instant::now();
    let task = listening.task_of(order, Workflow::Fulfil).await;
    assert_eq!(task, None);
    assert!(began.elapsed() >= Duration::from_secs(2));
    assert_eq!(rows(&stack).await, 1);
    relaying.abort();
}
