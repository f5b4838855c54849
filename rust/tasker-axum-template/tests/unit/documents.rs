use std::collections::BTreeSet;

use app::documents::store::{Documents as _, Status};
use app::tasks::{NewTask, Template};
use app::web::document_id;
use axum::body::Body;
use axum::http::{header, Request};
use serde_json::{json, Value};
use uuid::Uuid;

use crate::support::{Answer, MemoryApp, NOWHERE};

const WORDS: &str = "three good words";

#[tokio::test]
async fn an_upload_is_stored_with_its_task() {
    let app = MemoryApp::new().await;
    let answer = app.upload("ann", WORDS, "key-0001").await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let keys: BTreeSet<&String> = answer.json.as_object().unwrap().keys().collect();
    let names = [
        "created_at",
        "filename",
        "id",
        "sha256",
        "status",
        "task_uuid",
    ];
    assert!(keys.into_iter().eq(names.iter()), "{answer:?}");
    assert_eq!(answer.json["status"], "received");
    assert_eq!(answer.json["filename"], "letter.txt");
    assert_eq!(answer.json["task_uuid"], Value::Null);
    let task = NewTask {
        template: Template::IntakeDocument,
        document_id: answer.id(),
        request_id: answer.header("x-request-id").unwrap().parse().unwrap(),
    };
    assert_eq!(app.documents.tasks(), [task]);
    let content = app.documents.content(answer.id()).await.unwrap();
    assert_eq!(content.unwrap(), WORDS.as_bytes());
}

#[tokio::test]
async fn the_same_key_is_the_same_document_and_one_task() {
    let app = MemoryApp::new().await;
    let first = app.upload("ann", WORDS, "key-0001").await;
    let second = app.upload("ann", WORDS, "key-0001").await;
    assert_eq!(first.json, second.json);
    let others = [
        app.upload("bob", WORDS, "key-0001").await.id(),
        app.upload("ann", WORDS, "key-0002").await.id(),
        first.id(),
    ];
    assert_eq!(BTreeSet::from(others).len(), 3);
    assert_eq!(app.documents.tasks().len(), 3);
}

#[test]
fn ids_are_uuids_of_version_5() {
    // The example of RFC 9562, A.4.
    let namespace: Uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8".parse().unwrap();
    let id = document_id(namespace, "www.example.com").to_string();
    assert_eq!(id, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

#[tokio::test]
async fn a_key_belongs_to_one_file() {
    let app = MemoryApp::new().await;
    app.upload("ann", WORDS, "key-0001").await;
    let answer = app.upload("ann", "something else", "key-0001").await;
    assert_eq!(answer.status, 422);
    assert!(answer.detail().contains("another file"), "{answer:?}");
}

#[tokio::test]
async fn a_key_and_a_file_are_required() {
    let app = MemoryApp::new().await;
    let short = app.upload("ann", "a", "short").await;
    assert_eq!(short.status, 422);
    assert!(short.detail().starts_with("Idempotency-Key: "), "{short:?}");
    for (kind, body) in [
        ("multipart/form-data; boundary=edge", "--edge--\r\n"),
        ("multipart/form-data; boundary=edge", "--edge\r\nhalf"),
        ("text/plain", "a"),
    ] {
        let request = Request::post("/documents")
            .header(header::AUTHORIZATION, app.bearer("bob").await)
            .header(header::CONTENT_TYPE, kind)
            .header("idempotency-key", "key-0001");
        let answer = app.send(request.body(body.into()).unwrap()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.detail()),
            (422, "file: the form needs a file")
        );
    }
}

#[tokio::test]
async fn a_large_body_is_refused() {
    let app = MemoryApp::new().await;
    let answer = app.upload("ann", &"x".repeat(20_000), "key-0001").await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.detail(), "the request has more than 11000 bytes");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let kind = "application/x-www-form-urlencoded";
    let request = Request::post("/token").header(header::CONTENT_TYPE, kind);
    let body = format!("username={}", "x".repeat(20_000));
    assert_eq!(
        app.send(request.body(body.into()).unwrap()).await.status,
        413
    );
}

