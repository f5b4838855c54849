//! The rows, and what a relay does with them.

use std::time::Duration;

use serde_json::Value;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Json;
use sqlx::{FromRow, Row as _};
use uuid::Uuid;

use super::Outbox;
use crate::storable;

pub(super) const COLUMNS: &str = "id, to_json(created_at) #>> '{}' as created_at, namespace, name, version, context, \
    correlation_id, options, ordering_key, attempts, last_error, to_json(dead_at) #>> '{}' as dead_at";

// Of a key only the oldest row is due, and a dead one holds the others back.
const CLAIM: &str = "
select {columns} from {table} o
where dead_at is null and not_before <= now() and (
    ordering_key is null
    or not exists (select 1 from {table} p where p.ordering_key = o.ordering_key and p.id < o.id)
)
order by id limit 1 for update of o skip locked";

/// A task that is to be created.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OutboxRow {
    /// Rows with the same key are relayed in the order of their ids.
    pub id: i64,
    /// When it was written, as RFC 3339.
    pub created_at: String,
    /// The template's namespace.
    pub namespace: String,
    /// The template's name.
    pub name: String,
    /// The template's version.
    pub version: String,
    /// The task's.
    pub context: Value,
    /// The task's.
    pub correlation_id: Uuid,
    /// What else the server gets, in its words, and `on_conflict`.
    pub options: Value,
    /// See [`Outbox::enqueue_in_order`].
    pub ordering_key: Option<String>,
    /// Tries that failed. A server that is away is no failure of a row.
    pub attempts: i32,
    /// Why the last try created no task.
    pub last_error: Option<String>,
    /// Since when a relay leaves it to a person, as RFC 3339; nothing while it is open.
    pub dead_at: Option<String>,
}

impl std::fmt::Display for OutboxRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            id,
            namespace,
            name,
            version,
            ..
        } = self;
        write!(f, "outbox row {id} ({namespace}/{name} {version})")
    }
}

impl FromRow<'_, PgRow> for OutboxRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let Json(context) = row.try_get("context")?;
        let Json(options) = row.try_get("options")?;
        Ok(Self {
            id: row.try_get("id")?,
            created_at: row.try_get("created_at")?,
            namespace: row.try_get("namespace")?,
            name: row.try_get("name")?,
            version: row.try_get("version")?,
            context,
            correlation_id: row.try_get("correlation_id")?,
            options,
            ordering_key: row.try_get("ordering_key")?,
            attempts: row.try_get("attempts")?,
            last_error: row.try_get("last_error")?,
            dead_at: row.try_get("dead_at")?,
        })
    }
}

/// The next row that is due and that no other relay has; it is locked until the transaction ends.
pub(super) async fn claim(
    transaction: &mut PgConnection,
    outbox: &Outbox,
) -> sqlx::Result<Option<OutboxRow>> {
    let sql = outbox.sql(CLAIM).replace("{columns}", COLUMNS);
    sqlx::query_as(&sql).fetch_optional(transaction).await
}

/// Removes a row: its task exists.
pub(super) async fn done(
    transaction: &mut PgConnection,
    outbox: &Outbox,
    row: &OutboxRow,
) -> sqlx::Result<()> {
    let sql = outbox.sql("delete from {table} where id = $1");
    sqlx::query(&sql).bind(row.id).execute(transaction).await?;
    Ok(())
}

/// Has a row tried again after a while.
pub(super) async fn later(
    transaction: &mut PgConnection,
    outbox: &Outbox,
    row: &OutboxRow,
    why: &str,
    wait: Duration,
) -> sqlx::Result<()> {
    let sql = outbox.sql(
        "update {table} set attempts = attempts + 1, last_error = $2,
            not_before = clock_timestamp() + make_interval(secs => $3) where id = $1",
    );
    let update = sqlx::query(&sql).bind(row.id).bind(storable::replaced(why));
    update.bind(wait.as_secs_f64()).execute(transaction).await?;
    Ok(())
}

/// Has a row wait through no fault of its own: the older it is, the longer. Otherwise a row that makes a gateway give up would hold up all others.
pub(super) async fn wait(
    transaction: &mut PgConnection,
    outbox: &Outbox,
    row: &OutboxRow,
    why: &str,
    at_least: Duration,
) -> sqlx::Result<()> {
    let sql = outbox.sql(
        "update {table} set last_error = $2, not_before = clock_timestamp()
            + greatest(make_interval(secs => $3), least(interval '1 minute', (now() - created_at) / 4))
            where id = $1",
    );
    let update = sqlx::query(&sql).bind(row.id).bind(storable::replaced(why));
    let update = update.bind(at_least.as_secs_f64());
    update.execute(transaction).await?;
    Ok(())
}

/// Leaves a row to a person.
pub(super) async fn dead(
    transaction: &mut PgConnection,
    outbox: &Outbox,
    row: &OutboxRow,
    why: &str,
) -> sqlx::Result<()> {
    let sql = outbox.sql(
        "update {table} set attempts = attempts + 1, last_error = $2, dead_at = clock_timestamp() where id = $1",
    );
    let update = sqlx::query(&sql).bind(row.id).bind(storable::replaced(why));
    update.execute(transaction).await?;
    Ok(())
}
