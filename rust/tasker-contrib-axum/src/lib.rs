//! Tasker workflows in Axum applications.
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod admission;
mod checkpoint;
mod client;
mod config;
mod contract;
mod core;
mod correlation;
mod dispatch;
mod error;
mod events;
mod extract;
mod handler;
mod http;
mod intake;
mod metrics;
mod numbers;
mod outcome;
mod router;
mod sse;
mod step;
mod task_routes;
mod templates;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod worker;

pub use admission::{AdmissionLayer, AdmissionService};
pub use axum::extract::State;
pub use checkpoint::Batch;
pub use client::{
    ClientError, ClientErrorKind, NewTask, StepInfo, Task, TaskPage, TaskQuery, TaskerClient,
    TaskerClientBuilder,
};
pub use config::TaskerConfig;
pub use correlation::{CorrelationLayer, CorrelationService};
pub use error::{Error, StepError};
pub use events::{DomainEvent, EventKind, TaskerEvent};
pub use extract::{Config, Dep, Dependencies, FromStep, Input, StepOutput};
pub use handler::{Handler, Handlers};
pub use http::StepResponse;
pub use outcome::{Batches, Decision, IntoResult};
pub use step::Step;
pub use task_routes::task_routes;
pub use worker::{shutdown_signal, Stopped, TaskerWorker, TaskerWorkerBuilder};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
