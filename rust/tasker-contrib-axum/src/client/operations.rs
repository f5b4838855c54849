//! What operators ask and do. Core's gRPC API has none of it.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{json, Map, Value};
use uuid::Uuid;

use super::call::{Call, Operation};
use super::{read, ClientError, StepInfo, TaskerClient};

/// What became of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resolution {
    /// Nobody has looked at it.
    Pending,
    /// Somebody has repaired it.
    ManuallyResolved,
    /// It will not be done.
    PermanentlyFailed,
    /// The task was cancelled.
    Cancelled,
}

/// An entry of the dead letter queue: a task that stopped moving, and was given up. Fields that have no name here are in
/// [`more`](Self::more).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Identifies it.
    pub dlq_entry_uuid: Uuid,
    /// The task.
    pub task_uuid: Uuid,
    /// The task's state when it was put here.
    pub original_state: String,
    /// Such as `StalenessTimeout`.
    pub dlq_reason: String,
    /// Whether somebody has looked at it.
    pub resolution_status: Resolution,
    /// Everything else that the server says.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// The calls for operators, over REST; with gRPC they are `Invalid`.
impl TaskerClient {
    /// One step.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such task or step.
    pub async fn get_step(&self, task: Uuid, step: Uuid) -> Result<StepInfo, ClientError> {
        read(self.get("get_step", of_step(task, step), &[]).await?)
    }

