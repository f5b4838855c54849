//! What happens when the database fails under a worker.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tasker_contrib_axum::{DomainEvent, EventKind};

use crate::stack::Stack;
use crate::{worker, Shop, ALONE};

pub(crate) async fn run(stack: &Stack, sql: &str) {
    let pool = sqlx::PgPool::connect(&stack.database_url).await.unwrap();
    sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_the_queue_does_not_take_is_sent_until_it_does() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let shop = Shop::default();
    let worker = worker(&stack, &shop).await;
    let mut events = worker.events();
    let task = stack
        .create("order", json!({"amount": 5, "mode": "slow"}))
        .await;
    while events.recv().await.unwrap().step.as_deref() != Some("charge") {}
    // The result can be written, and its message cannot be sent.
    let (there, gone) = ("q_orchestration_step_results", "q_out_of_the_way");
    run(
        &stack,
        &format!("ALTER TABLE pgmq.{there} RENAME TO {gone}"),
    )
    .await;
    // A worker that gave up after five tries would have done so by now, and told that the step is complete.
    let told = tokio::time::timeout(Duration::from_secs(6), async {
        while events.recv().await.unwrap().kind != EventKind::StepCompleted {}
    });
    assert!(
        told.await.is_err(),
        "told as complete before the server knows"
    );
    run(
        &stack,
        &format!("ALTER TABLE pgmq.{gone} RENAME TO {there}"),
    )
    .await;
    assert_eq!(stack.ended(task).await, "complete");
    assert_eq!(shop.charges.load(Ordering::SeqCst), 1);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_drain_ends_the_tries_and_the_step_is_named() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let shop = Shop::default();
    let builder = tasker_contrib_axum::TaskerWorker::builder()
        .config(stack.config())
        .handlers(crate::handlers(&shop))
        .drain_timeout(Duration::from_millis(100));
    let worker = builder.build().await.unwrap();
    let mut events = worker.events();
    let task = stack
        .create("order", json!({"amount": 5, "mode": "slow"}))
        .await;
    while events.recv().await.unwrap().step.as_deref() != Some("charge") {}
    run(
        &stack,
        "ALTER TABLE pgmq.q_orchestration_step_results RENAME TO q_gone",
    )
    .await;
    let stopped = worker.stop().await;
    assert!(!stopped.cut.is_empty());
    assert!(
        stopped.cut[0].contains(&task.to_string()),
        "{:?}",
        stopped.cut
    );
    let mut last = Vec::new();
    while let Ok(event) = events.try_recv() {
        last.push(event.kind);
    }
    assert!(!last.contains(&EventKind::StepCompleted), "{last:?}");
}

#[derive(Debug, PartialEq, Deserialize)]
struct OrderCharged {
    charged: i64,
}

impl DomainEvent for OrderCharged {
    const NAME: &'static str = "order.charged";
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn domain_events_come_as_types() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let shop = Shop::default();
    let worker = worker(&stack, &shop).await;
    let mut events = worker.events();
    let task = stack.create("order", json!({"amount": 7})).await;
    let found = async {
        loop {
            let event = events.recv().await.unwrap();
            if let Some(charged) = event.domain::<OrderCharged>() {
                return (event.task_id, charged.unwrap());
            }
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(30), found).await;
    let (of, charged) = found.expect("the event comes");
    assert_eq!((of, charged), (Some(task), OrderCharged { charged: 7 }));
    assert_eq!(stack.ended(task).await, "complete");
    worker.stop().await;
}
