//! The client against a server that fails in the ways that Core's does.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{to_bytes, Body};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::Router;
use serde_json::{json, Value};
use tasker_contrib_axum::{
    task_routes, AdmissionLayer, ClientErrorKind, CorrelationLayer, NewTask, Resolution, TaskQuery,
    TaskerClient, TaskerConfig,
};
use tokio::sync::Barrier;
use tower_layer::Layer as _;
use tower_service::Service;
use uuid::Uuid;

/// An answer: status, `Retry-After`, body; and whether the connection is cut instead.
#[derive(Clone)]
struct Answer {
    status: u16,
    retry_after: Option<&'static str>,
    body: Value,
    cut: bool,
}

fn answer(status: u16, body: Value) -> Answer {
    Answer {
        status,
        retry_after: None,
        body,
        cut: false,
    }
}

fn error(status: u16, code: &str) -> Answer {
    answer(status, json!({"error": {"code": code, "message": "no"}}))
}

/// Answers in turn and keeps the requests.
#[derive(Clone, Default)]
struct Double {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    seen: Arc<Mutex<Vec<(String, HeaderMap, Value)>>>,
    under_way: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    /// So many calls are answered together, and none before the others have arrived.
    together: Arc<OnceLock<Barrier>>,
}

impl Double {
    async fn start(answers: impl IntoIterator<Item = Answer>) -> (Self, String) {
        let double = Self::default();
        double.answers.lock().unwrap().extend(answers);
        let app = Router::new().fallback(reply).with_state(double.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (double, url)
    }

    fn calls(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(call, _, _)| call.clone()).collect()
    }

    fn body(&self, index: usize) -> Value {
        self.seen.lock().unwrap()[index].2.clone()
    }
}

async fn reply(State(double): State<Double>, request: Request) -> Response {
    let under_way = double.under_way.fetch_add(1, Ordering::SeqCst) + 1;
    double.most.fetch_max(under_way, Ordering::SeqCst);
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let call = format!("{} {}", parts.method, parts.uri);
    let steps = call.ends_with("/workflow_steps");
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    double
        .seen
        .lock()
        .unwrap()
        .push((call, parts.headers, body));
    if let Some(all) = double.together.get() {
        all.wait().await;
    }
    double.under_way.fetch_sub(1, Ordering::SeqCst);
    let next = double.answers.lock().unwrap().pop_front();
    let next = next.unwrap_or_else(|| answer(200, if steps { step() } else { task("complete") }));
    if next.cut {
        let half =
            futures_util::stream::iter([Ok(String::from("{")), Err(std::io::Error::other("cut"))]);
        return Body::from_stream(half).into_response();
    }
    let status = StatusCode::from_u16(next.status).unwrap();
    let mut response = (status, next.body.to_string()).into_response();
    if let Some(after) = next.retry_after {
        let headers = response.headers_mut();
        headers.insert("retry-after", after.parse().unwrap());
    }
    response
}

const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

fn task(status: &str) -> Value {
    json!({"task_uuid": ID, "name": "order", "namespace": "shop", "version": "1.0.0", "status": status, "context": {"order_id": 7},
        "total_steps": 2, "health_status": "healthy"})
}

fn step() -> Value {
    json!([{"step_uuid": ID, "task_uuid": ID, "name": "charge", "current_state": "complete", "results": {"result": 1}}])
}

fn order() -> NewTask {
    NewTask::new("shop", "order", json!({"order_id": 7}))
}

fn list() -> Answer {
    let other = json!({"task_uuid": Uuid::nil(), "name": "order", "namespace": "shop", "version": "1.0.0", "status": "pending",
        "context": {"order_id": 8}});
    answer(
        200,
        json!({"tasks": [other, task("pending")], "pagination": {"total_count": 2, "has_next": false}}),
    )
}

