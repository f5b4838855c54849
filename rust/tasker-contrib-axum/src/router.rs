//! Health and metrics over HTTP.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{header, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::contract;
use crate::dispatch::Dispatcher;
use crate::{sse, TaskerClient, TaskerWorker};

#[derive(Clone)]
struct Shared {
    dispatcher: Arc<Dispatcher>,
    client: TaskerClient,
}

impl TaskerWorker {
    /// Routes for operators: `GET /tasker/live`, `/tasker/ready` (200 or 503, with components; 503 from the start of a drain) and
    /// `/tasker/metrics` (Prometheus).
    pub fn router(&self) -> Router {
        let shared = Shared {
            dispatcher: self.dispatcher.clone(),
            client: self.client.clone(),
        };
        Router::new()
            .route(
                "/tasker/live",
                get(|| async { Json(json!({"status": "alive"})) }),
            )
            .route("/tasker/ready", get(ready))
            .route("/tasker/metrics", get(metrics))
            .with_state(shared)
    }

    /// `GET /tasker/events`: server-sent events of all tasks, with the messages of failures and the content of domain events. Put your own
    /// authentication around it, unless everybody may see them.
    ///
    /// ```no_run
    /// # async fn run(worker: tasker_contrib_axum::TaskerWorker) {
    /// use axum::{middleware, Router};
    ///
    /// # async fn only_staff(request: axum::extract::Request, next: middleware::Next) -> axum::response::Response { next.run(request).await }
    /// let events = worker.event_router().layer(middleware::from_fn(only_staff));
    /// let app = Router::new().merge(worker.router()).merge(events);
    /// # let _: Router = app;
    /// # }
    /// ```
    ///
    /// `/tasker/events?task_id=…` sends one task's events only. A client that reconnects with `Last-Event-ID` gets what it missed as
    /// far as it is kept; when events are gone, for it or for a client that reads too slowly, a `lag` event says how many (`null` after a restart of
    /// this process, which nobody can count). A client
    /// costs no memory beyond its socket's buffers, however slowly it reads.
    pub fn event_router(&self) -> Router {
        sse::routes(
            self.dispatcher.events.clone(),
            self.dispatcher.draining.clone(),
        )
    }
}

async fn ready(State(shared): State<Shared>) -> Response {
    let dispatcher = &shared.dispatcher;
    let draining = dispatcher.draining.is_cancelled();
    let probe = shared.client.health().await;
    // Everybody may read the answer: addresses and messages of others are for the log.
    let orchestration = probe.map_err(|error| {
        tracing::warn!(%error, "not ready: the orchestration server");
        "does not answer, or is not healthy".to_owned()
    });
    let draining = if draining {
        Err("draining".to_owned())
    } else {
        Ok(())
    };
    let database = if dispatcher.results.is_open() {
        Ok(())
    } else {
        Err("closed".to_owned())
    };
    let components = [
        (contract::HEALTH_WORKER, draining),
        (contract::HEALTH_DATABASE, database),
        (contract::HEALTH_ORCHESTRATION, orchestration),
        (
            contract::HEALTH_DISPATCHER,
            dispatching(&dispatcher.over, &dispatcher.draining),
        ),
        (contract::HEALTH_TEMPLATES, Ok(())),
    ];
    let ready = components.iter().all(|(_, state)| state.is_ok());
    let components: Vec<_> = components
        .into_iter()
        .map(|(name, state)| match state {
            Ok(()) => json!({"name": name, "status": "ok", "detail": null}),
            Err(detail) => json!({"name": name, "status": "failed", "detail": detail}),
        })
        .collect();
    let (code, status) = if ready {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    };
    (
        code,
        Json(json!({"status": status, "components": components})),
    )
        .into_response()
}

/// A worker that executes nothing any more, although nobody stopped it, has to be replaced.
fn dispatching(over: &CancellationToken, draining: &CancellationToken) -> Result<(), String> {
    if over.is_cancelled() && !draining.is_cancelled() {
        return Err("no steps are claimed any more; restart this process".to_owned());
    }
    Ok(())
}

async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (kind, shared.dispatcher.metrics.text())
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::dispatching;

    #[test]
    fn an_end_that_nobody_asked_for_makes_unready() {
        let (over, draining) = (CancellationToken::new(), CancellationToken::new());
        assert_eq!(dispatching(&over, &draining), Ok(()));
        over.cancel();
        assert!(dispatching(&over, &draining).is_err());
        draining.cancel();
        assert_eq!(dispatching(&over, &draining), Ok(()));
    }
}
