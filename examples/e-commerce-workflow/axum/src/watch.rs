//! Notices tasks that failed for good, and has their orders compensated.
//!
//! It looks at once when a step has failed, and again and again for what was missed: by a process that died, by one whose events nobody heard.
//! Doing it twice changes nothing, so any number of processes may do it.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::PgPool;
use tasker_contrib_axum::outbox::OutboxError;
use tasker_contrib_axum::{ClientError, EventKind, TaskerClient, TaskerEvent};
use tokio::sync::broadcast::{error::RecvError, Receiver};
use tokio::time::Instant;
use uuid::Uuid;

use crate::orders::{self, Workflow};
use crate::tasks;

/// How often it looks for what was missed.
const PERIOD: Duration = Duration::from_millis(500);
/// How long a task goes on without being looked at.
const UNSEEN_SECONDS: f64 = 5.0;
const LOOKED_AT_A_TIME: i64 = 5;
/// How long a task is watched closely after one of its steps has failed.
const WATCHED: Duration = Duration::from_secs(30);

/// Watches the tasks of orders.
pub struct Watch {
    db: PgPool,
    tasker: TaskerClient,
}

impl Watch {
    pub fn new(db: PgPool, tasker: TaskerClient) -> Self {
        Self { db, tasker }
    }

    /// Works until it is dropped. `events` are those of the worker in this process.
    pub async fn run(self, mut events: Receiver<TaskerEvent>) {
        let mut suspects: HashMap<Uuid, Instant> = HashMap::new();
        let mut next = Instant::now();
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Ok(event) if event.kind == EventKind::StepFailed => {
                        suspects.extend(event.task_id.map(|task| (task, Instant::now())));
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                () = tokio::time::sleep_until(next) => {
                    if let Err(error) = self.round(&mut suspects).await {
                        tracing::warn!(%error, "a round of looking at tasks failed; the next one follows");
                    }
                    next = Instant::now() + PERIOD;
                }
            }
        }
    }

    async fn round(&self, suspects: &mut HashMap<Uuid, Instant>) -> anyhow::Result<()> {
        for task in suspects.keys().copied().collect::<Vec<_>>() {
            if self.try_reconcile(task).await {
                suspects.remove(&task);
            }
        }
        suspects.retain(|_, since| since.elapsed() < WATCHED);
        for task in self.overdue().await? {
            self.try_reconcile(task).await;
        }
        Ok(())
    }

    /// One task that cannot be looked at must not keep the others from it.
    async fn try_reconcile(&self, task: Uuid) -> bool {
        self.reconcile(task).await.unwrap_or_else(|error| {
            tracing::warn!(%error, %task, "a task could not be looked at; it is retried");
            false
        })
    }

    /// Tasks that nobody has looked at for a while, although their orders go on.
    async fn overdue(&self) -> sqlx::Result<Vec<Uuid>> {
        sqlx::query_scalar(
            "UPDATE order_tasks SET checked_at = now() WHERE (order_id, workflow) IN (
                SELECT order_id, workflow FROM order_tasks
                WHERE outcome IS NULL AND task_uuid IS NOT NULL AND checked_at < now() - make_interval(secs => $1)
                ORDER BY checked_at LIMIT $2 FOR UPDATE SKIP LOCKED)
             RETURNING task_uuid",
        )
        .bind(UNSEEN_SECONDS)
        .bind(LOOKED_AT_A_TIME)
        .fetch_all(&self.db)
        .await
    }

    /// Writes down how a task ended, and has a failed order compensated. False while it goes on.
    async fn reconcile(&self, task: Uuid) -> anyhow::Result<bool> {
        let state = self.tasker.get_task(task).await?;
        let outcome = match state.status.as_str() {
            "complete" => "complete",
            "blocked_by_failures" | "error" | "cancelled" => "failed",
            // After a failure that will be tried again there is nothing to see.
            status => return Ok(status == "waiting_for_retry"),
        };
        // Asked for before the transaction: no connection of the database waits for another service.
        let reason = match outcome {
            "failed" => self.reason(task).await?,
            _ => String::new(),
        };
        let mut transaction = self.db.begin().await?;
        let row: Option<(Uuid, String)> = sqlx::query_as(
            "UPDATE order_tasks SET outcome = $2 WHERE task_uuid = $1 AND outcome IS NULL RETURNING order_id, workflow",
        )
        .bind(task)
        .bind(outcome)
        .fetch_optional(&mut *transaction)
        .await?;
        if let Some((order, workflow)) = row {
            if outcome == "failed" {
                if workflow == Workflow::Compensate.name() {
                    tracing::error!(%order, %task, "an order could not be compensated; repair its task");
                } else {
                    compensate(&mut transaction, order, task, &reason).await?;
                }
            } else if renew(&mut transaction, order, &workflow).await? {
                tracing::warn!(%order, %task, workflow, "a task ended without having done its work; the order gets another one");
            }
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Which step of a task failed, and why.
    async fn reason(&self, task: Uuid) -> Result<String, ClientError> {
        let steps = self.tasker.steps(task).await?;
        let failed = steps.iter().find(|step| step.current_state == "error");
        Ok(failed.map_or_else(
            || "its task failed".to_owned(),
            |step| {
                let error = step.error();
                let text =
                    error.and_then(|error| error.get("message")?.as_str().or(error.as_str()));
                format!("{}: {}", step.name, text.unwrap_or("failed"))
            },
        ))
    }
}

/// Has a failed order compensated, unless that is under way or cannot help any more.
async fn compensate(
    transaction: &mut sqlx::Transaction<'_, sqlx::Postgres>,
    order: Uuid,
    task: Uuid,
    reason: &str,
) -> Result<(), OutboxError> {
    let Some(held) = orders::hold(transaction, order).await? else {
        return Ok(());
    };
    match held.status.as_str() {
        // The parcel is on its way: money and goods are where they belong, and only the mail is missing.
        "shipped" | "completed" => {
            tracing::error!(%order, %task, reason, "a shipped order has failed; repair its task")
        }
        _ if held.is_closed() => {}
        _ => {
            tracing::info!(%order, %task, reason, "an order has failed and is compensated");
            orders::set_status(transaction, order, "compensating", Some(reason)).await?;
            tasks::request(transaction, order, Workflow::Compensate).await?;
        }
    }
    Ok(())
}

/// Requests a task again whose work is not done although it is complete; says whether that was so. Under load Tasker Core 0.1.8 now and then begins a
/// task twice in the same moment: one of the two starts its steps, the other finds none to start and closes it.
async fn renew(
    transaction: &mut sqlx::Transaction<'_, sqlx::Postgres>,
    order: Uuid,
    workflow: &str,
) -> Result<bool, OutboxError> {
    let renewed: Option<i32> = sqlx::query_scalar(
        "UPDATE order_tasks t SET task_uuid = NULL, outcome = NULL, attempt = attempt + 1 FROM orders o
         WHERE t.order_id = $1 AND t.workflow = $2 AND o.order_id = t.order_id
           AND o.status NOT IN ('in_review', 'completed', 'cancelled')
           AND NOT EXISTS (SELECT 1 FROM order_tasks later
               WHERE later.order_id = t.order_id AND later.requested_at > t.requested_at)
         RETURNING attempt",
    )
    .bind(order)
    .bind(workflow)
    .fetch_optional(&mut **transaction)
    .await?;
    let (Some(attempt), Some(workflow)) = (renewed, Workflow::named(workflow)) else {
        return Ok(false);
    };
    tasks::enqueue(transaction, order, workflow, attempt).await?;
    Ok(true)
}
