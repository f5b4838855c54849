//! The step that a handler works on.

use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tasker_shared::types::TaskSequenceStep;
use uuid::Uuid;

use crate::StepError;

/// The step that a handler works on: what Core knows about it, and its place in the task.
///
/// ```
/// use tasker_contrib_axum::{Step, StepError};
///
/// // The id stays the same when a step is retried: a key for effects that must happen once.
/// async fn charge(step: Step) -> Result<String, StepError> {
///     Ok(format!("{}-{}", step.task_id(), step.name()))
/// }
/// ```
#[derive(Clone)]
pub struct Step {
    pub(crate) core: Arc<TaskSequenceStep>,
    pub(crate) store: Arc<dyn Store>,
}

impl Step {
    /// Core's own record of it, for what this type does not offer.
    pub fn core(&self) -> &TaskSequenceStep {
        &self.core
    }

    /// Its name; a batch worker's instance is `{worker}_{batch_id}`.
    pub fn name(&self) -> &str {
        &self.core.workflow_step.name
    }

    /// The step of the task template that it was made from.
    pub fn template_name(&self) -> &str {
        &self.core.step_definition.name
    }

    /// The callable of the template, under which the handler is registered.
    pub fn callable(&self) -> &str {
        &self.core.step_definition.handler.callable
    }

    /// Identifies the task.
    pub fn task_id(&self) -> Uuid {
        self.core.task.task.task_uuid
    }

    /// Identifies the step within all tasks. The same in each attempt, so it is the [`IdempotencyKey`](crate::IdempotencyKey) for effects outside.
    pub fn id(&self) -> Uuid {
        self.core.workflow_step.workflow_step_uuid
    }

    /// Follows a request through task and steps; equal to the trace id of the request that created the task, when there was one.
    pub fn correlation_id(&self) -> Uuid {
        self.core.task.task.correlation_id
    }

    /// How often the step was tried before; 0 in the first attempt.
    pub fn retry_count(&self) -> u32 {
        u32::try_from(self.core.workflow_step.attempts.unwrap_or(0)).unwrap_or(0)
    }

    /// How often it is tried at most, the first attempt included.
    pub fn max_attempts(&self) -> u32 {
        let limit = self.core.workflow_step.max_attempts.unwrap_or(3);
        u32::try_from(limit).unwrap_or(3)
    }

    /// The task's context.
    pub fn context(&self) -> &Value {
        self.core.task.task.context.as_ref().unwrap_or(&Value::Null)
    }

    /// `handler.initialization` of the template, as one value.
    pub fn config(&self) -> Value {
        let entries = self.core.step_definition.handler.initialization.clone();
        Value::Object(entries.into_iter().collect())
    }

    /// Whether this is the placeholder that Core makes of a batch worker when the analyzer found nothing to do. Only handlers that do not take
    /// a [`Batch`](crate::Batch) see one.
    pub fn is_no_op(&self) -> bool {
        self.inputs().get("is_no_op") == Some(&Value::Bool(true))
    }

    pub(crate) fn inputs(&self) -> &Value {
        self.core
            .workflow_step
            .inputs
            .as_ref()
            .unwrap_or(&Value::Null)
    }

    /// The result of an ancestor, or nothing if that step did not run.
    pub fn result(&self, step: &str) -> Option<&Value> {
        self.core
            .dependency_results
            .get(step)
            .map(|done| &done.result)
    }

    /// Names of all ancestors that have a result, sorted.
    pub fn ancestors(&self) -> Vec<&str> {
        let mut names: Vec<_> = self
            .core
            .dependency_results
            .keys()
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        names
    }
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Step")
            .field("name", &self.name())
            .field("id", &self.id())
            .field("task_id", &self.task_id())
            .finish_non_exhaustive()
    }
}

/// Where the checkpoints of a [`Step`] go: Core's database, or a test.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    async fn save(&self, step: &Step, cursor: u64, items: u64) -> Result<(), StepError>;

    /// What was saved, where that can be asked.
    #[cfg(feature = "testing")]
    fn saved(&self) -> Vec<u64> {
        Vec::new()
    }
}

/// Reads a value as a type; the error has the path of the field that does not fit, and never the value.
pub(crate) fn read<T: DeserializeOwned>(what: &str, value: &Value) -> Result<T, StepError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." {
            String::new()
        } else {
            format!(" at `{path}`")
        };
        StepError::validation(format!("{what}{place}: {}", error.inner()))
    })
}
