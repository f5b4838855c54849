//! Creates the tasks of an outbox.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::BoxError;
use futures_util::future::BoxFuture;
use futures_util::FutureExt as _;
use sqlx::{Connection as _, PgConnection, PgPool, PgTransaction};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::deliver::{backoff, deliver, later, Outcome};
use super::metrics::Relaying;
use super::{rows, Outbox, OutboxError, OutboxRow};
use crate::{Task, TaskerClient};

const POLL: Duration = Duration::from_secs(1);
const COUNT_EVERY: Duration = Duration::from_secs(5);

type Listener = dyn for<'a> Fn(&'a mut PgConnection, &'a Task) -> BoxFuture<'a, Result<(), BoxError>>
    + Send
    + Sync;

/// What [`Relay::relay_due`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Relayed {
    /// Rows whose tasks exist now.
    pub created: usize,
    /// Rows that are tried again later.
    pub later: usize,
    /// Rows that wait for a person.
    pub dead: usize,
    /// The server is away, overloaded, or refuses our credentials; rows were left as they are.
    pub paused: bool,
}

/// What one row's turn ended with.
enum Turn {
    Nothing,
    Created,
    Later,
    Dead,
    Pause(Duration),
}

/// When the table is counted next, and who is told.
struct Counts {
    relaying: Relaying,
    due: Instant,
}

