//! The step that a handler would be given, and one execution of it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{json, Map, Value};
use tasker_shared::messaging::StepExecutionResult;
use tasker_shared::models::core::task_template::StepDefinition;
use uuid::Uuid;

use crate::step::Store;
use crate::{dispatch, Handler, Handlers, Step, StepError};

const NO_OP_BATCH: &str = "000";
const SOME_DAY: &str = "2026-01-01T00:00:00";

/// Keeps checkpoints in memory.
#[derive(Default)]
pub(super) struct Recorder(Mutex<Vec<u64>>);

#[async_trait]
impl Store for Recorder {
    async fn save(&self, _step: &Step, cursor: u64, _items: u64) -> Result<(), StepError> {
        self.cursors().push(cursor);
        Ok(())
    }

    fn saved(&self) -> Vec<u64> {
        self.cursors().clone()
    }
}

impl Recorder {
    fn cursors(&self) -> std::sync::MutexGuard<'_, Vec<u64>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Makes the [`Step`] of a test; see [`step`].
#[derive(Clone, Debug)]
#[must_use = "give it to `run_step`, or call `build`"]
pub struct StepBuilder {
    callable: String,
    name: Option<String>,
    context: Value,
    results: BTreeMap<String, Value>,
    config: Map<String, Value>,
    retry_count: u32,
    max_attempts: u32,
    cursor: Option<Value>,
    no_op: bool,
    checkpoint: Option<u64>,
    timeout_seconds: Option<u32>,
    id: Uuid,
}

/// Starts the step of a test. What is not said is empty; it is the first of three attempts.
///
/// ```
/// use serde_json::json;
/// use tasker_contrib_axum::testing::step;
///
/// let charge = step("shop.charge")
///     .context(json!({"amount": 5}))
///     .result("validate_cart", json!({"total": 5}))
///     .config(json!({"currency": "EUR"}))
///     .retry_count(1)
///     .build();
/// assert_eq!(charge.context()["amount"], 5);
/// assert_eq!(charge.ancestors(), ["validate_cart"]);
/// assert_eq!(charge.retry_count(), 1);
/// ```
pub fn step(callable: impl Into<String>) -> StepBuilder {
    StepBuilder {
        callable: callable.into(),
        name: None,
        context: json!({}),
        results: BTreeMap::new(),
        config: Map::new(),
        retry_count: 0,
        max_attempts: 3,
        cursor: None,
        no_op: false,
        checkpoint: None,
        timeout_seconds: None,
        id: Uuid::now_v7(),
    }
}

impl StepBuilder {
    /// The task's context: what the task was created with.
    ///
    /// # Panics
    ///
    /// When serde cannot write it.
    pub fn context(mut self, context: impl Serialize) -> Self {
        self.context = written("the context", context);
        self
    }

    /// What an earlier step returned.
    ///
    /// # Panics
    ///
    /// When serde cannot write it.
    pub fn result(mut self, step: impl Into<String>, result: impl Serialize) -> Self {
        self.results
            .insert(step.into(), written("a result", result));
        self
    }

    /// `handler.initialization` of the template.
    ///
    /// # Panics
    ///
    /// When serde does not write it as a JSON object.
    pub fn config(mut self, config: impl Serialize) -> Self {
        let Value::Object(config) = written("the configuration", config) else {
            panic!("handler.initialization is a JSON object");
        };
        self.config = config;
        self
    }

    /// How often the step was tried before.
    pub fn retry_count(mut self, attempts: u32) -> Self {
        self.retry_count = attempts;
        self
    }

    /// How often it is tried at most, the first attempt included.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Makes it an instance of a batch worker that has to do this range.
    pub fn batch(mut self, range: Range<u64>) -> Self {
        self.cursor = Some(cursor("001", range));
        self
    }

    /// Makes it the placeholder of a batch worker that has nothing to do.
    pub fn no_op(mut self) -> Self {
        self.cursor = Some(cursor(NO_OP_BATCH, 0..0));
        self.no_op = true;
        self
    }

    /// How far an earlier attempt of the batch worker came.
    pub fn checkpoint(mut self, cursor: u64) -> Self {
        self.checkpoint = Some(cursor);
        self
    }

    /// The step's name; the callable by default.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The step's UUID, which is its idempotency key; a new one by default.
    pub fn idempotency_key(mut self, id: Uuid) -> Self {
        self.id = id;
        self
    }

    /// The template's `timeout_seconds`.
    pub fn timeout_seconds(mut self, seconds: u32) -> Self {
        self.timeout_seconds = Some(seconds);
        self
    }

    /// The step.
    pub fn build(self) -> Step {
        let name = self.name.unwrap_or_else(|| self.callable.clone());
        let mut inputs = self.config.clone();
        if let Some(cursor) = self.cursor {
            inputs.insert("cursor".to_owned(), cursor);
            inputs.insert("is_no_op".to_owned(), json!(self.no_op));
        }
        let definition = json!({
            "name": name,
            "handler": {"callable": self.callable, "initialization": self.config},
            "retry": {"max_attempts": self.max_attempts},
            "timeout_seconds": self.timeout_seconds,
        });
        let definition = serde_json::from_value(definition);
        Given {
            id: self.id,
            name: &name,
            definition: &definition.expect("a step definition of Core 0.1.8"),
            context: &self.context,
            results: self.results,
            inputs: inputs.into(),
            attempts: self.retry_count,
            checkpoint: self.checkpoint,
        }
        .step()
    }
}

impl From<StepBuilder> for Step {
    fn from(builder: StepBuilder) -> Self {
        builder.build()
    }
}

fn written(what: &str, value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| panic!("{what} is not JSON: {error}"))
}

