//! What becomes of a row for each answer of the server.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{header, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{json, Value};
use uuid::Uuid;

use super::{backoff, deliver, Outcome, LONGEST_WAIT, NOT_FOUND_ATTEMPTS};
use crate::outbox::OutboxRow;
use crate::TaskerClient;

const OURS: Uuid = Uuid::from_u128(7);
const ANOTHERS: Uuid = Uuid::from_u128(8);

fn row() -> OutboxRow {
    OutboxRow {
        id: 7,
        created_at: "2026-12-01T12:00:00+00:00".to_owned(),
        namespace: "shop".to_owned(),
        name: "ship".to_owned(),
        version: "1.0.0".to_owned(),
        context: json!({"n": 1}),
        correlation_id: OURS,
        options: json!({}),
        ordering_key: None,
        attempts: 0,
        last_error: None,
        dead_at: None,
    }
}

fn task(correlation: Uuid) -> Value {
    json!({
        "task_uuid": Uuid::from_u128(1), "name": "ship", "namespace": "shop", "version": "1.0.0", "status": "pending",
        "context": {"n": 1}, "correlation_id": correlation,
    })
}

/// How a server answers creations, and which task it has.
#[derive(Clone, Default)]
struct Server {
    status: StatusCode,
    created: Value,
    retry_after: Option<&'static str>,
    listed: Option<Value>,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    fn answers(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap(),
            created: json!({"error": {"code": "X", "message": "no"}}),
            ..Self::default()
        }
    }

    async fn answer(self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        if parts.method == Method::POST {
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let body = serde_json::from_slice(&body).unwrap();
            self.asked.lock().unwrap().push(body);
            let mut answer = (self.status, Json(self.created)).into_response();
            if let Some(after) = self.retry_after {
                let value = after.parse().unwrap();
                answer.headers_mut().insert(header::RETRY_AFTER, value);
            }
            return answer;
        }
        match parts.uri.path() {
            "/v1/tasks" => {
                let tasks: Vec<_> = self.listed.into_iter().collect();
                Json(json!({"tasks": tasks, "pagination": {}})).into_response()
            }
            _ => Json(self.listed).into_response(),
        }
    }

    /// What becomes of the row, and the creations that the server was asked for.
    async fn gets(self, row: &OutboxRow) -> (Outcome, Vec<Value>) {
        let asked = self.asked.clone();
        let app = Router::new().fallback(move |request| self.clone().answer(request));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, app).await });
        let client = TaskerClient::new(url).unwrap().without_retries();
        let outcome = deliver(&client, row).await;
        serving.abort();
        let asked = std::mem::take(&mut *asked.lock().unwrap());
        (outcome, asked)
    }
}

#[tokio::test]
async fn a_created_task_has_what_the_row_says() {
    let options = json!({
        "initiator": "ada", "source_system": "till", "reason": "order 7", "priority": 5, "tags": ["a", "b"],
        "parent_correlation_id": ANOTHERS,
    });
    let row = OutboxRow {
        options: options.clone(),
        ..row()
    };
    let server = Server {
        created: task(OURS),
        ..Server::default()
    };
    let (outcome, asked) = server.gets(&row).await;
    assert!(matches!(outcome, Outcome::Created(Some(_))), "{outcome:?}");
    let mut expected = json!({
        "name": "ship", "namespace": "shop", "version": "1.0.0", "context": {"n": 1}, "correlation_id": OURS,
    });
    let more = options.as_object().unwrap().clone();
    expected.as_object_mut().unwrap().extend(more);
    assert_eq!(asked, [expected]);
}

