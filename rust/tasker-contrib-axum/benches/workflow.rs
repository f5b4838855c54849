//! Steps of a no-op workflow a second, on a throw-away server, beside a bare worker of Core:
//! `cargo bench --package tasker-contrib-axum --bench workflow`, with `TASKER_DEV_BIN` and `TASKER_DEV_POSTGRES_BIN` as for the tests.
//! (No criterion here: one run takes seconds, and what counts is how many tasks are done together.)

#[path = "../tests/real/stack.rs"]
#[allow(dead_code)]
mod stack;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt};
use serde_json::json;
use stack::Stack;
use tasker_contrib_axum::{Handlers, NewTask, StepError, TaskerClient, TaskerWorker};
use tasker_shared::messaging::StepExecutionResult;
use tasker_shared::types::TaskSequenceStep;
use tasker_shared::TaskerResult;
use tasker_worker::worker::handlers::{
    HandlerDispatchConfig, HandlerDispatchService, StepHandler, StepHandlerRegistry,
};

const TEMPLATE: &str = "name: noop
namespace_name: bench
version: 1.0.0
steps:
  - {name: one, handler: {callable: bench.noop}}
  - {name: two, handler: {callable: bench.noop}, dependencies: [one]}
  - {name: three, handler: {callable: bench.noop}, dependencies: [two]}
";
const STEPS: usize = 3;
const TOGETHER: [(usize, usize); 3] = [(1, 10), (8, 80), (64, 192)];

async fn noop() -> Result<(), StepError> {
    Ok(())
}

struct Bare;

#[async_trait]
impl StepHandler for Bare {
    async fn call(&self, step: &TaskSequenceStep) -> TaskerResult<StepExecutionResult> {
        let id = step.workflow_step.workflow_step_uuid;
        Ok(StepExecutionResult::success(id, json!({}), 0, None))
    }

    fn name(&self) -> &str {
        "bench.noop"
    }
}

struct Only(Arc<Bare>);

#[async_trait]
impl StepHandlerRegistry for Only {
    async fn get(&self, _step: &TaskSequenceStep) -> Option<Arc<dyn StepHandler>> {
        Some(self.0.clone())
    }

    fn register(&self, _name: &str, _handler: Arc<dyn StepHandler>) {}

    fn handler_available(&self, _name: &str) -> bool {
        true
    }

    fn registered_handlers(&self) -> Vec<String> {
        vec!["bench.noop".to_owned()]
    }
}

/// Steps a second with so many tasks under way, and the median time of a task.
async fn measure(client: &TaskerClient, together: usize, tasks: usize) -> (f64, Duration) {
    let begin = Instant::now();
    let one = |_| async {
        let begin = Instant::now();
        let task = NewTask::new("bench", "noop", ()).unique();
        let task = client.create_task(task).await.expect("created");
        let ended = client.wait(task.task_uuid, Duration::from_secs(300)).await;
        assert!(ended.expect("ended").is_complete());
        begin.elapsed()
    };
    let mut times: Vec<_> = stream::iter(0..tasks)
        .map(one)
        .buffer_unordered(together)
        .collect()
        .await;
    times.sort();
    let seconds = begin.elapsed().as_secs_f64();
    ((tasks * STEPS) as f64 / seconds, times[times.len() / 2])
}

async fn rounds(client: &TaskerClient) -> Vec<(f64, Duration)> {
    measure(client, 4, 8).await; // caches are filled
    let mut found = Vec::new();
    for (together, tasks) in TOGETHER {
        found.push(measure(client, together, tasks).await);
    }
    found
}

fn client(stack: &Stack) -> TaskerClient {
    let client = TaskerClient::builder(stack.url.clone()).max_concurrency(64);
    client.build().expect("a client")
}

async fn ours(folder: &std::path::Path) -> Vec<(f64, Duration)> {
    let stack = Stack::start();
    let worker = TaskerWorker::builder()
        .config(
            stack
                .config()
                .templates(folder)
                .set("worker.concurrency", 16),
        )
        .handlers(Handlers::new().add("bench.noop", noop));
    let worker = worker.build().await.expect("a worker");
    let found = rounds(&client(&stack)).await;
    worker.stop().await;
    found
}

/// A worker as Core's own example makes it: its default delivery, notifications and polling, and its own dispatch.
async fn bare(folder: &std::path::Path) -> Vec<(f64, Duration)> {
    let stack = Stack::start();
    let program = std::env::var("TASKER_DEV_BIN").expect("TASKER_DEV_BIN");
    let config = std::process::Command::new(program)
        .args(["config", "worker", "--database-url", &stack.database_url])
        .args(["--orchestration-url", &stack.url])
        .output()
        .expect("a configuration");
    let file = folder.join("worker.toml");
    std::fs::write(&file, config.stdout).expect("written");
    std::env::set_var("TASKER_CONFIG_PATH", &file);
    std::env::set_var("TASKER_TEMPLATE_PATH", folder);
    let mut handle = tasker_worker::WorkerBootstrap::bootstrap()
        .await
        .expect("a worker of Core");
    let channels = handle.take_dispatch_handles().expect("its channels");
    let limits = HandlerDispatchConfig {
        max_concurrent_handlers: 16,
        ..HandlerDispatchConfig::default()
    };
    let (service, _) = HandlerDispatchService::new(
        channels.dispatch_receiver,
        channels.completion_sender,
        Arc::new(Only(Arc::new(Bare))),
        limits,
    );
    tokio::spawn(service.run());
    rounds(&client(&stack)).await
}

fn main() {
    // `cargo test --benches` only looks whether it compiles.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("noop.yaml"), TEMPLATE).expect("written");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let ours = runtime.block_on(ours(folder.path()));
    let bare = runtime.block_on(bare(folder.path()));
    println!("\nworkflow of {STEPS} steps that do nothing, on tasker-dev:");
    for ((ours, bare), (together, tasks)) in ours.iter().zip(&bare).zip(TOGETHER) {
        println!(
            "{together:>3} tasks together ({tasks} in all): {:6.1} steps/s, median task {:4.0} ms; bare Core {:6.1} steps/s, {:4.0} ms; {:.2} \
             times as many steps",
            ours.0,
            ours.1.as_secs_f64() * 1000.0,
            bare.0,
            bare.1.as_secs_f64() * 1000.0,
            ours.0 / bare.0
        );
    }
    runtime.shutdown_background();
}