fn cursor(id: &str, range: Range<u64>) -> Value {
    let size = range.end.saturating_sub(range.start);
    json!({"batch_id": id, "start_cursor": range.start, "end_cursor": range.end, "batch_size": size})
}

/// Everything that Core tells about a step.
pub(super) struct Given<'a> {
    pub(super) id: Uuid,
    pub(super) name: &'a str,
    pub(super) definition: &'a StepDefinition,
    pub(super) context: &'a Value,
    pub(super) results: BTreeMap<String, Value>,
    pub(super) inputs: Value,
    pub(super) attempts: u32,
    pub(super) checkpoint: Option<u64>,
}

impl Given<'_> {
    /// Puts it together as Core's worker hands it over.
    pub(super) fn step(self) -> Step {
        let task = Uuid::now_v7();
        let results: BTreeMap<_, _> = self
            .results
            .into_iter()
            .map(|(step, result)| {
                let done = StepExecutionResult::success(Uuid::now_v7(), result, 0, None);
                (step, done)
            })
            .collect();
        let core = json!({
            "task": {
                "task": {
                    "task_uuid": task, "named_task_uuid": Uuid::nil(), "complete": false, "requested_at": SOME_DAY,
                    "context": self.context, "identity_hash": "", "priority": 0, "created_at": SOME_DAY, "updated_at": SOME_DAY,
                    "correlation_id": Uuid::now_v7(),
                },
                "task_name": "test", "task_version": "1.0.0", "namespace_name": "test",
            },
            "workflow_step": {
                "workflow_step_uuid": self.id, "task_uuid": task, "named_step_uuid": Uuid::nil(), "name": self.name,
                "template_step_name": self.definition.name, "retryable": self.definition.retry.retryable,
                "max_attempts": self.definition.retry.max_attempts, "in_process": true, "processed": false, "attempts": self.attempts,
                "inputs": self.inputs, "checkpoint": self.checkpoint.map(|cursor| json!({"cursor": cursor})), "created_at": SOME_DAY,
                "updated_at": SOME_DAY,
            },
            "dependency_results": results,
            "step_definition": self.definition,
        });
        Step {
            core: Arc::new(serde_json::from_value(core).expect("a step of Core 0.1.8")),
            store: Arc::new(Recorder::default()),
        }
    }
}

/// Executes one handler as a worker does: extractors, `timeout_seconds`, and panics included.
///
/// ```
/// use tasker_contrib_axum::testing::{run_step, step};
/// use tasker_contrib_axum::{State, StepError};
///
/// async fn greet(State(greeting): State<String>) -> Result<String, StepError> {
///     Ok(greeting)
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let greeted = run_step(greet, step("hello.greet"), "Hello".to_owned()).await;
/// assert_eq!(greeted.unwrap(), "Hello");
/// # });
/// ```
///
/// # Errors
///
/// What the worker would report: the handler's own error, an argument that cannot be made, a timeout, a panic.
pub async fn run_step<A, S>(
    handler: impl Handler<A, S>,
    step: impl Into<Step>,
    state: S,
) -> Result<Value, StepError>
where
    A: 'static,
    S: Clone + Send + Sync + 'static,
{
    let step = step.into();
    let handlers = Handlers::new().add(step.callable(), handler);
    dispatch::call(&handlers.with_state(state), &step).await
}

/// Executes the handler that is registered for the step's callable.
///
/// ```
/// use tasker_contrib_axum::testing::{run_registered, step};
/// use tasker_contrib_axum::{Handlers, StepError};
///
/// async fn greet() -> Result<&'static str, StepError> {
///     Ok("Hello")
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let handlers = Handlers::new().add("hello.greet", greet);
/// assert_eq!(run_registered(&handlers, &step("hello.greet").build()).await.unwrap(), "Hello");
/// assert!(run_registered(&handlers, &step("hello.gret").build()).await.is_err());
/// # });
/// ```
///
/// # Errors
///
/// As [`run_step`], and when no handler is registered.
pub async fn run_registered(handlers: &Handlers, step: &Step) -> Result<Value, StepError> {
    dispatch::call(handlers, step).await
}

/// The cursors that a batch worker stored while it worked on this step.
///
/// ```
/// use tasker_contrib_axum::testing::{checkpoints, run_step, step};
/// use tasker_contrib_axum::{Batch, StepError};
///
/// async fn process(batch: Batch) -> Result<(), StepError> {
///     for row in batch.remaining() {
///         batch.checkpoint(row + 1).await?;
///     }
///     Ok(())
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let step = step("rows.process").batch(0..4).checkpoint(2).build();
/// run_step(process, step.clone(), ()).await.unwrap();
/// assert_eq!(checkpoints(&step), [3, 4]);
/// # });
/// ```
pub fn checkpoints(step: &Step) -> Vec<u64> {
    step.store.saved()
}
