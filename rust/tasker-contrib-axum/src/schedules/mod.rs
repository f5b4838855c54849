//! Recurring tasks from one file, without a leader and without state.
//!
//! The time of a slot is part of the context, and Core creates a task with the same context only once. So any number of schedulers may run, and
//! a slot that was missed can be made up for at any time. The file is explained in the repository's guide "Run a job every day".
//!
//! ```yaml
//! daily_report:
//!   task: reports/daily_summary # namespace/name of the template
//!   cron: "0 6 * * *"
//!   time_zone: Europe/Paris
//! refresh_rates:
//!   task: reports/refresh_rates
//!   every: 15m
//!   missed: skip
//! ```
//!
//! ```no_run
//! use tasker_contrib_axum::schedules::Scheduler;
//! use tasker_contrib_axum::{shutdown_signal, TaskerClient};
//!
//! # async fn run() -> Result<(), tasker_contrib_axum::Error> {
//! let client = TaskerClient::new("http://127.0.0.1:8080")?;
//! Scheduler::new(client, "config/schedules.yaml")?.run(shutdown_signal()).await;
//! # Ok(())
//! # }
//! ```

mod file;
mod schedule;
mod scheduler;

pub use file::load;
pub use schedule::{Missed, Schedule};
pub use scheduler::{create_now, Scheduler};
