//! An enqueue that cannot be lost: a task is a row of the application's own transaction, and a relay creates it after the commit.
//!
//! [`TaskerClient::create_task`](crate::TaskerClient::create_task) after a commit loses the task when the process dies in between; before it, the task
//! runs without its row. With an outbox there are both or neither. The repository's guide "Never lose a task" says when it is worth it, and what becomes
//! of a row for each answer of the server.
//!
//! ```no_run
//! use sqlx::PgPool;
//! use tasker_contrib_axum::outbox::{Outbox, OutboxError};
//! use tasker_contrib_axum::NewTask;
//!
//! async fn place_order(db: &PgPool, outbox: &Outbox, cents: i64) -> Result<i64, OutboxError> {
//!     let mut transaction = db.begin().await?;
//!     let order: i64 = sqlx::query_scalar("insert into orders (cents) values ($1) returning id")
//!         .bind(cents)
//!         .fetch_one(&mut *transaction)
//!         .await?;
//!     let ship = NewTask::new("shop", "ship", serde_json::json!({"order_id": order}));
//!     outbox.enqueue(&mut transaction, ship).await?;
//!     transaction.commit().await?;
//!     Ok(order)
//! }
//! ```
//!
//! A [`Relay`] creates the tasks, in the application's process or in one of its own; any number of them may run:
//!
//! ```no_run
//! use sqlx::PgPool;
//! use tasker_contrib_axum::outbox::{Outbox, Relay};
//! use tasker_contrib_axum::{shutdown_signal, TaskerClient};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let db = PgPool::connect("postgresql://shop@127.0.0.1/shop").await?;
//! let client = TaskerClient::new("http://127.0.0.1:8080")?;
//! let relay = Relay::new(Outbox::new(), db, client).await?;
//! relay.run(shutdown_signal()).await;
//! # Ok(())
//! # }
//! ```
//!
//! The table is the one of our packages for other languages, so all of them can share one.

mod deliver;
mod enqueue;
mod error;
pub(crate) mod metrics;
mod operators;
mod relay;
mod rows;
mod table;

pub use enqueue::Enqueued;
pub use error::OutboxError;
pub use operators::Stats;
pub use relay::{Relay, Relayed};
pub use rows::OutboxRow;
pub use table::Outbox;