#[tokio::test]
async fn a_large_file_is_refused() {
    let app = MemoryApp::new().await;
    let largest = app.upload("ann", &"x".repeat(1000), "key-0001").await;
    assert_eq!(largest.status, 202);
    let larger = app.upload("ann", &"x".repeat(1001), "key-0002").await;
    assert_eq!(larger.status, 413);
    assert_eq!(app.documents.tasks().len(), 1);
}

#[tokio::test]
async fn uploads_are_limited() {
    let app = MemoryApp::new().await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let answer = app.upload("ann", WORDS, "key-0001").await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [202, 202, 202, 202, 202, 429]);
    assert_eq!(app.upload("bob", WORDS, "key-0001").await.status, 202);
}

#[tokio::test]
async fn everybody_sees_their_own() {
    let app = MemoryApp::new().await;
    let id = app.upload("ann", WORDS, "key-0001").await.id();
    let listed = app.get("ann", "/documents").await.json;
    assert_eq!(listed[0]["id"], json!(id));
    assert_eq!(app.get("bob", "/documents").await.json, json!([]));
    for (name, status) in [("ann", 200), ("bob", 404), ("rita", 200)] {
        let answer = app.get(name, &format!("/documents/{id}")).await;
        assert_eq!(answer.status, status, "{name}");
    }
}

#[tokio::test]
async fn a_wrong_limit_or_id_is_refused_with_its_place() {
    let app = MemoryApp::new().await;
    for limit in ["0", "101", "many"] {
        let answer = app.get("ann", &format!("/documents?limit={limit}")).await;
        assert_eq!(answer.status, 422);
        assert!(answer.detail().starts_with("limit: "), "{answer:?}");
    }
    let answer = app.get("ann", "/documents/one").await;
    assert_eq!(answer.status, 422);
    assert!(answer.detail().starts_with("document_id: "), "{answer:?}");
}

/// The application with a document that waits for a person.
async fn waiting() -> (MemoryApp, Uuid) {
    let app = MemoryApp::new().await;
    let id = app.upload("ann", "hm", "key-0001").await.id();
    let (to, from) = (Status::WaitingForReview, Status::Received);
    app.documents.move_to(id, to, from).await.unwrap();
    (app, id)
}

async fn answer(app: &MemoryApp, name: &str, id: Uuid, body: &str) -> Answer {
    let request = Request::post(format!("/documents/{id}/review"))
        .header(header::AUTHORIZATION, app.bearer(name).await);
    app.send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

const YES: &str = r#"{"approved": true}"#;

#[tokio::test]
async fn a_review_starts_the_second_task_once() {
    let (app, id) = waiting().await;
    let first = answer(&app, "rita", id, YES).await;
    let second = answer(&app, "rita", id, YES).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (202, 202));
    assert_eq!(first.json, second.json);
    let shown = json!({"document_id": id, "approved": true, "task_uuid": null});
    assert_eq!(first.json, shown);
    let templates: Vec<Template> = app
        .documents
        .tasks()
        .iter()
        .map(|task| task.template)
        .collect();
    assert_eq!(
        templates,
        [Template::IntakeDocument, Template::FinishReview]
    );
}

#[tokio::test]
async fn a_review_has_one_answer_of_a_reviewer() {
    let (app, id) = waiting().await;
    assert_eq!(answer(&app, "ann", id, YES).await.status, 403);
    let note = "x".repeat(1001);
    for wrong in [
        "",
        "{}",
        r#"{"approved": true, "extra": 1}"#,
        &format!(r#"{{"approved": true, "note": "{note}"}}"#),
    ] {
        let refused = answer(&app, "rita", id, wrong).await;
        assert_eq!(refused.status, 422, "{refused:?}");
        assert!(refused.detail().starts_with("body"), "{refused:?}");
    }
    answer(&app, "rita", id, YES).await;
    let other = answer(&app, "rita", id, r#"{"approved": false}"#).await;
    assert_eq!(other.status, 409);
}

#[tokio::test]
async fn a_review_needs_a_document_that_waits_for_it() {
    let app = MemoryApp::new().await;
    let id = app.upload("ann", WORDS, "key-0002").await.id();
    let refused = answer(&app, "rita", id, YES).await;
    assert_eq!(refused.status, 409);
    assert!(refused.detail().contains("it is received"), "{refused:?}");
    assert_eq!(answer(&app, "rita", NOWHERE, YES).await.status, 404);
}
