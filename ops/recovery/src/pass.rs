//! One look at everything that is open.

use std::fmt;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, FromRow};

use crate::error::database;
use crate::install::{connect, require};
use crate::{Error, Settings};

/// Held for a pass: one process at a time works. Any number, but always the same.
const LOCK: i64 = 0x7461_736b_6572_0001;

/// Something that was recovered.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Recovered {
    /// What was done: `worker_lost`, `answer_lost`, `step_failed`, `step_resent`, `result_resent`, `task_moved`, `task_finalized`,
    /// `task_reopened`, `message_archived`, `archive_pruned`; `failed` if it could not be done.
    pub kind: String,
    /// The task, if it is about one.
    pub task: Option<String>,
    /// The step, if it is about one.
    pub step: Option<String>,
    /// The rest, for people.
    pub detail: Option<String>,
}

impl fmt::Display for Recovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        write!(
            f,
            "{:<16} task {} step {}: {}",
            self.kind,
            or_none(&self.task),
            or_none(&self.step),
            or_none(&self.detail)
        )
    }
}

/// The kinds of [`Recovered`].
pub(crate) const KINDS: [&str; 11] = [
    "worker_lost",
    "answer_lost",
    "step_failed",
    "step_resent",
    "result_resent",
    "task_moved",
    "task_finalized",
    "task_reopened",
    "message_archived",
    "archive_pruned",
    "failed",
];

/// A pass over steps, messages and tasks.
#[derive(Debug, Clone)]
pub struct Pass<'a> {
    settings: &'a Settings,
}

impl<'a> Pass<'a> {
    /// With these settings.
    #[must_use]
    pub fn new(settings: &'a Settings) -> Self {
        Self { settings }
    }

    /// Recovers what has been left behind. `None` if another process is doing that at this moment.
    ///
    /// # Errors
    /// The database's.
    pub async fn run(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<Vec<Recovered>>, sqlx::Error> {
        self.look(connection, true).await
    }

    /// Says what [`Pass::run`] would do, and does nothing.
    ///
    /// # Errors
    /// The database's.
    pub async fn dry_run(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<Vec<Recovered>>, sqlx::Error> {
        self.look(connection, false).await
    }

    /// One pass on a connection of its own, dry or not.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::NotInstalled`].
    pub async fn once(
        url: &str,
        settings: &'a Settings,
        dry_run: bool,
    ) -> Result<Option<Vec<Recovered>>, Error> {
        let mut connection = connect(url).await?;
        require(url, &mut connection).await?;
        let looked = Pass::new(settings).look(&mut connection, !dry_run).await;
        looked.map_err(|error| database(url, &error))
    }

    async fn look(
        &self,
        connection: &mut PgConnection,
        keep: bool,
    ) -> Result<Option<Vec<Recovered>>, sqlx::Error> {
        let mut transaction = connection.begin().await?;
        if !sqlx::query_scalar("select pg_try_advisory_xact_lock($1)")
            .bind(LOCK)
            .fetch_one(&mut *transaction)
            .await?
        {
            return Ok(None);
        }
        let seconds = |time: Duration| time.as_secs_f64();
        let rows = sqlx::query_as(
            "select kind, task_uuid::text as task, step_uuid::text as step, detail from tasker_contrib.pass(
                make_interval(secs => $1), make_interval(secs => $2), make_interval(secs => $3), make_interval(secs => $4),
                $5, make_interval(secs => $6))",
        )
        .bind(seconds(self.settings.grace))
        .bind(seconds(self.settings.settle))
        .bind(seconds(self.settings.margin))
        .bind(seconds(self.settings.lease))
        .bind(i32::try_from(self.settings.max_losses).unwrap_or(i32::MAX))
        .bind(seconds(self.settings.budget))
        .fetch_all(&mut *transaction)
        .await?;
        // All that it did was in this transaction, notifications too.
        if keep {
            transaction.commit().await?;
        } else {
            transaction.rollback().await?;
        }
        Ok(Some(rows))
    }

    /// Removes what grows without end: old archives, messages of ended steps, our own records.
    ///
    /// # Errors
    /// The database's.
    pub async fn housekeeping(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Vec<Recovered>, sqlx::Error> {
        let mut transaction = connection.begin().await?;
        if !sqlx::query_scalar("select pg_try_advisory_xact_lock($1)")
            .bind(LOCK)
            .fetch_one(&mut *transaction)
            .await?
        {
            return Ok(Vec::new());
        }
        let rows = sqlx::query_as(
            "select kind, task_uuid::text as task, step_uuid::text as step, detail from tasker_contrib.housekeeping(make_interval(secs => $1))",
        )
        .bind(self.settings.keep_archives.map(|time| time.as_secs_f64()))
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(rows)
    }
}
