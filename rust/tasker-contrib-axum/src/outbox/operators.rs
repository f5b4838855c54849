//! What operators ask of an outbox, and do to it.

use std::time::Duration;

use sqlx::{PgExecutor, Row as _};

use super::rows::COLUMNS;
use super::{Outbox, OutboxError, OutboxRow};

const STATS: &str = "
select count(*) filter (where dead_at is null) as open, count(dead_at) as dead,
    coalesce(extract(epoch from now() - min(created_at) filter (where dead_at is null)), 0)::float8 as lag
from {table}";

const RETRY: &str = "update {table} set dead_at = null, attempts = 0, not_before = now()";
const DISCARD: &str = "delete from {table}";

/// How an outbox is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Rows that a relay has still to deliver.
    pub open: i64,
    /// Rows that wait for a person.
    pub dead: i64,
    /// Age of the oldest open row; zero without one.
    pub lag: Duration,
}

/// For operators. They take a pool, a connection or a transaction.
impl Outbox {
    /// Counts.
    ///
    /// # Errors
    ///
    /// [`OutboxError::NoTable`] and [`OutboxError::Database`]; so do the others.
    ///
    /// ```no_run
    /// # async fn run(db: sqlx::PgPool) -> Result<(), tasker_contrib_axum::outbox::OutboxError> {
    /// use tasker_contrib_axum::outbox::Outbox;
    ///
    /// let stats = Outbox::new().stats(&db).await?;
    /// println!("{} open, the oldest since {:?}; {} dead", stats.open, stats.lag, stats.dead);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stats(&self, database: impl PgExecutor<'_>) -> Result<Stats, OutboxError> {
        let sql = self.sql(STATS);
        let found = sqlx::query(&sql).fetch_one(database).await;
        let stats = found.and_then(|row| {
            let lag: f64 = row.try_get("lag")?;
            Ok(Stats {
                open: row.try_get("open")?,
                dead: row.try_get("dead")?,
                // Clocks go back at times.
                lag: Duration::try_from_secs_f64(lag).unwrap_or_default(),
            })
        });
        stats.map_err(|error| OutboxError::of(self.table(), error))
    }

    /// The oldest rows, open and dead.
    ///
    /// # Errors
    ///
    /// Those of [`stats`](Self::stats).
    pub async fn rows(
        &self,
        database: impl PgExecutor<'_>,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, OutboxError> {
        self.select(database, "", limit).await
    }

    /// The oldest rows that wait for a person.
    ///
    /// # Errors
    ///
    /// Those of [`stats`](Self::stats).
    ///
    /// ```no_run
    /// # async fn run(db: sqlx::PgPool) -> Result<(), tasker_contrib_axum::outbox::OutboxError> {
    /// use tasker_contrib_axum::outbox::Outbox;
    ///
    /// for row in Outbox::new().dead_rows(&db, 50).await? {
    ///     println!("{row}: {}", row.last_error.as_deref().unwrap_or_default());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn dead_rows(
        &self,
        database: impl PgExecutor<'_>,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, OutboxError> {
        let which = "where dead_at is not null";
        self.select(database, which, limit).await
    }

    /// Makes rows due now, dead or not. How many there are of these.
    ///
    /// # Errors
    ///
    /// Those of [`stats`](Self::stats).
    pub async fn retry(
        &self,
        database: impl PgExecutor<'_>,
        ids: &[i64],
    ) -> Result<u64, OutboxError> {
        self.change(database, RETRY, Some(ids)).await
    }

    /// Makes all dead rows due now. How many there were.
    ///
    /// # Errors
    ///
    /// Those of [`stats`](Self::stats).
    pub async fn retry_dead(&self, database: impl PgExecutor<'_>) -> Result<u64, OutboxError> {
        self.change(database, RETRY, None).await
    }

    /// Removes rows, dead or not, without creating their tasks. How many there were of these.
    ///
    /// # Errors
    ///
    /// Those of [`stats`](Self::stats).
    pub async fn discard(
        &self,
        database: impl PgExecutor<'_>,
        ids: &[i64],
    ) -> Result<u64, OutboxError> {
        self.change(database, DISCARD, Some(ids)).await
    }

    /// Removes all dead rows without creating their tasks. How many there were.
    ///
    /// # Errors
    ///
    /// Those of [`stats`](Self::stats).
    pub async fn discard_dead(&self, database: impl PgExecutor<'_>) -> Result<u64, OutboxError> {
        self.change(database, DISCARD, None).await
    }

    async fn select(
        &self,
        database: impl PgExecutor<'_>,
        which: &str,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, OutboxError> {
        let table = self.table();
        let sql = format!("select {COLUMNS} from {table} {which} order by id limit $1");
        let rows = sqlx::query_as(&sql).bind(i64::from(limit));
        let rows = rows.fetch_all(database).await;
        rows.map_err(|error| OutboxError::of(table, error))
    }

    /// Changes these rows, or all that are dead.
    async fn change(
        &self,
        database: impl PgExecutor<'_>,
        statement: &str,
        ids: Option<&[i64]>,
    ) -> Result<u64, OutboxError> {
        let which = match ids {
            Some(_) => "id = any($1)",
            None => "$1::bigint[] is null and dead_at is not null",
        };
        let sql = format!("{} where {which}", self.sql(statement));
        let done = sqlx::query(&sql).bind(ids).execute(database).await;
        done.map(|done| done.rows_affected())
            .map_err(|error| OutboxError::of(self.table(), error))
    }
}
