//! Runs the steps.

use std::sync::Arc;

use tasker_contrib_axum::{shutdown_signal, EventKind, TaskerEvent, TaskerWorker};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::Receiver;

use crate::database;
use crate::documents::scanner::StubScanner;
use crate::documents::store::SqlDocuments;
use crate::handlers::{self, Services};
use crate::settings::Settings;

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
///
/// Why it does not start, or cannot go on.
pub async fn worker(settings: &Settings) -> Result<(), String> {
    let db = database::open(settings).map_err(|error| error.to_string())?;
    let services = Services {
        documents: Arc::new(SqlDocuments::new(db.clone())),
        scanner: Arc::new(StubScanner),
    };
    let worker = TaskerWorker::builder().handlers(handlers::all(services));
    let worker = worker.build().await.map_err(|error| error.to_string())?;
    let logging = tokio::spawn(log(worker.events()));
    let listener = match super::listen(settings).await {
        Ok(listener) => listener,
        Err(problem) => {
            worker.stop().await;
            return Err(problem);
        }
    };
    let routes = worker.router();
    let served = worker.serve(listener, routes, shutdown_signal()).await;
    // Steps have the database to their end, and the last event has its line.
    db.close().await;
    let _ = logging.await;
    served.map(drop).map_err(|error| error.to_string())
}

/// Writes a line for each step that has ended.
async fn log(mut events: Receiver<TaskerEvent>) {
    loop {
        match events.recv().await {
            Ok(event) => line(&event),
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "steps have ended without a line");
            }
            Err(RecvError::Closed) => return,
        }
    }
}

fn line(event: &TaskerEvent) {
    let id = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let (task_uuid, step_uuid) = (id(event.task_id), id(event.step_id));
    let step = event.step.as_deref().unwrap_or_default();
    let duration_ms = event.data.get("duration_ms").and_then(|time| time.as_u64());
    match event.kind {
        EventKind::StepCompleted => {
            tracing::info!(task_uuid, step_uuid, step, duration_ms, "step completed");
        }
        EventKind::StepFailed => {
            let why = event.data.get("message").and_then(|text| text.as_str());
            let why = why.unwrap_or_default();
            tracing::warn!(
                task_uuid,
                step_uuid,
                step,
                duration_ms,
                "step failed: {why}"
            );
        }
        _ => {}
    }
}