/// Creates the tasks of an outbox. Any number of relays may work on one table, in any processes; the module has an example.
///
/// Each row has a transaction of its own, which locks it while its task is created: other relays skip it, and what a relay had in hand when it was
/// killed is open again. A row whose task exists is deleted. A relay uses one connection of the pool, and polls an empty table once a second.
#[derive(Clone)]
#[must_use = "call `run`"]
pub struct Relay {
    outbox: Outbox,
    database: PgPool,
    client: TaskerClient,
    poll: Duration,
    on_created: Option<Arc<Listener>>,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay")
            .field("outbox", &self.outbox)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl Relay {
    /// A relay that has looked at its table. A database that is away now may come back later.
    ///
    /// Figures of the table are among the [metrics of the client](TaskerClient::metrics), and so of its worker, as long as the relay
    /// [runs](Self::run): `tasker_contrib_outbox_open`, `…_dead` and `…_lag_seconds`. When the table cannot be read for a minute they are gone, and
    /// `tasker_contrib_outbox_up` is 0.
    ///
    /// # Errors
    ///
    /// [`OutboxError::NoTable`], and [`OutboxError::Config`] for a client of gRPC: it carries no correlation id, by which a relay knows its own tasks.
    pub async fn new(
        outbox: Outbox,
        database: PgPool,
        client: TaskerClient,
    ) -> Result<Self, OutboxError> {
        if !client.keeps_correlation() {
            let why = "gRPC carries no correlation id, and the relay knows its own tasks by that; give it a client of REST (`TaskerClient::new`)";
            return Err(OutboxError::Config(why.to_owned()));
        }
        match outbox.stats(&database).await {
            Err(OutboxError::Database(error)) => {
                tracing::warn!(%error, table = outbox.table(), "the outbox's database is away; its relay tries again");
            }
            answer => drop(answer?),
        }
        Ok(Self {
            outbox,
            database,
            // A row is tried again by itself, and a stop waits for one try only.
            client: client.without_retries(),
            poll: POLL,
            on_created: None,
        })
    }

    /// The time between two looks at an empty table; one second by default.
    pub fn poll_every(mut self, time: Duration) -> Self {
        self.poll = time;
        self
    }

    /// Calls a function with each task that was created, in the transaction that removes its row: what it writes there is stored exactly once. When it
    /// fails, it is called again later; its other effects may therefore happen twice.
    ///
    /// ```no_run
    /// # fn run(relay: tasker_contrib_axum::outbox::Relay) -> tasker_contrib_axum::outbox::Relay {
    /// relay.on_created(|transaction, task| {
    ///     Box::pin(async move {
    ///         sqlx::query("update orders set task_uuid = $1 where id = $2")
    ///             .bind(task.task_uuid)
    ///             .bind(task.context["order_id"].as_i64())
    ///             .execute(transaction)
    ///             .await?;
    ///         Ok(())
    ///     })
    /// })
    /// # }
    /// ```
    pub fn on_created<F>(mut self, listener: F) -> Self
    where
        F: for<'a> Fn(&'a mut PgConnection, &'a Task) -> BoxFuture<'a, Result<(), BoxError>>
            + Send
            + Sync
            + 'static,
    {
        self.on_created = Some(Arc::new(listener));
        self
    }

    /// Relays until the future is ready, such as [`shutdown_signal`](crate::shutdown_signal), and then finishes the row in hand. What is left stays in
    /// the table.
    ///
    /// ```no_run
    /// # async fn run(relay: tasker_contrib_axum::outbox::Relay) {
    /// use tasker_contrib_axum::shutdown_signal;
    ///
    /// let relaying = tokio::spawn(relay.run(shutdown_signal()));
    /// // … serve the application …
    /// let _ = relaying.await;
    /// # }
    /// ```
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut counts = Counts {
            relaying: self.client.outboxes().relay(self.outbox.table()),
            due: Instant::now(),
        };
        let mut failures = 0;
        let mut wait = Duration::ZERO;
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = self.rest(wait, &mut counts) => {}
            }
            (failures, wait) = match self.turn().await {
                // The server may still be away: nobody has asked it.
                Ok(Turn::Nothing) => (failures, self.poll),
                Ok(Turn::Created | Turn::Later | Turn::Dead) => (0, Duration::ZERO),
                Ok(Turn::Pause(asked)) => (failures + 1, asked.max(backoff(failures + 1))),
                Err(error) => {
                    let wait = backoff(failures + 1);
                    tracing::error!(%error, ?wait, "the outbox cannot be read; it is tried again");
                    (failures + 1, wait)
                }
            };
        }
    }

    /// Waits, and goes on counting: what the metrics say must be true while the server is away.
    async fn rest(&self, wait: Duration, counts: &mut Counts) {
        let end = Instant::now() + wait;
        loop {
            if Instant::now() >= counts.due {
                // A failure is told by the next turn.
                if let Ok(stats) = self.outbox.stats(&self.database).await {
                    counts.relaying.read(stats);
                }
                counts.due = Instant::now() + COUNT_EVERY;
            }
            tokio::time::sleep_until(end.min(counts.due)).await;
            if Instant::now() >= end {
                return;
            }
        }
    }

    /// Relays what is due now, for tests and for jobs of a scheduler. It ends early when the server is away.
    ///
    /// # Errors
    ///
    /// [`OutboxError::NoTable`] and [`OutboxError::Database`].
    pub async fn relay_due(&self) -> Result<Relayed, OutboxError> {
        let mut done = Relayed::default();
        loop {
            match self.turn().await? {
                Turn::Nothing => return Ok(done),
                Turn::Created => done.created += 1,
                Turn::Later => done.later += 1,
                Turn::Dead => done.dead += 1,
                Turn::Pause(_) => {
                    done.paused = true;
                    return Ok(done);
                }
            }
        }
    }

    async fn turn(&self) -> Result<Turn, OutboxError> {
        let turn = self.next_row().await;
        turn.map_err(|error| OutboxError::of(self.outbox.table(), error))
    }

    async fn next_row(&self) -> sqlx::Result<Turn> {
        let mut transaction = self.database.begin().await?;
        let Some(row) = rows::claim(&mut transaction, &self.outbox).await? else {
            transaction.rollback().await?;
            return Ok(Turn::Nothing);
        };
        let id = row.correlation_id;
        let span = tracing::info_span!("outbox", outbox_row = row.id, correlation_id = %id, trace_id = %id.simple());
        self.relay(transaction, &row).instrument(span).await
    }

    async fn relay(
        &self,
        mut transaction: PgTransaction<'_>,
        row: &OutboxRow,
    ) -> sqlx::Result<Turn> {
        let mut outcome = deliver(&self.client, row).await;
        if let Outcome::Created(Some(task)) = &outcome {
            tracing::debug!(task_uuid = %task.task_uuid, "{row} became a task");
            if let Err(why) = self.tell(&mut transaction, task).await? {
                outcome = later(row, why);
            }
        }
        let outbox = &self.outbox;
        let turn = match outcome {
            Outcome::Created(_) => {
                rows::done(&mut transaction, outbox, row).await?;
                Turn::Created
            }
            Outcome::Later(wait, why) => {
                tracing::warn!(
                    error = why,
                    ?wait,
                    attempts = row.attempts + 1,
                    "{row} waits"
                );
                rows::later(&mut transaction, outbox, row, &why, wait).await?;
                Turn::Later
            }
            Outcome::Pause(wait, why) => {
                tracing::warn!(error = why, "{row} and all others wait for the server");
                // The relay looks at others before it comes back to this one.
                let at_least = wait.max(backoff(1)) * 2;
                rows::wait(&mut transaction, outbox, row, &why, at_least).await?;
                Turn::Pause(wait)
            }
            Outcome::Dead(why) => {
                tracing::error!(error = why, "{row} is dead");
                rows::dead(&mut transaction, outbox, row, &why).await?;
                Turn::Dead
            }
        };
        transaction.commit().await?;
        Ok(turn)
    }

    /// Calls the listener in a savepoint: what fails there, even a statement, leaves the transaction whole.
    async fn tell(
        &self,
        transaction: &mut PgConnection,
        task: &Task,
    ) -> sqlx::Result<Result<(), String>> {
        let Some(listener) = &self.on_created else {
            return Ok(Ok(()));
        };
        let mut savepoint = transaction.begin().await?;
        let told = AssertUnwindSafe(listener(&mut savepoint, task));
        let why = match told.catch_unwind().await {
            Ok(Ok(())) => {
                savepoint.commit().await?;
                return Ok(Ok(()));
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it panicked".to_owned(),
        };
        savepoint.rollback().await?;
        let task = task.task_uuid;
        Ok(Err(format!(
            "task {task} is created, but on_created failed: {why}"
        )))
    }
}
