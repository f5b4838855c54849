//! Live events without a worker.

use axum::Router;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::events::{EventKind, Events, Origin};
use crate::sse;

/// The event stream of a worker that does not exist: for tests of pages and programs that read `/tasker/events`.
///
/// ```
/// use serde_json::json;
/// use tasker_contrib_axum::testing::LiveEvents;
/// use tasker_contrib_axum::EventKind;
/// use uuid::Uuid;
///
/// let live = LiveEvents::new(100);
/// let app = live.router(); // has GET /tasker/events
/// live.emit(EventKind::StepStarted, Uuid::nil(), "charge", json!({"handler": "shop.charge", "attempt": 1}));
/// # let _: axum::Router = app;
/// ```
#[derive(Clone, Debug)]
pub struct LiveEvents {
    events: Events,
    end: CancellationToken,
}

impl LiveEvents {
    /// Keeps this many events for clients that come back or read slowly.
    #[must_use]
    pub fn new(keep: usize) -> Self {
        Self {
            events: Events::new(keep),
            end: CancellationToken::new(),
        }
    }

    /// `GET /tasker/events`, as [`TaskerWorker::event_router`](crate::TaskerWorker::event_router) has it.
    pub fn router(&self) -> Router {
        sse::routes(self.events.clone(), self.end.clone())
    }

    /// Tells of something that a step did; `data` has the keys of [`EventKind::data`].
    pub fn emit(&self, kind: EventKind, task_id: Uuid, step: &str, data: Value) {
        let origin = Origin {
            task_id,
            step: Some(step.to_owned()),
            step_id: None,
        };
        self.events.emit_from(kind, Some(origin), data);
    }

    /// Ends all streams, as the drain of a worker does.
    pub fn drain(&self) {
        self.end.cancel();
    }
}
