//! The worker against the real server.

mod cases;
mod failures;
mod http;
mod outbox;
mod outcomes;
#[path = "../cases/mod.rs"]
mod shared;
mod spans;
mod stack;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use stack::Stack;
use tasker_contrib_axum::{
    Batch, Batches, Config, Decision, Dep, Dependencies, EventKind, Handlers, Input, State, Step,
    StepError, StepOutput, TaskerWorker,
};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// Workers of one process share the variable with the folder of templates, and one test counts threads.
static ALONE: Mutex<()> = Mutex::const_new(());

#[derive(Clone, Default)]
struct Shop {
    charges: Arc<AtomicU32>,
}

#[derive(Deserialize)]
struct Order {
    amount: u32,
    #[serde(default)]
    mode: String,
}

#[derive(Serialize, Deserialize)]
struct Cart {
    total: u32,
    currency: String,
}

impl StepOutput for Cart {
    const STEP: &'static str = "validate_cart";
}

#[derive(Deserialize)]
struct Currency {
    currency: String,
}

async fn validate(
    Input(order): Input<Order>,
    Config(config): Config<Currency>,
) -> Result<Cart, StepError> {
    Ok(Cart {
        total: order.amount,
        currency: config.currency,
    })
}

async fn charge(
    Input(order): Input<Order>,
    Dep(cart): Dep<Cart>,
    State(shop): State<Shop>,
    step: Step,
) -> Result<Value, StepError> {
    let charges = shop.charges.fetch_add(1, Ordering::SeqCst);
    match order.mode.as_str() {
        "declined" => return Err(StepError::permanent("declined").code("card_declined")),
        "nul" => return Ok(json!({"note": "a\0b"})),
        "nul_error" => return Err(StepError::permanent("bad \0 byte")),
        "panics" => panic!("the bank is closed"),
        "hangs" => std::future::pending().await,
        "flaky" if step.retry_count() == 0 => {
            return Err(StepError::retryable("busy").after(Duration::from_millis(1500)))
        }
        "slow" if charges == 0 => tokio::time::sleep(Duration::from_millis(900)).await,
        _ => {}
    }
    Ok(json!({"charged": cart.total, "currency": cart.currency}))
}

async fn route(Dep(cart): Dep<Cart>) -> Result<Decision, StepError> {
    Ok(Decision::steps([if cart.total > 100 {
        "review"
    } else {
        "ship"
    }]))
}

async fn done(step: Step) -> Result<Value, StepError> {
    Ok(json!({"correlation_id": step.correlation_id()}))
}

async fn analyze(Input(context): Input<Value>) -> Result<Batches, StepError> {
    let rows = context["rows"].as_u64().unwrap_or(0);
    Ok(Batches::split("process", 0..rows, 4))
}

async fn process(batch: Batch, step: Step) -> Result<Value, StepError> {
    let start = batch.remaining().start;
    if batch.id() == "002" && step.retry_count() == 0 {
        batch.checkpoint(start + 1).await?;
        return Err(StepError::retryable("after the first row"));
    }
    Ok(json!({"from": start, "to": batch.range().end}))
}

async fn total(dependencies: Dependencies) -> Result<Value, StepError> {
    let parts: Vec<Value> = dependencies.batches("process")?;
    Ok(json!({"parts": parts}))
}

fn handlers(shop: &Shop) -> Handlers {
    Handlers::new()
        .add("shop.validate", validate)
        .add("shop.charge", charge)
        .add("shop.route", route)
        .add("shop.review", done)
        .add("shop.ship", done)
        .add("rows.analyze", analyze)
        .add("rows.process", process)
        .add("rows.total", total)
        // No template names it; that is worth a warning and no more.
        .add("shop.someday", done)
        .with_state(shop.clone())
}