    /// Lets a step in `error` run again. Its attempts go on counting. The server only moves the step; the task goes on when
    /// `tasker-recovery` looks at it next. `by` says who asks for it, for those who read the history.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such task or step, `Invalid` when the step is not in `error`.
    ///
    /// ```no_run
    /// # async fn run(client: tasker_contrib_axum::TaskerClient, task: uuid::Uuid) -> Result<(), tasker_contrib_axum::ClientError> {
    /// for step in client.steps(task).await? {
    ///     if step.current_state == "error" {
    ///         client.retry_step(task, step.step_uuid, "the bank is back", "ada").await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn retry_step(
        &self,
        task: Uuid,
        step: Uuid,
        reason: &str,
        by: &str,
    ) -> Result<StepInfo, ClientError> {
        let body = json!({"action_type": "reset_for_retry", "reason": reason, "reset_by": by});
        self.change_step("retry_step", task, step, body).await
    }

    /// Counts a step as done by hand. Later steps see no result of it.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such task or step, `Invalid` when the step is complete already.
    pub async fn resolve_step(
        &self,
        task: Uuid,
        step: Uuid,
        reason: &str,
        by: &str,
    ) -> Result<StepInfo, ClientError> {
        let body = json!({"action_type": "resolve_manually", "reason": reason, "resolved_by": by});
        self.change_step("resolve_step", task, step, body).await
    }

    /// Counts a step as done by hand, with the result that later steps see.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such task or step, `Invalid` when the step is complete already.
    pub async fn complete_step(
        &self,
        task: Uuid,
        step: Uuid,
        result: Value,
        reason: &str,
        by: &str,
    ) -> Result<StepInfo, ClientError> {
        let body = json!({"action_type": "complete_manually", "completion_data": {"result": result}, "reason": reason, "completed_by": by});
        self.change_step("complete_step", task, step, body).await
    }

    /// The executions of a step, with their results.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such task or step.
    pub async fn step_audit(&self, task: Uuid, step: Uuid) -> Result<Vec<Value>, ClientError> {
        let mut path = of_step(task, step);
        path.push("audit".to_owned());
        read(self.get("step_audit", path, &[]).await?)
    }

    /// A task without contexts and results: what a page may show to anybody.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such task.
    pub async fn task_summary(&self, task: Uuid) -> Result<Value, ClientError> {
        let path = path(["tasks", &task.to_string(), "summary"]);
        self.get("task_summary", path, &[]).await
    }

    /// The templates that workers have registered, of one namespace or of all.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn list_templates(&self, namespace: Option<&str>) -> Result<Vec<Value>, ClientError> {
        let query = namespace.map(|name| ("namespace", name.to_owned()));
        let answer = self.get("list_templates", path(["templates"]), query.as_slice());
        read(answer.await?["templates"].take())
    }

    /// A registered template with its steps.
    ///
    /// # Errors
    ///
    /// `NotFound` when no worker has registered it.
    pub async fn get_template(
        &self,
        namespace: &str,
        name: &str,
        version: &str,
    ) -> Result<Value, ClientError> {
        let path = path(["templates", namespace, name, version]);
        self.get("get_template", path, &[]).await
    }

    /// Counts and durations of the last hours.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn performance(&self, hours: u32) -> Result<Value, ClientError> {
        let path = path(["analytics", "performance"]);
        self.get("performance", path, &[("hours", hours.to_string())])
            .await
    }

    /// The steps and tasks that take longest, `limit` of each, without those that ran more rarely than `min_executions`.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn bottlenecks(&self, limit: u32, min_executions: u32) -> Result<Value, ClientError> {
        let query = [
            ("limit", limit.to_string()),
            ("min_executions", min_executions.to_string()),
        ];
        let path = path(["analytics", "bottlenecks"]);
        self.get("bottlenecks", path, &query).await
    }

    /// The dead letter queue, from an offset on.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn dead_letters(
        &self,
        resolution: Option<Resolution>,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<DeadLetter>, ClientError> {
        let mut query = vec![("limit", limit.to_string()), ("offset", offset.to_string())];
        if let Some(resolution) = resolution {
            query.push(("resolution_status", format!("{resolution:?}")));
        }
        read(self.get("dead_letters", path(["dlq"]), &query).await?)
    }

    /// The newest entry of a task in the dead letter queue.
    ///
    /// # Errors
    ///
    /// `NotFound` when it was never given up.
    pub async fn dead_letter(&self, task: Uuid) -> Result<DeadLetter, ClientError> {
        let path = path(["dlq", "task", &task.to_string()]);
        read(self.get("dead_letter", path, &[]).await?)
    }

    /// Says what became of an entry of the dead letter queue. The task stays as it is.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such entry.
    pub async fn update_dead_letter(
        &self,
        entry: Uuid,
        resolution: Resolution,
        notes: Option<&str>,
        by: &str,
    ) -> Result<(), ClientError> {
        let mut body = json!({"resolution_status": resolution, "resolved_by": by});
        if let Some(notes) = notes {
            body["resolution_notes"] = notes.into();
        }
        let path = path(["dlq", "entry", &entry.to_string()]);
        self.operate("update_dead_letter", Method::PATCH, path, &[], Some(body))
            .await
            .map(drop)
    }

    /// How many tasks were given up, by reason.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn dead_letter_stats(&self) -> Result<Vec<Value>, ClientError> {
        read(
            self.get("dead_letter_stats", path(["dlq", "stats"]), &[])
                .await?,
        )
    }

    /// The dead letters that nobody has looked at, the most urgent first.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn investigation_queue(&self, limit: u32) -> Result<Vec<Value>, ClientError> {
        let path = path(["dlq", "investigation-queue"]);
        let query = [("limit", limit.to_string())];
        read(self.get("investigation_queue", path, &query).await?)
    }

    /// Tasks by how long they have been in their state.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn stale_tasks(&self, limit: u32) -> Result<Vec<Value>, ClientError> {
        let query = [("limit", limit.to_string())];
        read(
            self.get("stale_tasks", path(["dlq", "staleness"]), &query)
                .await?,
        )
    }

    async fn get(
        &self,
        name: &'static str,
        path: Vec<String>,
        query: &[(&'static str, String)],
    ) -> Result<Value, ClientError> {
        self.operate(name, Method::GET, path, query, None).await
    }

    async fn change_step(
        &self,
        name: &'static str,
        task: Uuid,
        step: Uuid,
        body: Value,
    ) -> Result<StepInfo, ClientError> {
        let path = of_step(task, step);
        read(
            self.operate(name, Method::PATCH, path, &[], Some(body))
                .await?,
        )
    }

    async fn operate(
        &self,
        name: &'static str,
        method: Method,
        path: Vec<String>,
        query: &[(&'static str, String)],
        body: Option<Value>,
    ) -> Result<Value, ClientError> {
        let operation = Operation {
            name,
            method,
            path,
            query: query.to_vec(),
            body,
        };
        self.call(&Call::Operate(operation)).await.0
    }
}

fn of_step(task: Uuid, step: Uuid) -> Vec<String> {
    path([
        "tasks",
        &task.to_string(),
        "workflow_steps",
        &step.to_string(),
    ])
}

fn path<const N: usize>(parts: [&str; N]) -> Vec<String> {
    std::iter::once("v1")
        .chain(parts)
        .map(str::to_owned)
        .collect()
}
