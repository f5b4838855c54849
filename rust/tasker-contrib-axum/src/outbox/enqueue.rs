//! Writes a row, in the transaction that the application has open.

use serde_json::{json, Map, Value};
use sqlx::types::Json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Outbox, OutboxError};
use crate::{storable, NewTask};

// The lock makes the second of two transactions with the same key wait for the first one's end, so that the ids of a key are in the order
// of the commits. Without a key it locks nothing.
const INSERT: &str = "
with key_lock as materialized (
    select pg_advisory_xact_lock(hashtextextended('{table}' || ':' || $6::text, 0))
)
insert into {table} (namespace, name, version, context, options, ordering_key, correlation_id)
select $1::text, $2::text, $3::text, $4::jsonb, $5::jsonb, $6::text, $7::uuid from key_lock
returning id";

/// What the server takes.
const PRIORITIES: std::ops::RangeInclusive<i64> = -100..=100;

/// A row that was written. The task has no UUID before a relay has created it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Enqueued {
    /// The row's.
    pub id: i64,
    /// The one that the task will have: find it by this in logs.
    pub correlation_id: Uuid,
}

impl Outbox {
    /// Writes a task into the open transaction: one statement, and no call of the server. The task is created soon after the commit, and never when
    /// the transaction is rolled back.
    ///
    /// It takes a connection and no pool, so that the row is not in another transaction by mistake: `&mut transaction` is one.
    /// [`NewTask::idempotent`] means that a task which somebody else created with this template and context will do; without it such a row is
    /// dead, and a person decides. The correlation id is that of the request or step in hand, unless the task has its own.
    ///
    /// # Errors
    ///
    /// [`OutboxError::Invalid`] when the task cannot be stored (nothing is written, and the transaction can go on), [`OutboxError::NoTable`], and
    /// [`OutboxError::Database`].
    ///
    /// ```no_run
    /// use axum::extract::State;
    /// use axum::http::StatusCode;
    /// use sqlx::PgPool;
    /// use tasker_contrib_axum::outbox::{Outbox, OutboxError};
    /// use tasker_contrib_axum::NewTask;
    ///
    /// async fn sign_up(State(db): State<PgPool>, email: String) -> Result<StatusCode, OutboxError> {
    ///     let mut transaction = db.begin().await?;
    ///     let insert = sqlx::query("insert into members (email) values ($1)").bind(&email);
    ///     insert.execute(&mut *transaction).await?;
    ///     let welcome = NewTask::new("members", "welcome", serde_json::json!({"email": email}));
    ///     Outbox::new().enqueue(&mut transaction, welcome).await?;
    ///     transaction.commit().await?;
    ///     Ok(StatusCode::CREATED)
    /// }
    /// ```
    pub async fn enqueue(
        &self,
        connection: &mut PgConnection,
        task: NewTask,
    ) -> Result<Enqueued, OutboxError> {
        self.insert(connection, task, None).await
    }

    /// The same for tasks that are to be created in the order of their commits: those with the same key. A second transaction with the key waits for
    /// the end of the first one, so use keys that few transactions share, such as the number of an order.
    ///
    /// # Errors
    ///
    /// Those of [`enqueue`](Self::enqueue).
    ///
    /// ```no_run
    /// # use tasker_contrib_axum::outbox::{Outbox, OutboxError};
    /// # use tasker_contrib_axum::NewTask;
    /// # async fn run(outbox: Outbox, mut transaction: sqlx::PgTransaction<'_>) -> Result<(), OutboxError> {
    /// let cancel = NewTask::new("shop", "cancel", serde_json::json!({"order_id": 7}));
    /// outbox.enqueue_in_order(&mut transaction, "order-7", cancel).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn enqueue_in_order(
        &self,
        connection: &mut PgConnection,
        ordering_key: &str,
        task: NewTask,
    ) -> Result<Enqueued, OutboxError> {
        if ordering_key.contains('\0') {
            let why = "the ordering key has a NUL character, which PostgreSQL cannot store";
            return Err(OutboxError::invalid(why));
        }
        self.insert(connection, task, Some(ordering_key)).await
    }

    async fn insert(
        &self,
        connection: &mut PgConnection,
        task: NewTask,
        ordering_key: Option<&str>,
    ) -> Result<Enqueued, OutboxError> {
        let Columns {
            context,
            options,
            correlation_id,
        } = columns(&task)?;
        let id = sqlx::query_scalar(&self.sql(INSERT))
            .bind(&task.namespace)
            .bind(&task.name)
            .bind(&task.version)
            .bind(Json(context))
            .bind(Json(options))
            .bind(ordering_key)
            .bind(correlation_id)
            .fetch_one(connection)
            .await
            .map_err(|error| OutboxError::of(self.table(), error))?;
        tracing::debug!(outbox_row = id, %correlation_id, "a task was enqueued");
        Ok(Enqueued { id, correlation_id })
    }
}

/// What a row has beside the names.
struct Columns {
    context: Value,
    options: Map<String, Value>,
    correlation_id: Uuid,
}

/// Checked before anything is written, because a statement that fails would end the application's transaction.
fn columns(task: &NewTask) -> Result<Columns, OutboxError> {
    let context = task.stored_context().map_err(OutboxError::Invalid)?;
    let mut options = task.details();
    check(task, &options).map_err(OutboxError::invalid)?;
    if task.idempotent {
        options.insert("on_conflict".to_owned(), json!("ignore"));
    }
    Ok(Columns {
        context,
        options,
        correlation_id: task.correlation().unwrap_or_else(Uuid::new_v4),
    })
}

fn check(task: &NewTask, options: &Map<String, Value>) -> Result<(), String> {
    let mut texts = options.clone();
    for (what, text) in [
        ("namespace", &task.namespace),
        ("name", &task.name),
        ("version", &task.version),
    ] {
        if text.is_empty() {
            return Err(format!("the template's {what} is empty"));
        }
        texts.insert(what.to_owned(), json!(text));
    }
    if let Some(why) = storable::problem(&Value::Object(texts)) {
        return Err(format!("the task {why}"));
    }
    match options.get("priority").and_then(Value::as_i64) {
        Some(priority) if !PRIORITIES.contains(&priority) => {
            Err(format!("priority must be -100 to 100, not {priority}"))
        }
        _ => Ok(()),
    }
}
