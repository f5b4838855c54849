//! What the relay makes of tasks that are complete.

use std::time::{Duration, Instant};

use e_commerce_axum::orders::{Placed, Workflow};
use e_commerce_axum::relay::Relay;
use serde_json::json;
use tasker_contrib_axum::{Handlers, StepError, TaskerClient, TaskerConfig, TaskerWorker};
use uuid::Uuid;

use crate::stack::Stack;

/// A task of the order's name whose only step does nothing for the order, as if Core had closed it too early.
const TEMPLATE: &str = "name: fulfil_order
namespace_name: shop
version: 1.0.0
steps:
  - {name: nothing, handler: {callable: shop.nothing}}
";

async fn nothing() -> Result<(), StepError> {
    Ok(())
}

/// Attempt, task and outcome of an order's request.
async fn requested(stack: &Stack, order: Placed) -> (i32, Option<Uuid>, Option<String>) {
    sqlx::query_as("SELECT attempt, task_uuid, outcome FROM order_tasks WHERE order_id = $1")
        .bind(order.order_id)
        .fetch_one(&stack.db)
        .await
        .unwrap()
}

async fn until(
    what: &str,
    stack: &Stack,
    order: Placed,
    is_so: impl Fn(&(i32, Option<Uuid>, Option<String>)) -> bool,
) {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let found = requested(stack, order).await;
        if is_so(&found) {
            return;
        }
        assert!(Instant::now() < end, "{what}: {found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_complete_task_that_did_nothing_for_its_order_is_replaced_until_the_order_is_done() {
    let stack = Stack::start().await;
    let templates = tempfile::tempdir().unwrap();
    std::fs::write(templates.path().join("fulfil_order.yaml"), TEMPLATE).unwrap();
    let config = TaskerConfig::new()
        .set("database.url", stack.database_url.as_str())
        .set("orchestration.url", stack.tasker_url.as_str())
        .templates(templates.path());
    let worker = TaskerWorker::builder()
        .config(config)
        .handlers(Handlers::new().add("shop.nothing", nothing))
        .build()
        .await
        .unwrap();
    let client = TaskerClient::new(&stack.tasker_url).unwrap();
    let relay = Relay::new(stack.db.clone(), client.clone());
    let events = worker.events();

    // Its task cannot be looked at, which must not keep the relay from others.
    let lost = stack.order("its-task-is-unknown", "tea", "tok_ok").await;
    sqlx::query("UPDATE order_tasks SET task_uuid = $2 WHERE order_id = $1")
        .bind(lost.order_id)
        .bind(Uuid::now_v7())
        .execute(&stack.db)
        .await
        .unwrap();
    let order = stack.order("its-task-does-nothing", "tea", "tok_ok").await;
    let first = relay
        .create(order.order_id, Workflow::Fulfil)
        .await
        .unwrap();
    sqlx::query("UPDATE order_tasks SET checked_at = now() - interval '1 hour'")
        .execute(&stack.db)
        .await
        .unwrap();
    let running = tokio::spawn(relay.run(events));
    until("another task", &stack, order, |(attempt, task, _)| {
        *attempt >= 1 && task.is_some_and(|task| task != first)
    })
    .await;
    let second = requested(&stack, order).await.1.unwrap();
    let context = client.get_task(second).await.unwrap().context;
    assert_eq!(context["order_id"], json!(order.order_id));

    // The work is done: the next complete task is the last one.
    sqlx::query("UPDATE orders SET status = 'completed' WHERE order_id = $1")
        .bind(order.order_id)
        .execute(&stack.db)
        .await
        .unwrap();
    until("the end", &stack, order, |(_, _, outcome)| {
        outcome.as_deref() == Some("complete")
    })
    .await;
    running.abort();
    worker.stop().await;
}
