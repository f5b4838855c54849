//! What is made of tasks that are complete, and of those that cannot be looked at.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::{StatusCode, Uri};
use axum::Router;
use e_commerce_axum::orders::Placed;
use e_commerce_axum::tasks::Tasks;
use e_commerce_axum::watch::Watch;
use serde_json::json;
use tasker_contrib_axum::{Handlers, StepError, TaskerClient, TaskerConfig, TaskerWorker};
use tokio::net::TcpListener;
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
    let relay = Tasks::new(stack.db.clone()).relay(client.clone()).await;
    let relaying = tokio::spawn(relay.unwrap().run(std::future::pending()));
    let events = worker.events();

    let order = stack.order("its-task-does-nothing", "tea", "tok_ok").await;
    until("a task", &stack, order, |(_, task, _)| task.is_some()).await;
    let first = requested(&stack, order).await.1.unwrap();
    let running = tokio::spawn(Watch::new(stack.db.clone(), client.clone()).run(events));
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
    relaying.abort();
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_cannot_be_looked_at_does_not_hold_up_the_others() {
    const ORDERS: usize = 5;
    let stack = Stack::start().await;
    for number in 0..ORDERS {
        stack
            .order(&format!("lost-order-{number}"), "tea", "tok_ok")
            .await;
    }
    sqlx::query("UPDATE order_tasks SET task_uuid = gen_random_uuid(), checked_at = now() - interval '1 hour'")
        .execute(&stack.db)
        .await
        .unwrap();
    // A server that has lost all of them.
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = asked.clone();
    let lost = Router::new().fallback(move |uri: Uri| async move {
        noted.lock().unwrap().push(uri.path().to_owned());
        StatusCode::NOT_FOUND
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, lost).await });

    let watch = Watch::new(stack.db.clone(), TaskerClient::new(url).unwrap());
    let (_events, receiver) = tokio::sync::broadcast::channel(1);
    let running = tokio::spawn(watch.run(receiver));
    let end = Instant::now() + Duration::from_secs(60);
    let distinct = || BTreeSet::from_iter(asked.lock().unwrap().clone()).len();
    while distinct() < ORDERS {
        assert!(Instant::now() < end, "{:?}", asked.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // In one round: nobody was asked for twice.
    assert_eq!(asked.lock().unwrap().len(), ORDERS);
    running.abort();
}
