//! Live, ready and metrics of the programs that run no steps. The worker's are tasker-contrib-axum's, with the same names.

use std::time::Duration;

use axum::extract::State;
use axum::http::{header, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{json, Value};
use sqlx::PgPool;
use tasker_contrib_axum::TaskerClient;
use tokio_util::sync::CancellationToken;

/// How long a component has to answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// What a program needs to be ready.
#[derive(Clone)]
pub struct Health {
    pub db: PgPool,
    pub client: TaskerClient,
    /// Cancelled when the program has been told to stop: it is not ready from then on.
    pub stopping: CancellationToken,
}

impl Health {
    /// `GET /tasker/live`, `/tasker/ready` and `/tasker/metrics`.
    pub fn router(self) -> Router {
        let live = || async { Json(json!({"status": "alive"})) };
        Router::new()
            .route("/tasker/live", get(live))
            .route("/tasker/ready", get(ready))
            .route("/tasker/metrics", get(metrics))
            .with_state(self)
    }

    async fn components(&self) -> Vec<(&'static str, Option<&'static str>)> {
        let stopping = self.stopping.is_cancelled();
        let query = sqlx::query("select 1").execute(&self.db);
        let database = tokio::time::timeout(PATIENCE, query);
        let orchestration = tokio::time::timeout(PATIENCE, self.client.health());
        let (database, orchestration) = tokio::join!(database, orchestration);
        let away = "does not answer";
        vec![
            ("process", stopping.then_some("stopping")),
            ("database", (!matches!(database, Ok(Ok(_)))).then_some(away)),
            (
                "orchestration",
                (!matches!(orchestration, Ok(Ok(())))).then_some(away),
            ),
        ]
    }
}

/// Everybody may read the answer, so it has no addresses and no messages of others.
async fn ready(State(health): State<Health>) -> (StatusCode, Json<Value>) {
    let components = health.components().await;
    let is_ready = components.iter().all(|(_, problem)| problem.is_none());
    let shown = components.iter().map(|(name, problem)| {
        let status = problem.map_or("ok", |_| "failed");
        json!({"name": name, "status": status, "detail": problem})
    });
    let shown: Vec<Value> = shown.collect();
    let (code, status) = if is_ready {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    };
    (code, Json(json!({"status": status, "components": shown})))
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], health.client.metrics())
}