async fn worker(stack: &Stack, shop: &Shop) -> TaskerWorker {
    let builder = TaskerWorker::builder()
        .config(stack.config())
        .handlers(handlers(shop));
    builder.build().await.expect("the worker starts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_run_to_their_ends() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let shop = Shop::default();
    let worker = worker(&stack, &shop).await;
    let mut events = worker.events();

    let small = stack.create("order", json!({"amount": 5})).await;
    let large = stack.create("order", json!({"amount": 500})).await;
    assert_eq!(stack.ended(small).await, "complete");
    assert_eq!(stack.ended(large).await, "complete");
    let steps = stack.steps(small).await;
    assert_eq!(
        steps["charge"]["results"]["result"],
        json!({"charged": 5, "currency": "EUR"})
    );
    assert!(steps["review"].is_null() && !steps["ship"].is_null());
    assert!(!stack.steps(large).await["review"].is_null());
    let first = events.recv().await.unwrap();
    assert_eq!(
        (first.kind, first.step.as_deref()),
        (EventKind::StepStarted, Some("validate_cart"))
    );
    let counted = |outcome: &str, count: u32| {
        let labels = format!("handler=\"shop.charge\",outcome=\"{outcome}\"");
        let line = format!("tasker_contrib_handler_executions_total{{{labels}}} {count}\n");
        worker.metrics().contains(&line)
    };
    assert!(counted("completed", 2));
    // Not yet happened, and there: the first one is an increase.
    assert!(counted("failed", 0) && counted("timed_out", 0));

    let wrong = stack.create("order", json!({"amount": "many"})).await;
    let declined = stack
        .create("order", json!({"amount": 5, "mode": "declined"}))
        .await;
    let panics = stack
        .create("order", json!({"amount": 5, "mode": "panics"}))
        .await;
    let hangs = stack
        .create("order", json!({"amount": 5, "mode": "hangs"}))
        .await;
    let flaky = stack
        .create("order", json!({"amount": 5, "mode": "flaky"}))
        .await;
    for (task, step, attempts, kind, message) in [
        (
            wrong,
            "validate_cart",
            1,
            "validation_error",
            "the task's context at `amount`: invalid type: string",
        ),
        (declined, "charge", 1, "permanent_error", "declined"),
        (
            panics,
            "charge",
            1,
            "handler_error",
            "panicked: the bank is closed",
        ),
        (
            hangs,
            "charge",
            2,
            "timeout",
            "longer than its timeout_seconds = 1",
        ),
    ] {
        let status = stack.ended(task).await;
        assert!(
            status == "blocked_by_failures" || status == "error",
            "{status}"
        );
        let step = &stack.steps(task).await[step];
        let error = &step["results"]["error"];
        assert_eq!(
            (&step["attempts"], &error["error_type"]),
            (&json!(attempts), &json!(kind)),
            "{step:#}"
        );
        assert!(
            error["message"].as_str().unwrap().contains(message),
            "{error}"
        );
    }
    assert_eq!(stack.ended(flaky).await, "complete");
    assert_eq!(stack.steps(flaky).await["charge"]["attempts"], 2);

    let rows = stack.create("rows", json!({"rows": 10})).await;
    let nothing = stack.create("rows", json!({"rows": 0})).await;
    assert_eq!(stack.ended(rows).await, "complete");
    let total = &stack.steps(rows).await["total"]["results"]["result"];
    // The second batch goes on behind its checkpoint.
    assert_eq!(
        *total,
        json!({"parts": [{"from": 0, "to": 4}, {"from": 5, "to": 8}, {"from": 8, "to": 10}]})
    );
    assert_eq!(stack.ended(nothing).await, "complete");
    assert_eq!(
        stack.steps(nothing).await["total"]["results"]["result"],
        json!({"parts": []})
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_loses_nothing() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let shop = Shop::default();
    let builder = TaskerWorker::builder()
        .config(stack.config())
        .handlers(handlers(&shop));
    let first = builder.drain_timeout(Duration::ZERO).build().await.unwrap();
    let task = stack
        .create("order", json!({"amount": 5, "mode": "slow"}))
        .await;
    let mut events = first.events();
    while events.recv().await.unwrap().step.as_deref() != Some("charge") {}
    let stopped = first.stop().await;
    assert_eq!(stopped.cut, [format!("charge of task {task}")]);

    let second = worker(&stack, &shop).await;
    assert_eq!(stack.ended(task).await, "complete");
    assert_eq!(shop.charges.load(Ordering::SeqCst), 2);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_is_not_waited_for_ends_without_a_panic() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let worker = worker(&stack, &Shop::default()).await;
    // Stopping takes a tenth of a second at least.
    let stopping = tokio::time::timeout(Duration::from_millis(1), worker.stop());
    assert!(stopping.await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_of_a_cancelled_task_is_not_cut() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let worker = worker(&stack, &Shop::default()).await;
    let mut events = worker.events();
    let task = stack
        .create("order", json!({"amount": 5, "mode": "slow"}))
        .await;
    while events.recv().await.unwrap().step.as_deref() != Some("charge") {}
    worker.client().cancel_task(task).await.unwrap();
    let ended = loop {
        let event = events.recv().await.unwrap();
        if event.step.as_deref() == Some("charge") {
            break event;
        }
    };
    assert_eq!(ended.kind, EventKind::StepFailed);
    assert_eq!(ended.data["retryable"], false, "{ended:?}");
    assert_eq!(worker.stop().await.cut, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_the_database_cannot_store_fails_its_step() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let worker = worker(&stack, &Shop::default()).await;
    for (mode, message) in [
        ("nul", "a NUL character at `note`"),
        ("nul_error", "bad \u{fffd} byte"),
    ] {
        let task = stack
            .create("order", json!({"amount": 5, "mode": mode}))
            .await;
        let status = stack.ended(task).await;
        let step = &stack.steps(task).await["charge"];
        let error = step["results"]["error"]["message"].as_str().unwrap();
        assert!(error.contains(message), "{status} {step:#}");
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_runs_until_its_token_is_cancelled_and_drains() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let shop = Shop::default();
    let worker = worker(&stack, &shop).await;
    let mut events = worker.events();
    let token = CancellationToken::new();
    let running = tokio::spawn(worker.run_until(token.clone()));
    let task = stack
        .create("order", json!({"amount": 5, "mode": "slow"}))
        .await;
    while events.recv().await.unwrap().step.as_deref() != Some("charge") {}
    assert!(!running.is_finished());
    token.cancel();
    let stopped = running.await.unwrap();
    // The slow step had the time that it needed, and the next one is for others.
    assert_eq!(stopped.cut, Vec::<String>::new());
    let steps = stack.steps(task).await;
    assert_eq!(steps["charge"]["results"]["result"]["charged"], 5);
    assert_eq!(shop.charges.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_middle_of_claims_loses_nothing_either() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let shop = Shop::default();
    for _ in 0..5 {
        let builder = TaskerWorker::builder()
            .config(stack.config())
            .handlers(handlers(&shop));
        let first = builder.drain_timeout(Duration::ZERO).build().await.unwrap();
        let mut events = first.events();
        let mut tasks = Vec::new();
        for _ in 0..8 {
            tasks.push(stack.create("order", json!({"amount": 5})).await);
        }
        events.recv().await.unwrap();
        first.stop().await;

        let second = worker(&stack, &shop).await;
        for task in tasks {
            assert_eq!(stack.ended(task).await, "complete");
        }
        second.stop().await;
    }
}

/// Threads, open files and server connections of this process.
async fn resources(stack: &Stack) -> (usize, usize, i64) {
    let count = |folder: &str| std::fs::read_dir(folder).unwrap().count();
    let pool = sqlx::PgPool::connect(&stack.database_url).await.unwrap();
    let query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
    let connections = sqlx::query_scalar(query).fetch_one(&pool).await.unwrap();
    pool.close().await;
    (
        count("/proc/self/task"),
        count("/proc/self/fd"),
        connections,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_starts_and_stops_leave_nothing_behind() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let shop = Shop::default();
    worker(&stack, &shop).await.stop().await;
    let before = resources(&stack).await;
    for _ in 0..20 {
        let worker = worker(&stack, &shop).await;
        worker.stop().await;
    }
    let after = resources(&stack).await;
    // The server's own pool may grow and shrink meanwhile, by less than what one worker holds.
    assert!(
        after.0 <= before.0 + 1 && after.1 <= before.1 + 2,
        "{before:?} {after:?}"
    );
    assert!(after.2 <= before.2 + 5, "{before:?} {after:?}");
}