#[tokio::test]
async fn a_creation_that_the_server_fails_on_is_repeated_with_the_same_context() {
    let (double, url) =
        Double::start([error(500, "DATABASE_ERROR"), error(409, "CONFLICT"), list()]).await;
    let client = TaskerClient::new(url).unwrap();
    let created = client.create_task(order().unique()).await;
    // The second answer is a conflict: the first try had been stored. Its context has a nonce that the list of this double lacks.
    let error = created.unwrap_err();
    assert_eq!(error.kind(), ClientErrorKind::Conflict);
    assert_eq!(double.body(0), double.body(1));
    assert!(double.body(0)["context"]["nonce"].is_string());
    assert_eq!(
        double.calls(),
        [
            "POST /v1/tasks",
            "POST /v1/tasks",
            "GET /v1/tasks?page=1&per_page=100&namespace=shop"
        ]
    );
}

#[tokio::test]
async fn a_conflict_after_a_lost_answer_means_created() {
    let cut = Answer {
        cut: true,
        ..answer(200, json!(null))
    };
    let (_double, url) = Double::start([
        cut,
        error(409, "CONFLICT"),
        list(),
        answer(200, task("pending")),
    ])
    .await;
    let client = TaskerClient::new(url).unwrap();
    let created = client.create_task(order()).await.unwrap();
    assert_eq!(created.task_uuid.to_string(), ID);
}

#[tokio::test]
async fn a_conflict_is_an_error_unless_it_was_allowed() {
    let (double, url) = Double::start([error(409, "CONFLICT")]).await;
    let client = TaskerClient::new(url.clone()).unwrap();
    let refused = client.create_task(order()).await.unwrap_err();
    assert_eq!(
        (refused.kind(), refused.status().as_u16(), refused.code()),
        (ClientErrorKind::Conflict, 409, Some("CONFLICT"))
    );
    assert_eq!(double.calls().len(), 1);
    let (_double, url) =
        Double::start([error(409, "CONFLICT"), list(), answer(200, task("pending"))]).await;
    let client = TaskerClient::new(url).unwrap();
    let found = client.create_task(order().idempotent()).await.unwrap();
    assert_eq!(found.task_uuid.to_string(), ID);
    assert_eq!(found.more["health_status"], "healthy");
}

#[tokio::test]
async fn errors_have_kinds() {
    for (status, kind, calls) in [
        (400, ClientErrorKind::Invalid, 1),
        (401, ClientErrorKind::Permission, 1),
        (404, ClientErrorKind::NotFound, 1),
        (500, ClientErrorKind::Server, 1),
        (502, ClientErrorKind::Unavailable, 2),
        (503, ClientErrorKind::Backpressure, 2),
    ] {
        let (double, url) = Double::start((0..3).map(|_| error(status, "NO"))).await;
        let client = TaskerClient::builder(url).max_retries(1).build().unwrap();
        let failed = client.get_task(Uuid::nil()).await.unwrap_err();
        assert_eq!(failed.kind(), kind, "{status}");
        assert_eq!(double.calls().len(), calls, "{status}");
    }
    let client = TaskerClient::builder("http://127.0.0.1:9")
        .max_retries(0)
        .build()
        .unwrap();
    let failed = client.get_task(Uuid::nil()).await.unwrap_err();
    assert_eq!(failed.kind(), ClientErrorKind::Unavailable);
    assert!(
        failed.to_string().contains("is orchestration.url"),
        "{failed}"
    );
    assert!(client.metrics().contains(
        "tasker_contrib_client_requests_total{operation=\"get_task\",outcome=\"unavailable\"} 1"
    ));
}

