//! The files that `docs/guides/run-a-job-every-day.md` quotes do what it says.

mod daily_report;

use axum::http::StatusCode;
use axum::{Json, Router};
use serde_json::{json, Value};
use tasker_contrib_axum::{ClientErrorKind, TaskerClient};

use daily_report::create_report;

/// A client of a server that has the report of one day already.
async fn client() -> TaskerClient {
    let answer = |Json(task): Json<Value>| async move {
        assert_eq!(task["namespace"], "reports");
        assert_eq!(task["name"], "daily_report");
        match task["context"]["day"].as_str().unwrap() {
            "2026-12-01" => (StatusCode::CONFLICT, error("CONFLICT")),
            "2026-12-02" => (StatusCode::BAD_REQUEST, error("BAD_REQUEST")),
            _ => (StatusCode::OK, created(task)),
        }
    };
    let app = Router::new().fallback(answer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    TaskerClient::new(&url).unwrap()
}

fn error(code: &str) -> Json<Value> {
    Json(json!({"error": {"code": code, "message": "no"}}))
}

fn created(mut task: Value) -> Json<Value> {
    task["task_uuid"] = json!("01a20b62-a65a-7d56-8f80-2c60f95d2b82");
    task["status"] = json!("pending");
    Json(task)
}

#[tokio::test]
async fn a_day_has_one_report_and_other_failures_are_errors() {
    let client = client().await;
    create_report(&client, "2026-12-03").await.unwrap();
    create_report(&client, "2026-12-01").await.unwrap();
    let refused = create_report(&client, "2026-12-02").await.unwrap_err();
    assert_ne!(refused.kind(), ClientErrorKind::Conflict);
}
