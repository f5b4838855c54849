//! What happens in this worker, as a stream.

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::broadcast;
use uuid::Uuid;

pub use crate::contract::EventKind;
use crate::Step;

/// Something that happened in this worker.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TaskerEvent {
    /// Counts the events of this process from 1.
    pub id: u64,
    /// What happened.
    #[serde(serialize_with = "kind_name")]
    pub kind: EventKind,
    /// The task; none for events of the worker itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<Uuid>,
    /// The step's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Identifies the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_id: Option<Uuid>,
    /// The keys that [`EventKind::data`] lists.
    pub data: Map<String, Value>,
}

fn kind_name<S: serde::Serializer>(kind: &EventKind, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(kind.name())
}

/// Sends events to whoever listens; nobody can hold it up.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    inner: std::sync::Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    sender: broadcast::Sender<TaskerEvent>,
    /// The newest events and the number of the last one, for listeners that come back.
    recent: std::sync::Mutex<(u64, std::collections::VecDeque<TaskerEvent>)>,
    keep: usize,
}

impl Events {
    pub(crate) fn new(keep: usize) -> Self {
        Self {
            inner: std::sync::Arc::new(Inner {
                sender: broadcast::channel(keep.max(1)).0,
                recent: std::sync::Mutex::default(),
                keep: keep.max(1),
            }),
        }
    }

    pub(crate) fn emit(&self, kind: EventKind, step: Option<&Step>, data: Value) {
        let Value::Object(data) = data else { return };
        let mut recent = self
            .inner
            .recent
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        recent.0 += 1;
        let event = TaskerEvent {
            id: recent.0,
            kind,
            task_id: step.map(Step::task_id),
            step: step.map(|step| step.name().to_owned()),
            step_id: step.map(Step::id),
            data,
        };
        if recent.1.len() == self.inner.keep {
            recent.1.pop_front();
        }
        recent.1.push_back(event.clone());
        // Sent under the lock, so that numbers arrive in order and `since` misses none.
        let _nobody_listens = self.inner.sender.send(event);
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<TaskerEvent> {
        self.inner.sender.subscribe()
    }

    /// What was kept after event `last`, how many are gone, and a receiver of all that follow.
    pub(crate) fn since(
        &self,
        last: u64,
    ) -> (Vec<TaskerEvent>, u64, broadcast::Receiver<TaskerEvent>) {
        let recent = self
            .inner
            .recent
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let kept: Vec<_> = recent
            .1
            .iter()
            .filter(|event| event.id > last)
            .cloned()
            .collect();
        let first = kept.first().map_or(recent.0 + 1, |event| event.id);
        let gone = first.saturating_sub(last + 1);
        (kept, gone, self.inner.sender.subscribe())
    }
}