#[tokio::test]
async fn a_template_that_nobody_registered_is_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let template = "name: order\nnamespace_name: shop\nversion: 1.0.0\ninput_schema: {type: object, required: [order_id], properties: {order_id: {type: integer}}}\nsteps:\n  - {name: one, handler: {callable: a.one}}\n";
    std::fs::write(folder.path().join("order.yaml"), template).unwrap();
    let (double, url) = Double::start([error(404, "NOT_FOUND"), error(404, "NOT_FOUND")]).await;
    let client = TaskerClient::builder(url)
        .templates(folder.path())
        .build()
        .unwrap();
    let here = client.create_task(order()).await.unwrap_err().to_string();
    assert!(here.contains("is a worker running?"), "{here}");
    let misspelt = NewTask::new("shop", "ordr", ());
    let near = client.create_task(misspelt).await.unwrap_err().to_string();
    assert!(near.contains("did you mean `shop/order 1.0.0`?"), "{near}");

    let secret = NewTask::new("shop", "order", json!({"order_id": "hunter2"}));
    let wrong = client.create_task(secret).await.unwrap_err();
    assert_eq!(wrong.kind(), ClientErrorKind::Invalid);
    assert!(wrong.problems()[0].starts_with("/order_id"), "{wrong}");
    assert!(!wrong.to_string().contains("hunter2"), "{wrong}");
    assert_eq!(double.calls().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrency_is_bounded() {
    let (double, url) = Double::start([]).await;
    let client = TaskerClient::builder(url)
        .max_concurrency(3)
        .build()
        .unwrap();
    double.together.set(Barrier::new(3)).unwrap();
    let calls = (0..30).map(|_| client.get_task(Uuid::nil()));
    let all = tokio::time::timeout(
        Duration::from_secs(60),
        futures_util::future::join_all(calls),
    )
    .await;
    for answer in all.expect("three at a time") {
        answer.unwrap();
    }
    assert_eq!(double.calls().len(), 30);
    assert_eq!(double.most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_wait_ends_with_the_task_or_the_time() {
    let (_double, url) = Double::start([
        answer(200, task("pending")),
        answer(200, task("steps_in_process")),
        answer(200, task("blocked_by_failures")),
    ])
    .await;
    let client = TaskerClient::new(url).unwrap();
    let ended = client
        .wait(Uuid::nil(), Duration::from_secs(30))
        .await
        .unwrap();
    assert!(ended.is_ended() && !ended.is_complete());

    let (_double, url) = Double::start([answer(200, task("pending"))]).await;
    let client = TaskerClient::new(url).unwrap();
    let late = client.wait(Uuid::nil(), Duration::ZERO).await.unwrap_err();
    assert_eq!(late.kind(), ClientErrorKind::Timeout);
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let (double, url) = Double::start([]).await;
    let config = TaskerConfig::new()
        .set("orchestration.url", url)
        .set("orchestration.api_key", "hunter2");
    let client = TaskerClient::from_config(&config).unwrap();
    client.get_task(Uuid::nil()).await.unwrap();
    assert_eq!(double.seen.lock().unwrap()[0].1["x-api-key"], "hunter2");
    assert!(!format!("{client:?}{config:?}").contains("hunter2"));
    let wrong = TaskerClient::builder("ftp://x").build().unwrap_err();
    assert!(wrong.to_string().contains("http://"), "{wrong}");
}

async fn send(app: &mut Router, request: Request) -> Response {
    std::future::poll_fn(|context| Service::<Request>::poll_ready(app, context))
        .await
        .unwrap();
    app.call(request).await.unwrap()
}

async fn text(response: Response) -> String {
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_request_is_followed_into_the_task() {
    let (double, url) = Double::start([]).await;
    let create = |State(client): State<TaskerClient>| async move {
        client.create_task(order()).await.map(|task| task.name)
    };
    let mut app = Router::new()
        .route("/orders", post(create))
        .layer(CorrelationLayer::new())
        .with_state(TaskerClient::new(url).unwrap());
    let request = Request::post("/orders")
        .header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        .body(Body::empty())
        .unwrap();
    let response = send(&mut app, request).await;
    let id = "4bf92f35-77b3-4da6-a3ce-929d0e0e4736";
    assert_eq!(response.headers()["x-request-id"], id);
    assert_eq!(double.body(0)["correlation_id"], id);
    assert!(double.body(0).get("parent_correlation_id").is_none());
}

#[tokio::test]
async fn nothing_is_begun_while_the_server_takes_no_work() {
    let busy = Answer {
        retry_after: Some("30"),
        ..error(503, "BACKPRESSURE")
    };
    let (double, url) = Double::start([busy]).await;
    let client = TaskerClient::new(url).unwrap();
    let begun = Arc::new(AtomicUsize::new(0));
    let counted = begun.clone();
    let create = move |State(client): State<TaskerClient>| async move {
        counted.fetch_add(1, Ordering::SeqCst);
        client.create_task(order()).await.map(|task| task.name)
    };
    let mut app = Router::new()
        .route("/orders", post(create))
        .route_layer(AdmissionLayer::new(&client))
        .with_state(client);
    let request = || Request::post("/orders").body(Body::empty()).unwrap();

    // The wait is longer than what a request should hang: the answer goes on at once.
    let first = send(&mut app, request()).await;
    assert_eq!(first.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(first.headers()["retry-after"], "30");
    assert!(text(first).await.contains("\"code\":\"BACKPRESSURE\""));
    let second = send(&mut app, request()).await;
    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(second.headers().contains_key("retry-after"));
    assert_eq!((begun.load(Ordering::SeqCst), double.calls().len()), (1, 1));
}

#[tokio::test]
async fn task_routes_create_list_show_and_cancel() {
    let (double, url) = Double::start([answer(200, task("pending"))]).await;
    let mut app = task_routes().with_state(TaskerClient::new(url).unwrap());
    let json_body = |text: &str| {
        Request::post("/tasks")
            .header("content-type", "application/json")
            .body(Body::from(text.to_owned()))
            .unwrap()
    };
    let body = r#"{"name": "order", "namespace": "shop", "context": {"order_id": 7}, "priority": 5, "tags": ["a"]}"#;
    let created = send(&mut app, json_body(body)).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    let sent = double.body(0);
    assert_eq!(
        (&sent["priority"], &sent["tags"], &sent["context"]),
        (&json!(5), &json!(["a"]), &json!({"order_id": 7}))
    );
    for bad in [
        r#"{"nam": "order"}"#,
        r#"{"name": "o", "priority": 101}"#,
        "{",
    ] {
        let refused = send(&mut app, json_body(bad)).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            refused.headers()["content-type"],
            "application/problem+json"
        );
    }
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    for bad in ["/tasks/7", "/tasks?status=running", "/tasks?per_page=0"] {
        let refused = send(&mut app, get(bad)).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    double.answers.lock().unwrap().push_back(list());
    let listed = text(send(&mut app, get("/tasks?status=pending")).await).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(
        (&listed["total"], &listed["tasks"][1]["task_uuid"]),
        (&json!(2), &json!(ID))
    );
    double
        .answers
        .lock()
        .unwrap()
        .extend([answer(200, json!({})), answer(200, task("cancelled"))]);
    let cancel = Request::delete(format!("/tasks/{ID}"))
        .body(Body::empty())
        .unwrap();
    let cancelled = text(send(&mut app, cancel).await).await;
    assert!(cancelled.contains("cancelled"), "{cancelled}");
    let shown = text(send(&mut app, get(&format!("/tasks/{ID}"))).await).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["steps"][0]["name"], "charge");
}

#[tokio::test]
async fn lists_are_checked_before_a_call() {
    let client = TaskerClient::new("http://127.0.0.1:9").unwrap();
    let refused = client
        .list_tasks(TaskQuery::default().per_page(101))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ClientErrorKind::Invalid);
    let scalar = NewTask::new("a", "b", 7);
    let refused = client.create_task(scalar).await.unwrap_err();
    assert!(refused.to_string().contains("JSON object"));
}

/// A server that answers everything with this page.
async fn page(text: &'static str) -> (Arc<AtomicUsize>, String) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let app = Router::new().fallback(move || async move {
        counted.fetch_add(1, Ordering::SeqCst);
        text
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (calls, url)
}

#[tokio::test]
async fn an_answer_of_something_else_is_named_and_not_asked_for_again() {
    let (calls, url) = page("<html>Welcome</html>").await;
    let client = TaskerClient::new(url).unwrap();
    let failed = client.get_task(Uuid::nil()).await.unwrap_err();
    assert_eq!(failed.kind(), ClientErrorKind::Server);
    assert!(failed.to_string().contains("is not JSON"), "{failed}");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_call_that_waits_for_its_next_try_is_in_nobodys_way() {
    let busy = Answer {
        retry_after: Some("4"),
        ..error(503, "BUSY")
    };
    let (double, url) = Double::start([busy]).await;
    let client = TaskerClient::builder(url)
        .max_concurrency(1)
        .build()
        .unwrap();
    let waits = client.get_task(Uuid::nil());
    let other = async {
        while double.calls().is_empty() {
            tokio::task::yield_now().await;
        }
        client.get_task(Uuid::nil()).await.unwrap();
    };
    tokio::select! {
        _ = waits => panic!("the other call had to wait for this one"),
        () = other => {}
    }
}

#[tokio::test]
async fn a_wait_may_be_for_ever() {
    let (_double, url) = Double::start([answer(200, task("pending"))]).await;
    let client = TaskerClient::new(url).unwrap();
    let ended = client.wait(Uuid::nil(), Duration::MAX).await.unwrap();
    assert!(ended.is_complete());
}

#[tokio::test]
async fn a_retry_after_of_ages_is_an_error_like_others() {
    let busy = Answer {
        retry_after: Some("18446744073709551615"),
        ..error(503, "BUSY")
    };
    let (_double, url) = Double::start([busy]).await;
    let client = TaskerClient::new(url).unwrap();
    let failed = client.get_task(Uuid::nil()).await.unwrap_err();
    assert_eq!(failed.kind(), ClientErrorKind::Backpressure);
}

#[tokio::test]
async fn a_context_that_the_database_cannot_store_is_refused_before_a_call() {
    let (double, url) = Double::start([]).await;
    let client = TaskerClient::new(url).unwrap();
    let wrong = NewTask::new("shop", "order", json!({"notes": ["a", "b\0c"]}));
    let refused = client.create_task(wrong).await.unwrap_err();
    assert_eq!(refused.kind(), ClientErrorKind::Invalid);
    assert!(refused.to_string().contains("`notes.1`"), "{refused}");
    assert_eq!(double.calls(), [""; 0]);
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_for_other_machines() {
    const NAME: &str = "HTTP_PROXY";
    if std::env::var_os(NAME).is_none() {
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        again.args([
            "a_proxy_of_the_environment_is_for_other_machines",
            "--exact",
        ]);
        let ended = again.env(NAME, "http://127.0.0.1:9").output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
        return;
    }
    let (_double, url) = Double::start([]).await;
    let client = TaskerClient::builder(url).max_retries(0).build().unwrap();
    client.get_task(Uuid::nil()).await.unwrap();
}

/// What a layer with a body of its own makes of a service.
#[derive(Clone)]
struct Compressed;

impl Service<Request> for Compressed {
    type Response = axum::http::Response<String>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        std::future::ready(Ok(axum::http::Response::new("small".to_owned())))
    }
}

#[tokio::test]
async fn other_layers_may_be_inside_of_ours() {
    let client = TaskerClient::new("http://127.0.0.1:9").unwrap();
    let mut followed =
        CorrelationLayer::new().layer(AdmissionLayer::new(&client).layer(Compressed));
    let answer = followed.call(Request::new(Body::empty())).await.unwrap();
    assert!(answer.headers().contains_key("x-request-id"));
    assert_eq!(text(answer).await, "small");
}

/// What the call of a case gives; parameters are in the case.
async fn operate(client: &TaskerClient, case: &Value) -> Value {
    let argument = |index: usize| case["arguments"][index].clone();
    let id = |index: usize| argument(index).as_str().unwrap().parse::<Uuid>().unwrap();
    let text = |name: &str| case["options"][name].as_str().unwrap_or_default();
    let number = |name: &str| u32::try_from(case["options"][name].as_u64().unwrap_or(0)).unwrap();
    let resolution = || serde_json::from_value::<Resolution>(case["options"]["resolution"].clone());
    let (reason, by) = (text("reason"), text("by"));
    let part = |index: usize| case["arguments"][index].as_str().unwrap().to_owned();
    let answer = match case["call"].as_str().unwrap() {
        "get_step" => json!(client.get_step(id(0), id(1)).await.unwrap()),
        "retry_step" => json!(client.retry_step(id(0), id(1), reason, by).await.unwrap()),
        "resolve_step" => json!(client.resolve_step(id(0), id(1), reason, by).await.unwrap()),
        "complete_step" => {
            let result = argument(2);
            json!(client
                .complete_step(id(0), id(1), result, reason, by)
                .await
                .unwrap())
        }
        "step_audit" => json!(client.step_audit(id(0), id(1)).await.unwrap()),
        "task_summary" => client.task_summary(id(0)).await.unwrap(),
        "list_templates" => {
            let namespace = case["options"]["namespace"].as_str();
            json!(client.list_templates(namespace).await.unwrap())
        }
        "get_template" => client
            .get_template(&part(0), &part(1), &part(2))
            .await
            .unwrap(),
        "performance" => client.performance(number("hours")).await.unwrap(),
        "bottlenecks" => client
            .bottlenecks(number("limit"), number("min_executions"))
            .await
            .unwrap(),
        "dead_letters" => {
            let found = client
                .dead_letters(resolution().ok(), number("limit"), 0)
                .await;
            json!(found.unwrap())
        }
        "dead_letter" => json!(client.dead_letter(id(0)).await.unwrap()),
        "update_dead_letter" => {
            let notes = case["options"]["notes"].as_str();
            client
                .update_dead_letter(id(0), resolution().unwrap(), notes, by)
                .await
                .unwrap();
            Value::Null
        }
        "dead_letter_stats" => json!(client.dead_letter_stats().await.unwrap()),
        "investigation_queue" => json!(client.investigation_queue(number("limit")).await.unwrap()),
        "stale_tasks" => json!(client.stale_tasks(number("limit")).await.unwrap()),
        other => panic!("no call {other}"),
    };
    answer
}

/// Whether everything that is wanted is there; an answer of a type has empty fields, too.
fn has(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(a, b)| has(a, b))
        }
        (Value::Object(found), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| found.get(key).is_some_and(|found| has(found, value))),
        _ => found == wanted,
    }
}

#[tokio::test]
async fn the_calls_of_operators_are_those_of_all_languages() {
    let cases = include_str!("../../../xtask/contract/client-cases/cases.json");
    let cases: Vec<Value> = serde_json::from_str(cases).unwrap();
    for case in &cases {
        let (server, url) = Double::start([answer(200, case["answer"].clone())]).await;
        let client = TaskerClient::new(url).unwrap();
        let found = operate(&client, case).await;
        let [call] = &server.calls()[..] else {
            panic!("one request for {case}")
        };
        let (method, target) = call.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        assert_eq!(
            json!([method, path]),
            json!([case["method"], case["path"]]),
            "{case}"
        );
        let mut query: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).collect();
        query.sort_unstable();
        let mut wanted: Vec<_> = case["query"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap()))
            .collect();
        wanted.sort_unstable();
        assert_eq!(query, wanted, "{case}");
        assert_eq!(server.body(0), case["body"], "{case}");
        let wanted = match case["call"].as_str() {
            Some("list_templates") => &case["answer"]["templates"],
            Some("update_dead_letter") => &Value::Null,
            _ => &case["answer"],
        };
        assert!(has(&found, wanted), "{found} for {case}");
    }
}

#[tokio::test]
async fn one_call_may_have_less_time_than_the_others() {
    // It takes connections, and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let client = TaskerClient::builder(url)
        .timeout(Duration::from_secs(3600))
        .max_retries(0)
        .build()
        .unwrap();
    let short = client.with_timeout(Duration::from_millis(20));
    let error = short.get_task(ID.parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ClientErrorKind::Unavailable);
    assert!(
        error.to_string().contains("has not answered within 20ms"),
        "{error}"
    );
}
