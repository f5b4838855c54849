//! What happens in this worker, as a stream.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

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

/// An event as every stream over HTTP sends it: written once, however many there are.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) id: u64,
    pub(crate) kind: EventKind,
    pub(crate) task_id: Option<Uuid>,
    pub(crate) json: String,
}

/// Sends events to whoever listens; nobody can hold it up.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    sender: broadcast::Sender<TaskerEvent>,
    lines: broadcast::Sender<Arc<Line>>,
    /// The newest lines and the number of the last one, for listeners that come back.
    recent: Mutex<(u64, VecDeque<Arc<Line>>)>,
    keep: usize,
    /// Tells this process's numbers from those of the one before.
    process: u32,
}

impl Events {
    pub(crate) fn new(keep: usize) -> Self {
        let keep = keep.max(1);
        Self {
            inner: Arc::new(Inner {
                sender: broadcast::channel(keep).0,
                lines: broadcast::channel(keep).0,
                recent: Mutex::default(),
                keep,
                process: Uuid::new_v4().as_fields().0,
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
        let mut recent = self.recent();
        let id = recent.0 + 1;
        let event = TaskerEvent {
            id,
            kind,
            task_id,
            step,
            step_id,
            data,
        };
        let Ok(json) = serde_json::to_string(&event) else {
            return;
        };
        let line = Arc::new(Line {
            id,
            kind,
            task_id,
            json,
        });
        recent.0 = id;
        if recent.1.len() == self.inner.keep {
            recent.1.pop_front();
        }
        recent.1.push_back(line.clone());
        // Sent under the lock, so that numbers arrive in order and `since` misses none. Nobody may be listening.
        let _ = self.inner.lines.send(line);
        let _ = self.inner.sender.send(event);
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, (u64, VecDeque<Arc<Line>>)> {
        self.inner
            .recent
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<TaskerEvent> {
        self.inner.sender.subscribe()
    }

    /// An event's number as listeners see it over HTTP.
    pub(crate) fn name(&self, id: u64) -> String {
        format!("{:08x}-{id}", self.inner.process)
    }

    /// The number of such a name; none if another process gave it.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        let (process, number) = name.split_once('-')?;
        let own = u32::from_str_radix(process, 16) == Ok(self.inner.process);
        number.parse().ok().filter(|_| own)
    }

    pub(crate) fn lines(&self) -> broadcast::Receiver<Arc<Line>> {
        self.inner.lines.subscribe()
    }

    /// What was kept after event `last`, how many are gone, and a receiver of all that follow.
    pub(crate) fn since(&self, last: u64) -> (Vec<Arc<Line>>, u64, broadcast::Receiver<Arc<Line>>) {
        let recent = self.recent();
        let kept: Vec<_> = recent
            .1
            .iter()
            .filter(|line| line.id > last)
            .cloned()
            .collect();
        let first = kept.first().map_or(recent.0 + 1, |line| line.id);
        let gone = first.saturating_sub(last + 1);
        (kept, gone, self.lines())
    }
}
