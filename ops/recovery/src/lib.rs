//! Brings Tasker's tasks to their end after a worker, the server or PostgreSQL was killed.
//!
//! Tasker Core writes a state and the message that makes the next thing happen in separate transactions. What dies between the two leaves
//! a state that no message will ever move. This crate adds a schema, `tasker_contrib`, to Tasker's database, which records who executes a
//! step and refuses what comes too late, and looks every two seconds for what has been left behind.
//!
//! ```no_run
//! # async fn example() -> Result<(), tasker_recovery::Error> {
//! use tasker_recovery::{Monitor, Settings};
//!
//! let url = "postgresql://tasker:tasker@127.0.0.1:5432/tasker";
//! tasker_recovery::install(url).await?;
//! // Runs until the future it is given ends.
//! tasker_recovery::run(url, &Settings::default(), &Monitor::new(), std::future::pending()).await
//! # }
//! ```
//!
//! A step may run twice: once by a worker that was taken for dead, once by another. Give effects the step's UUID as idempotency key.

mod core;
mod error;
pub mod http;
mod install;
mod monitor;
mod pass;
mod run;
mod settings;
mod status;

pub use error::Error;
pub use install::{install, uninstall};
pub use monitor::Monitor;
pub use pass::{Pass, Recovered};
pub use run::run;
pub use settings::Settings;
pub use status::{status, Status};
