//! What the application serves, and what reaches the server through the client.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::routing::post;
use axum::Router;
use futures_util::StreamExt as _;
use serde_json::{json, Value};
use tasker_contrib_axum::outbox::{Outbox, OutboxError, Relay};
use tasker_contrib_axum::{
    AdmissionLayer, ClientErrorKind, CorrelationLayer, NewTask, TaskQuery, TaskerClient,
    TaskerWorker,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::failures::run;
use crate::spans::Spans;
use crate::stack::Stack;
use crate::{handlers, worker, Shop, ALONE};

struct App {
    url: String,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
    http: reqwest::Client,
}

async fn serve(worker: TaskerWorker) -> App {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let app = axum::Router::new()
        .nest("/tasker", tasker_contrib_axum::task_routes())
        .layer(CorrelationLayer::new())
        .with_state(worker.client())
        .merge(worker.router())
        .merge(worker.event_router());
    let end = stop.clone();
    let serving = tokio::spawn(async move {
        let stopped = worker.serve(listener, app, async move { end.cancelled().await });
        stopped.await.unwrap();
    });
    App {
        url,
        stop,
        serving,
        http: reqwest::Client::new(),
    }
}

impl App {
    async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await;
        let answer = answer.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_router_tells_how_the_worker_is_until_the_drain_and_after() {
    let _alone = ALONE.lock().await;
    let spans = Spans::of_this_process();
    let stack = Stack::start();
    let shop = Shop::default();
    let app = serve(worker(&stack, &shop).await).await;
    assert_eq!(app.get("/tasker/live").await.0, 200);
    let (status, body) = app.get("/tasker/ready").await;
    assert_eq!(status, 200, "{body}");
    let ready: Value = serde_json::from_str(&body).unwrap();
    let names: Vec<_> = ready["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|component| component["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "worker",
            "database",
            "orchestration",
            "dispatcher",
            "templates"
        ]
    );

    // A task by the routes, with the request's id in the task and its metrics counted.
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let body = json!({"name": "order", "namespace": "axum_shop", "context": {"amount": 5, "nonce": Uuid::new_v4()}});
    let created = app
        .http
        .post(format!("{}/tasker/tasks", app.url))
        .header("traceparent", trace)
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), 201);
    let created: Value = created.json().await.unwrap();
    let id: Uuid = created["task_uuid"].as_str().unwrap().parse().unwrap();
    assert_eq!(stack.ended(id).await, "complete");
    assert_eq!(
        stack.task(id).await["correlation_id"],
        "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"
    );
    let steps = stack.steps(id).await;
    assert_eq!(
        steps["ship"]["results"]["result"]["correlation_id"],
        "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"
    );
    // The request's span and that of every step have the request's trace.
    let traced = spans.with("trace_id=4bf92f3577b34da6a3ce929d0e0e4736");
    let names: Vec<&str> = traced
        .iter()
        .map(|span| span.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        names,
        ["request", "step", "step", "step", "step"],
        "{traced:#?}"
    );
    assert!(traced[0].contains("method=POST") && traced[0].contains("path=\"/tasker/tasks\""));
    for (span, step) in traced[1..]
        .iter()
        .zip(["validate_cart", "charge", "route", "ship"])
    {
        let rest = format!("task_id={id} ");
        assert!(
            span.contains(&rest) && span.contains(&format!("step=\"{step}\"")),
            "{span}"
        );
    }
    let shown = app.get(&format!("/tasker/tasks/{id}")).await.1;
    assert!(shown.contains("\"charged\":5"), "{shown}");
    let metrics = app.get("/tasker/metrics").await.1;
    for line in [
        "tasker_contrib_handler_executions_total{handler=\"shop.charge\",outcome=\"completed\"} 1",
        "tasker_contrib_handler_duration_seconds_count{handler=\"shop.charge\"} 1",
        "tasker_contrib_handlers_in_flight 0",
        "tasker_contrib_handlers_capacity 10",
        "tasker_contrib_handlers_hung 0",
        "tasker_contrib_worker_draining 0",
        "tasker_contrib_client_requests_total{operation=\"create_task\",outcome=\"ok\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }

    // While a request is open the server goes on answering on open connections, and is no longer ready.
    let slow = stack
        .create("order", json!({"amount": 5, "mode": "slow"}))
        .await;
    let mut events = app
        .http
        .get(format!("{}/tasker/events?task_id={slow}", app.url))
        .send()
        .await
        .unwrap();
    app.stop.cancel();
    // The stream ends when the drain starts, and the step that runs is not cut.
    while events.chunk().await.unwrap().is_some() {}
    app.serving.await.unwrap();
    let second = worker(&stack, &shop).await;
    assert_eq!(stack.ended(slow).await, "complete");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_an_end_does_not_keep_the_worker_from_its_drain() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let builder = TaskerWorker::builder()
        .config(stack.config())
        .handlers(handlers(&Shop::default()))
        .drain_timeout(Duration::from_millis(200));
    let worker = builder.build().await.unwrap();
    let mut events = worker.events();
    let endless = || async {
        let hello = futures_util::stream::iter([Ok::<_, std::io::Error>("hello")]);
        axum::body::Body::from_stream(hello.chain(futures_util::stream::pending()))
    };
    let app = Router::new().route("/endless", axum::routing::get(endless));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/endless", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let serving = tokio::spawn(worker.serve(listener, app, stop.clone().cancelled_owned()));
    let mut answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "hello");
    let hangs = json!({"amount": 5, "mode": "hangs"});
    stack.create("order", hangs).await;
    while events.recv().await.unwrap().step.as_deref() != Some("charge") {}
    stop.cancel();
    let stopped = tokio::time::timeout(Duration::from_secs(30), serving);
    let stopped = stopped.await.expect("it ends").unwrap().unwrap();
    assert_eq!(stopped.cut.len(), 1, "the step was drained, too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_not_ready_while_it_drains_or_the_server_is_away() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let shop = Shop::default();
    let worker = worker(&stack, &shop).await;
    // The routes are served by somebody else, who outlives the worker.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/tasker/ready", listener.local_addr().unwrap());
    let metrics = || async {
        reqwest::get(url.replace("ready", "metrics"))
            .await?
            .text()
            .await
    };
    let router = worker.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let failed = |body: Value| -> Vec<String> {
        let components = body["components"].as_array().unwrap().clone();
        components
            .into_iter()
            .filter(|component| component["status"] != "ok")
            .map(|component| component["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let ask = || async { reqwest::get(&url).await.unwrap() };
    assert_eq!(ask().await.status(), 200);
    // What tasks carry is not for everybody who can reach the probes.
    let events = reqwest::get(url.replace("ready", "events")).await.unwrap();
    assert_eq!(events.status(), 404);

    let hangs = stack
        .create("order", json!({"amount": 5, "mode": "slow"}))
        .await;
    let mut events = worker.events();
    while events.recv().await.unwrap().step.as_deref() != Some("charge") {}
    let stopping = tokio::spawn(worker.stop());
    let draining = async {
        while ask().await.status() != 503 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), draining)
        .await
        .expect("not ready");
    let shown = metrics().await.unwrap();
    assert!(shown.contains("worker_draining 1\n"), "{shown}");
    stopping.await.unwrap();
    let shown = metrics().await.unwrap();
    assert!(shown.contains("handlers_capacity 0\n"), "{shown}");
    let answer = ask().await;
    assert_eq!(answer.status(), 503);
    assert_eq!(failed(answer.json().await.unwrap()), ["worker", "database"]);
    let _ = hangs;
    drop(stack);
    let answer = ask().await;
    assert!(failed(answer.json().await.unwrap()).contains(&"orchestration".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn back_pressure_of_the_real_server_closes_the_routes_that_create_tasks() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let client = TaskerClient::builder(&stack.url)
        .max_retries(0)
        .build()
        .unwrap();
    // More messages than the server calls critical, which it does not see for an hour.
    let fill = "SELECT pgmq.send_batch('orchestration_step_results', array_agg('{}'::jsonb), 3600) FROM generate_series(1, 6000)";
    run(&stack, fill).await;
    let order = || NewTask::new("axum_shop", "order", json!({"amount": 5})).unique();
    let limit = Instant::now() + Duration::from_secs(60);
    // The server looks every five seconds.
    let refused = loop {
        let refused = client.create_task(order()).await.unwrap_err();
        if refused.kind() == ClientErrorKind::Backpressure {
            break refused;
        }
        assert!(Instant::now() < limit, "{refused}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(30)));

    let begun = Arc::new(AtomicUsize::new(0));
    let counted = begun.clone();
    let checkout = post(move || async move {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let app = Router::new()
        .route("/checkout", checkout)
        .route_layer(AdmissionLayer::new(&client));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/checkout", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let answer = reqwest::Client::new().post(url).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let wait: u64 = answer.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(begun.load(Ordering::SeqCst), 0, "nothing was begun");
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_does_everything_on_the_real_server() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let client = TaskerClient::from_config(&stack.config()).unwrap();
    client_does_everything(&stack, &client).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_does_the_client_that_speaks_grpc() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start_with(&["--grpc-port", "0"]);
    let url = stack.grpc_url.clone().expect("a gRPC API");
    let client = TaskerClient::builder(&url).connect_grpc().await.unwrap();
    client_does_everything(&stack, &client).await;

    // What gRPC cannot do is said before anything is sent.
    let by_status = TaskQuery::default().completed(true);
    let refused = client.list_tasks(by_status).await.unwrap_err();
    assert_eq!(refused.kind(), ClientErrorKind::Invalid);
    let large = NewTask::new(
        "axum_shop",
        "order",
        json!({"amount": 9_007_199_254_740_993_i64}),
    );
    let refused = client.create_task(large).await.unwrap_err();
    assert!(
        refused.to_string().contains("9007199254740993"),
        "{refused}"
    );
    let db = sqlx::PgPool::connect_lazy(&stack.database_url).unwrap();
    let refused = Relay::new(Outbox::new(), db, client).await.unwrap_err();
    assert!(matches!(refused, OutboxError::Config(_)), "{refused}");
}

async fn client_does_everything(stack: &Stack, client: &TaskerClient) {
    let shop = Shop::default();
    let worker = worker(stack, &shop).await;
    let order = || NewTask::new("axum_shop", "order", json!({"amount": 5, "nonce": 1}));
    let created = client.create_task(order()).await.unwrap();
    let conflict = client.create_task(order()).await.unwrap_err();
    assert_eq!(conflict.kind(), ClientErrorKind::Conflict);
    let again = client.create_task(order().idempotent()).await.unwrap();
    assert_eq!(again.task_uuid, created.task_uuid);
    let unique = client.create_task(order().unique()).await.unwrap();
    assert_ne!(unique.task_uuid, created.task_uuid);

    let ended = client
        .wait(created.task_uuid, Duration::from_secs(60))
        .await
        .unwrap();
    assert!(ended.is_complete() && ended.completed_steps == ended.total_steps);
    let steps = client.steps(created.task_uuid).await.unwrap();
    let charge = steps.iter().find(|step| step.name == "charge").unwrap();
    assert_eq!(charge.result().unwrap()["charged"], 5);
    assert!(charge.error().is_none());

    let page = client
        .list_tasks(TaskQuery::default().namespace("axum_shop"))
        .await
        .unwrap();
    assert_eq!((page.total, page.has_next), (2, false));
    let refused = client.cancel_task(created.task_uuid).await.unwrap_err();
    assert_eq!(refused.kind(), ClientErrorKind::Invalid);
    let missing = client.get_task(Uuid::nil()).await.unwrap_err();
    assert_eq!(missing.kind(), ClientErrorKind::NotFound);
    let unknown = client
        .create_task(NewTask::new("axum_shop", "ordr", ()))
        .await;
    assert_eq!(unknown.unwrap_err().kind(), ClientErrorKind::NotFound);
    client
        .wait(unique.task_uuid, Duration::from_secs(60))
        .await
        .unwrap();
    worker.stop().await;

    // Nobody works on it any more, so it can be cancelled.
    let waiting = client.create_task(order().unique()).await.unwrap();
    let cancelled = client.cancel_task(waiting.task_uuid).await.unwrap();
    assert_eq!(cancelled.status, "cancelled");
    let _ = handlers(&shop);
}
