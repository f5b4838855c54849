//! Tasks and steps as the server describes them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// States in which nothing more happens by itself.
pub(crate) const END_STATES: [&str; 5] = [
    "complete",
    "error",
    "cancelled",
    "resolved_manually",
    "blocked_by_failures",
];

/// A task as the server describes it. Fields that have no name here are in [`more`](Self::more).
///
/// ```
/// # use tasker_contrib_axum::Task;
/// fn progress(task: &Task) -> String {
///     format!("{} of {} steps, {}", task.completed_steps, task.total_steps, task.status)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Task {
    /// Identifies it.
    pub task_uuid: Uuid,
    /// The template's name.
    pub name: String,
    /// The template's namespace.
    pub namespace: String,
    /// The template's version.
    pub version: String,
    /// Its state, such as `steps_in_process` or `complete`. In lists the server says only `pending` and `completed`.
    pub status: String,
    /// The input of its steps.
    #[serde(default)]
    pub context: Value,
    /// When it was created, as RFC 3339.
    #[serde(default)]
    pub created_at: Option<String>,
    /// When it was completed, as RFC 3339.
    #[serde(default)]
    pub completed_at: Option<String>,
    /// Follows a request through systems.
    #[serde(default)]
    pub correlation_id: Option<Uuid>,
    /// Steps that exist so far.
    #[serde(default)]
    pub total_steps: i64,
    /// Steps that are complete.
    #[serde(default)]
    pub completed_steps: i64,
    /// Steps that failed for good.
    #[serde(default)]
    pub failed_steps: i64,
    /// Steps that are being executed.
    #[serde(default)]
    pub in_progress_steps: i64,
    /// Of all steps that exist so far, 0 to 100.
    #[serde(default)]
    pub completion_percentage: f64,
    /// Everything else that the server says.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Task {
    /// Whether nothing more happens by itself.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        END_STATES.contains(&self.status.as_str()) || self.status == "completed"
    }

    /// Whether all steps are complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self.status.as_str(), "complete" | "completed")
    }
}

/// A step of a task as the server describes it. Fields that have no name here are in [`more`](Self::more).
///
/// ```
/// # use tasker_contrib_axum::{ClientError, TaskerClient};
/// # use uuid::Uuid;
/// async fn receipt(client: &TaskerClient, task: Uuid) -> Result<Option<i64>, ClientError> {
///     let steps = client.steps(task).await?;
///     let charge = steps.iter().find(|step| step.name == "charge");
///     Ok(charge.and_then(|step| step.result()?.get("receipt")?.as_i64()))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepInfo {
    /// Identifies it.
    pub step_uuid: Uuid,
    /// Identifies its task.
    pub task_uuid: Uuid,
    /// Its name.
    pub name: String,
    /// Such as `in_progress`, `waiting_for_retry` or `complete`.
    pub current_state: String,
    /// Executions so far.
    #[serde(default)]
    pub attempts: i32,
    /// How many executions there may be.
    #[serde(default)]
    pub max_attempts: i32,
    /// What the last execution left: `result`, `error`, `metadata`; nothing before it.
    #[serde(default)]
    pub results: Option<Value>,
    /// Everything else that the server says.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl StepInfo {
    /// What the handler returned.
    #[must_use]
    pub fn result(&self) -> Option<&Value> {
        self.results.as_ref()?.get("result")
    }

    /// `message`, `error_type`, `retryable` of the last failure.
    #[must_use]
    pub fn error(&self) -> Option<&Value> {
        let error = self.results.as_ref()?.get("error")?;
        (!error.is_null()).then_some(error)
    }
}

/// One page of a list of tasks, the newest first.
///
/// ```no_run
/// use tasker_contrib_axum::{TaskQuery, TaskerClient};
///
/// # async fn run(client: TaskerClient) -> Result<(), tasker_contrib_axum::ClientError> {
/// let page = client.list_tasks(TaskQuery::default()).await?;
/// for task in &page.tasks {
///     println!("{}", task.task_uuid);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskPage {
    /// The tasks of the page.
    pub tasks: Vec<Task>,
    /// Its number, from 1.
    pub page: u32,
    /// How many tasks a page has.
    pub per_page: u32,
    /// How many tasks there are.
    pub total: u64,
    /// Whether another page follows.
    pub has_next: bool,
}

/// Which tasks to list; see [`TaskerClient::list_tasks`](crate::TaskerClient::list_tasks).
///
/// ```
/// use tasker_contrib_axum::TaskQuery;
///
/// let newest = TaskQuery::default().namespace("shop").per_page(10);
/// # assert!(format!("{newest:?}").contains("shop"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TaskQuery {
    pub(crate) namespace: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) initiator: Option<String>,
    pub(crate) page: Option<u32>,
    pub(crate) per_page: Option<u32>,
}

impl TaskQuery {
    /// Only tasks of this namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Only tasks that are complete, or only those that are not.
    #[must_use]
    pub fn completed(mut self, completed: bool) -> Self {
        self.status = Some(if completed { "completed" } else { "pending" }.to_owned());
        self
    }

    /// Only tasks that this one created.
    #[must_use]
    pub fn initiator(mut self, initiator: impl Into<String>) -> Self {
        self.initiator = Some(initiator.into());
        self
    }

    /// The page, from 1.
    #[must_use]
    pub fn page(mut self, page: u32) -> Self {
        self.page = Some(page);
        self
    }

    /// How many tasks a page has, 1 to 100; 25 by default.
    #[must_use]
    pub fn per_page(mut self, tasks: u32) -> Self {
        self.per_page = Some(tasks);
        self
    }
}

/// The pauses between two looks at a task: short at first and after a change.
pub(crate) struct Pauses(Duration);

impl Pauses {
    const SHORTEST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(2);

    pub(crate) fn new() -> Self {
        Self(Self::SHORTEST)
    }

    pub(crate) fn changed(&mut self) {
        self.0 = Self::SHORTEST;
    }

    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 3 / 2).min(Self::LONGEST);
        pause
    }
}
