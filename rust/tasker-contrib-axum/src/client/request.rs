//! The task that is to be created.

use serde::Serialize;
use serde_json::{json, Map, Value};
use uuid::Uuid;

use super::ClientError;
use crate::correlation::Correlation;
use crate::storable;

/// The key that [`NewTask::unique`] adds to the context.
const NONCE: &str = "nonce";

/// A task that is to be created.
///
/// The same template with the same context can exist once only, for ever. So a task either has something of its own in its context (an
/// order's id, say), or it is [`unique`](Self::unique), or meeting the existing one is what is wanted: [`idempotent`](Self::idempotent).
///
/// ```
/// use serde::Serialize;
/// use tasker_contrib_axum::NewTask;
///
/// #[derive(Serialize)]
/// struct Order { id: i64 }
///
/// let order = NewTask::new("shop", "order", Order { id: 7 }).version("1.2.0").idempotent();
/// let report = NewTask::new("shop", "daily_report", ()).unique().tag("nightly");
/// # let _ = (order, report);
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `TaskerClient::create_task`"]
pub struct NewTask {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) context: Result<Map<String, Value>, String>,
    pub(crate) idempotent: bool,
    initiator: Option<String>,
    source_system: String,
    reason: String,
    priority: Option<i32>,
    tags: Vec<String>,
    correlation: Option<Uuid>,
    parent_correlation: Option<Uuid>,
}

impl NewTask {
    /// A task of a template. The context is its steps' input: whatever serde writes as a JSON object; `()` is an empty one.
    pub fn new(
        namespace: impl Into<String>,
        name: impl Into<String>,
        context: impl Serialize,
    ) -> Self {
        let context = match serde_json::to_value(context) {
            Ok(Value::Object(context)) => Ok(context),
            Ok(Value::Null) => Ok(Map::new()),
            Ok(_) => Err("the context must be a JSON object".to_owned()),
            Err(error) => Err(format!("the context is not JSON: {error}")),
        };
        Self {
            namespace: namespace.into(),
            name: name.into(),
            version: "1.0.0".to_owned(),
            context,
            idempotent: false,
            initiator: None,
            source_system: "axum".to_owned(),
            reason: "requested by the application".to_owned(),
            priority: None,
            tags: Vec::new(),
            correlation: None,
            parent_correlation: None,
        }
    }

    /// The template's version, exactly; `1.0.0` by default.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Meeting the task that already exists is what is wanted: it is returned.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Adds a `nonce` to the context, so that the task is another one than all that exist.
    pub fn unique(mut self) -> Self {
        if let Ok(context) = &mut self.context {
            context.insert(NONCE.to_owned(), json!(Uuid::new_v4()));
        }
        self
    }

    /// Who asks for it; the client's initiator by default.
    pub fn initiator(mut self, initiator: impl Into<String>) -> Self {
        self.initiator = Some(initiator.into());
        self
    }

    /// Where the request comes from; `axum` by default.
    pub fn source_system(mut self, system: impl Into<String>) -> Self {
        self.source_system = system.into();
        self
    }

    /// Why, for people.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// -100 to 100; higher is more important.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Adds a word to filter by.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Follows a request through systems. Below a [`CorrelationLayer`](crate::CorrelationLayer) and in a step it is set by itself.
    pub fn correlation_id(mut self, id: Uuid) -> Self {
        self.correlation = Some(id);
        self
    }

    /// The correlation id of what led to this task. In a step it is set by itself.
    pub fn parent_correlation_id(mut self, id: Uuid) -> Self {
        self.parent_correlation = Some(id);
        self
    }

    /// The body of the request.
    pub(crate) fn body(&self, initiator: &str) -> Result<Value, ClientError> {
        let mut body = self.details();
        body.entry("initiator").or_insert_with(|| json!(initiator));
        body.insert("name".to_owned(), json!(self.name));
        body.insert("namespace".to_owned(), json!(self.namespace));
        body.insert("version".to_owned(), json!(self.version));
        body.insert("context".to_owned(), self.stored_context()?);
        if let Some(id) = self.correlation() {
            body.insert("correlation_id".to_owned(), json!(id));
        }
        Ok(Value::Object(body))
    }

    /// The context, if Core can store it.
    pub(crate) fn stored_context(&self) -> Result<Value, ClientError> {
        let context = Value::Object(self.context.clone().map_err(ClientError::invalid)?);
        match storable::problem(&context) {
            Some(why) => Err(ClientError::invalid(format!("the context {why}"))),
            None => Ok(context),
        }
    }

    /// Its own, or that of the request or the step in hand.
    pub(crate) fn correlation(&self) -> Option<Uuid> {
        let here = Correlation::current().map(|here| here.id);
        self.correlation.or(here)
    }

    /// What the server takes beside template, context and correlation id, in its words.
    pub(crate) fn details(&self) -> Map<String, Value> {
        let step = Correlation::current().filter(|here| here.step);
        let parent = self.parent_correlation.or(step.map(|here| here.id));
        let details = [
            ("initiator", self.initiator.as_ref().map(|who| json!(who))),
            ("source_system", Some(json!(self.source_system))),
            ("reason", Some(json!(self.reason))),
            ("tags", Some(json!(self.tags))),
            ("priority", self.priority.map(Value::from)),
            ("parent_correlation_id", parent.map(|id| json!(id))),
        ];
        let given = details.into_iter();
        given
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect()
    }
}
