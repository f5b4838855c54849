//! What happens in this worker, as a stream.

use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::broadcast;
use uuid::Uuid;

pub use crate::contract::EventKind;
use crate::Step;

/// A domain event of the task templates' `publishes_events` as a type; see [`TaskerEvent::domain`].
///
/// ```
/// use serde::Deserialize;
/// use tasker_contrib_axum::DomainEvent;
///
/// #[derive(Deserialize)]
/// struct OrderPaid { order_id: i64 }
///
/// impl DomainEvent for OrderPaid {
///     const NAME: &'static str = "order.paid";
/// }
/// ```
pub trait DomainEvent: DeserializeOwned {
    /// The event's name in the templates.
    const NAME: &'static str;
}

/// Something that happened in this worker.
///
/// ```no_run
/// # async fn run(worker: tasker_contrib_axum::TaskerWorker) {
/// use tasker_contrib_axum::EventKind;
///
/// let mut events = worker.events();
/// while let Ok(event) = events.recv().await {
///     if event.kind == EventKind::StepFailed {
///         println!("{:?} failed: {}", event.step, event.data["message"]);
///     }
/// }
/// # }
/// ```
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

impl TaskerEvent {
    /// The content of a domain event, if this is one of that name. Those of delivery mode `fast` and `broadcast` come here; durable ones stay in
    /// the database.
    ///
    /// ```no_run
    /// # use serde::Deserialize;
    /// # use tasker_contrib_axum::{DomainEvent, TaskerEvent};
    /// # #[derive(Deserialize)]
    /// # struct OrderPaid { order_id: i64 }
    /// # impl DomainEvent for OrderPaid { const NAME: &'static str = "order.paid"; }
    /// # fn show(event: &TaskerEvent) {
    /// match event.domain::<OrderPaid>() {
    ///     Some(Ok(paid)) => println!("order {} is paid", paid.order_id),
    ///     Some(Err(error)) => println!("order.paid has another form: {error}"),
    ///     None => {} // something else
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the content does not fit the type.
    pub fn domain<E: DomainEvent>(&self) -> Option<Result<E, serde_json::Error>> {
        let named = self
            .data
            .get("event_name")
            .is_some_and(|name| name == E::NAME);
        (self.kind == EventKind::DomainEvent && named).then(|| {
            let payload = self.data.get("payload").cloned().unwrap_or_default();
            serde_json::from_value(payload)
        })
    }
}

fn kind_name<S: serde::Serializer>(kind: &EventKind, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(kind.name())
}

/// Where an event comes from.
pub(crate) struct Origin {
    pub(crate) task_id: Uuid,
    pub(crate) step: Option<String>,
    pub(crate) step_id: Option<Uuid>,
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
        let origin = step.map(|step| Origin {
            task_id: step.task_id(),
            step: Some(step.name().to_owned()),
            step_id: Some(step.id()),
        });
        self.emit_from(kind, origin, data);
    }

    pub(crate) fn emit_from(&self, kind: EventKind, origin: Option<Origin>, data: Value) {
        let Value::Object(data) = data else { return };
        let (task_id, step, step_id) = match origin {
            Some(origin) => (Some(origin.task_id), origin.step, origin.step_id),
            None => (None, None, None),
        };
        let mut recent = self
            .inner
            .recent
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        recent.0 += 1;
        let event = TaskerEvent {
            id: recent.0,
            kind,
            task_id,
            step,
            step_id,
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
