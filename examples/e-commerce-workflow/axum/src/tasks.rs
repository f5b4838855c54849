//! Creates the tasks that orders need.
//!
//! A task is a row of the outbox, written in the transaction that makes it necessary. The relay creates it after the commit: whatever dies in between,
//! the row is there, and any process of the shop takes it up.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use tasker_contrib_axum::outbox::{Outbox, OutboxError, Relay};
use tasker_contrib_axum::{NewTask, Task, TaskerClient};
use tokio::sync::broadcast::{self, Receiver, Sender};
use uuid::Uuid;

use crate::orders::{OrderRef, Workflow};

const NAMESPACE: &str = "shop";
/// How often the relay looks for rows; customers wait for it.
const PERIOD: Duration = Duration::from_millis(50);
/// How long a request waits for its task before it is answered without.
const PATIENCE: Duration = Duration::from_secs(2);
/// Tasks that a waiting request may miss; it looks into the database then.
const UNHEARD: usize = 256;

const REQUEST: &str =
    "INSERT INTO order_tasks (order_id, workflow) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const FIND: &str = "SELECT task_uuid FROM order_tasks WHERE order_id = $1 AND workflow = $2";
const CREATED: &str =
    "UPDATE order_tasks SET task_uuid = $3, checked_at = now() WHERE order_id = $1 AND workflow = $2";

/// The outbox's table is one of the schema `shop`.
pub fn outbox() -> Outbox {
    Outbox::new()
}

/// Requests the task of an order, unless it was requested before.
///
/// # Errors
///
/// The database fails; the transaction is to be rolled back.
pub async fn request(
    transaction: &mut PgConnection,
    order: Uuid,
    workflow: Workflow,
) -> Result<(), OutboxError> {
    let requested = sqlx::query(REQUEST).bind(order).bind(workflow.name());
    if requested.execute(&mut *transaction).await?.rows_affected() == 0 {
        return Ok(());
    }
    enqueue(transaction, order, workflow, 0).await
}

/// Enqueues a task that is requested; `attempt` counts those that ended without having done their work.
///
/// # Errors
///
/// As [`request`].
pub async fn enqueue(
    transaction: &mut PgConnection,
    order_id: Uuid,
    workflow: Workflow,
    attempt: i32,
) -> Result<(), OutboxError> {
    let context = OrderRef { order_id, attempt };
    let task = NewTask::new(NAMESPACE, workflow.name(), context)
        .initiator("shop")
        .reason("an order needs it");
    outbox().enqueue(transaction, task).await?;
    Ok(())
}

/// A task that was created, and whose it is.
type Created = (Uuid, Workflow, Uuid);

/// The tasks of orders, as this process hears of them.
#[derive(Clone)]
pub struct Tasks {
    db: PgPool,
    created: Sender<Created>,
}

impl Tasks {
    pub fn new(db: PgPool) -> Self {
        let (created, _) = broadcast::channel(UNHEARD);
        Self { db, created }
    }

    /// What creates them; it is to be run.
    ///
    /// # Errors
    ///
    /// The outbox has no table.
    pub async fn relay(&self, tasker: TaskerClient) -> Result<Relay, OutboxError> {
        let heard = self.created.clone();
        let relay = Relay::new(outbox(), self.db.clone(), tasker).await?;
        Ok(relay
            .poll_every(PERIOD)
            .on_created(move |transaction, task| {
                let heard = heard.clone();
                Box::pin(async move {
                    let Some((order, workflow)) = order_of(task) else {
                        return Ok(());
                    };
                    let written = sqlx::query(CREATED).bind(order).bind(workflow.name());
                    written.bind(task.task_uuid).execute(transaction).await?;
                    // Nobody may be waiting.
                    let _ = heard.send((order, workflow, task.task_uuid));
                    Ok(())
                })
            }))
    }

    /// Begins to listen; to be called before the task is requested.
    pub fn listen(&self) -> Listening {
        Listening {
            db: self.db.clone(),
            created: self.created.subscribe(),
        }
    }
}

/// Hears of tasks that are created.
pub struct Listening {
    db: PgPool,
    created: Receiver<Created>,
}

impl Listening {
    /// The task of an order; nothing if it is not there soon, because Tasker or the database is away or busy. It follows then: its row is committed.
    pub async fn task_of(mut self, order: Uuid, workflow: Workflow) -> Option<Uuid> {
        let found = self.find(order, workflow).await;
        if found.is_some() {
            return found;
        }
        match tokio::time::timeout(PATIENCE, self.hear(order, workflow)).await {
            Ok(Some(task)) => Some(task),
            // Another process may have created it.
            _ => self.find(order, workflow).await,
        }
    }

    async fn hear(&mut self, order: Uuid, workflow: Workflow) -> Option<Uuid> {
        loop {
            match self.created.recv().await {
                Ok((of, what, task)) if (of, what) == (order, workflow) => return Some(task),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    async fn find(&self, order: Uuid, workflow: Workflow) -> Option<Uuid> {
        let task = sqlx::query_scalar(FIND).bind(order).bind(workflow.name());
        let found = task.fetch_optional(&self.db).await.unwrap_or_else(|error| {
            tracing::warn!(%error, %order, "the task of an order cannot be looked up");
            None
        });
        found.flatten()
    }
}

fn order_of(task: &Task) -> Option<(Uuid, Workflow)> {
    let context: OrderRef = serde_json::from_value(task.context.clone()).ok()?;
    Some((context.order_id, Workflow::named(&task.name)?))
}
