//! Health, metrics and live events over HTTP.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{header, HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream::{self, Stream, StreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::contract;
use crate::dispatch::Dispatcher;
use crate::{TaskerClient, TaskerEvent, TaskerWorker};

#[derive(Clone)]
struct Shared {
    dispatcher: Arc<Dispatcher>,
    client: TaskerClient,
}

impl TaskerWorker {
    /// Routes for operators and pages: `GET /tasker/live`, `/tasker/ready` (200 or 503, with components; 503 from the start of a
    /// drain), `/tasker/metrics` (Prometheus) and `/tasker/events` (server-sent events).
    ///
    /// `/tasker/events?task_id=…` sends one task's events only. A client that reconnects with `Last-Event-ID` gets what it missed as
    /// far as it is kept; when events are gone, for it or for a client that reads too slowly, a `lag` event says how many. A client
    /// costs no memory beyond its socket's buffers, however slowly it reads.
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
            .route("/tasker/events", get(events))
            .with_state(shared)
    }
}

async fn ready(State(shared): State<Shared>) -> Response {
    let dispatcher = &shared.dispatcher;
    let draining = dispatcher.draining.is_cancelled();
    let probe = shared.client.health().await;
    let orchestration = probe.map_err(|error| error.to_string());
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
        (contract::HEALTH_DISPATCHER, Ok(())),
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

async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (kind, shared.dispatcher.metrics.text())
}

#[derive(Deserialize)]
struct Wanted {
    task_id: Option<Uuid>,
}

async fn events(
    State(shared): State<Shared>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = &shared.dispatcher.events;
    let last = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    let (missed, gone, receiver) = match last {
        Some(last) => events.since(last),
        None => (Vec::new(), 0, events.subscribe()),
    };
    let notice = (gone > 0).then(|| lag(gone));
    let replay = stream::iter(missed)
        .filter_map(move |event| std::future::ready(to_sse(&event, wanted.task_id)));
    let end = shared.dispatcher.draining.clone();
    let live = stream::unfold((receiver, end), move |(mut receiver, end)| async move {
        let event = next(&mut receiver, &end, wanted.task_id).await?;
        Some((event, (receiver, end)))
    });
    let all = stream::iter(notice).chain(replay).chain(live).map(Ok);
    Sse::new(all).keep_alive(KeepAlive::default())
}

/// The next event for a client; none when the worker drains.
async fn next(
    receiver: &mut tokio::sync::broadcast::Receiver<TaskerEvent>,
    end: &CancellationToken,
    task: Option<Uuid>,
) -> Option<Event> {
    loop {
        let received = tokio::select! {
            biased;
            () = end.cancelled() => return None,
            received = receiver.recv() => received,
        };
        match received {
            Ok(event) => {
                if let Some(event) = to_sse(&event, task) {
                    return Some(event);
                }
            }
            Err(RecvError::Lagged(count)) => return Some(lag(count)),
            Err(RecvError::Closed) => return None,
        }
    }
}

fn lag(count: u64) -> Event {
    Event::default()
        .event("lag")
        .data(json!({"missed": count}).to_string())
}

fn to_sse(event: &TaskerEvent, task: Option<Uuid>) -> Option<Event> {
    if task.is_some() && event.task_id != task {
        return None;
    }
    let data = serde_json::to_string(event).ok()?;
    Some(
        Event::default()
            .id(event.id.to_string())
            .event(event.kind.name())
            .data(data),
    )
}
