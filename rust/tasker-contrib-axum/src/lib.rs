//! Tasker workflows in Axum applications.
#![warn(missing_docs)]

mod checkpoint;
mod config;
mod contract;
mod core;
mod dispatch;
mod error;
mod events;
mod extract;
mod handler;
mod metrics;
mod outcome;
mod router;
mod step;
mod templates;
mod worker;

pub use axum::extract::State;
pub use checkpoint::Batch;
pub use config::TaskerConfig;
pub use error::{Error, StepError};
pub use events::{EventKind, TaskerEvent};
pub use extract::{Config, Dep, Dependencies, FromStep, Input, StepOutput};
pub use handler::{Handler, Handlers};
pub use outcome::{Batches, Decision, IntoResult};
pub use step::Step;
pub use worker::{shutdown_signal, Stopped, TaskerWorker, TaskerWorkerBuilder};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