#[tokio::test]
async fn a_conflict_is_ours_somebody_elses_or_unknown() {
    let conflict = |listed| Server {
        listed,
        ..Server::answers(409)
    };
    let (ours, asked) = conflict(Some(task(OURS))).gets(&row()).await;
    assert!(matches!(ours, Outcome::Created(Some(_))), "{ours:?}");
    assert_eq!(asked.len(), 1);

    let another = conflict(Some(task(ANOTHERS)));
    let (Outcome::Dead(why), _) = another.gets(&row()).await else {
        panic!("it is not ours");
    };
    let named = Uuid::from_u128(1);
    let expected = format!("task {named} has the same template and the same context, and was created by somebody else; discard the row");
    assert!(why.starts_with(&expected), "{why}");

    let (Outcome::Dead(why), _) = conflict(None).gets(&row()).await else {
        panic!("nobody knows");
    };
    assert!(
        why.contains("cannot be told whether this row created it"),
        "{why}"
    );

    let content = OutboxRow {
        options: json!({"on_conflict": "ignore"}),
        ..row()
    };
    for listed in [None, Some(task(ANOTHERS))] {
        let (outcome, asked) = conflict(listed).gets(&content).await;
        assert_eq!(outcome, Outcome::Created(None));
        assert!(asked[0].get("on_conflict").is_none(), "{asked:?}");
    }
}

#[tokio::test]
async fn a_refusal_kills_the_row_and_a_failure_does_not() {
    for status in [400, 413, 422] {
        let (outcome, _) = Server::answers(status).gets(&row()).await;
        assert_eq!(outcome, Outcome::Dead(format!("no (HTTP {status})")));
    }
    let tried = OutboxRow {
        attempts: 100,
        ..row()
    };
    for status in [408, 500] {
        let (outcome, _) = Server::answers(status).gets(&tried).await;
        let Outcome::Later(wait, _) = outcome else {
            panic!("{status}: {outcome:?}");
        };
        assert!(LONGEST_WAIT / 2 <= wait && wait <= LONGEST_WAIT, "{wait:?}");
    }
}

#[tokio::test]
async fn what_concerns_all_rows_is_a_pause() {
    for status in [401, 403, 429, 502, 503, 504] {
        let (outcome, _) = Server::answers(status).gets(&row()).await;
        assert!(
            matches!(outcome, Outcome::Pause(Duration::ZERO, _)),
            "{status}: {outcome:?}"
        );
    }
    let busy = Server {
        retry_after: Some("17"),
        ..Server::answers(503)
    };
    let (outcome, _) = busy.gets(&row()).await;
    assert!(
        matches!(outcome, Outcome::Pause(wait, _) if wait == Duration::from_secs(17)),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_template_may_be_registered_soon_but_not_for_ever() {
    let (outcome, _) = Server::answers(404).gets(&row()).await;
    assert!(
        matches!(&outcome, Outcome::Later(_, why) if why.contains("is not registered")),
        "{outcome:?}"
    );
    let last = OutboxRow {
        attempts: NOT_FOUND_ATTEMPTS - 1,
        ..row()
    };
    let (outcome, _) = Server::answers(404).gets(&last).await;
    assert!(
        matches!(&outcome, Outcome::Dead(why) if why.ends_with("(20 tries)")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_row_that_this_version_does_not_understand_is_left_for_another() {
    let newer = OutboxRow {
        options: json!({"colour": "red"}),
        ..row()
    };
    let (outcome, asked) = Server::answers(200).gets(&newer).await;
    assert!(
        matches!(&outcome, Outcome::Later(_, why) if why.contains("colour")),
        "{outcome:?}"
    );
    assert_eq!(asked, [Value::Null; 0]);
}

#[test]
fn waits_grow_to_a_bound_and_are_spread() {
    for (failures, longest) in [(1, 1), (2, 2), (5, 16), (7, 60), (1000, 60)] {
        let longest = Duration::from_secs(longest);
        let waits: BTreeSet<_> = (0..50).map(|_| backoff(failures)).collect();
        assert!(waits.len() > 1);
        assert!(
            waits
                .iter()
                .all(|wait| longest / 2 <= *wait && *wait <= longest),
            "{waits:?}"
        );
    }
}
