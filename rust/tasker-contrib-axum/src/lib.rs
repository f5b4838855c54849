//! Tasker workflows in Axum applications: async handlers with extractors, the worker in the application's process, a client of the server,
//! layers, live events, and tests of handlers and whole workflows in memory.
//!
//! ```no_run
//! use serde_json::{json, Value};
//! use tasker_contrib_axum::{shutdown_signal, Handlers, Input, StepError, TaskerWorker};
//!
//! async fn greet(Input(greeting): Input<Value>) -> Result<Value, StepError> {
//!     Ok(json!({"text": format!("Hello {}", greeting["name"])}))
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let worker = TaskerWorker::builder()
//!     .handlers(Handlers::new().add("hello.greet", greet))
//!     .build()
//!     .await?;
//! let app = axum::Router::new().merge(worker.router());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! worker.serve(listener, app, shutdown_signal()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | To | Use |
//! | --- | --- |
//! | execute steps | [`TaskerWorker`], [`Handlers`], and the extractors [`Input`], [`Dep`], [`Config`], [`State`], [`Batch`], [`IdempotencyKey`], [`Step`] |
//! | create and look at tasks | [`TaskerClient`] |
//! | follow a request into its task, and answer early under back-pressure | [`CorrelationLayer`], [`AdmissionLayer`] |
//! | let users see tasks over HTTP | [`task_routes`] |
//! | see what happens | [`TaskerWorker::events`], [`TaskerWorker::event_router`], [`TaskerWorker::router`] |
//! | test | the module `testing` |
//!
//! # Features
//!
//! | Feature | By default | Adds |
//! | --- | --- | --- |
//! | `grpc` | no | `TaskerClientBuilder::connect_grpc`: the client speaks gRPC instead of REST |
//! | `outbox` | no | the module `outbox`: tasks that are written in the application's own transaction |
//! | `schedules` | no | the module `schedules`: recurring tasks from one file |
//! | `testing` | no | the module `testing`: steps and workflows in memory; put it into `dev-dependencies` |
//!
//! # Rust
//!
//! The minimum is Rust 1.89. Raising it is a minor release. Building takes `protoc`, `SQLX_OFFLINE=true` and a C compiler, because Tasker Core's
//! crates do.
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod admission;
mod checkpoint;
mod client;
mod config;
mod connection;
mod contract;
mod core;
mod correlation;
mod database;
mod dispatch;
mod error;
mod events;
mod extract;
mod handler;
mod http;
mod intake;
mod metrics;
mod nearest;
mod numbers;
#[cfg(feature = "outbox")]
#[cfg_attr(docsrs, doc(cfg(feature = "outbox")))]
pub mod outbox;
mod outcome;
mod retry_after;
mod router;
#[cfg(feature = "schedules")]
#[cfg_attr(docsrs, doc(cfg(feature = "schedules")))]
pub mod schedules;
mod sse;
mod step;
mod storable;
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
    ClientError, ClientErrorKind, DeadLetter, NewTask, Resolution, StepInfo, Task, TaskPage,
    TaskQuery, TaskerClient, TaskerClientBuilder,
};
pub use config::TaskerConfig;
pub use correlation::{CorrelationLayer, CorrelationService};
pub use error::{Error, StepError};
pub use events::{DomainEvent, EventKind, TaskerEvent};
pub use extract::{Config, Dep, Dependencies, FromStep, IdempotencyKey, Input, StepOutput};
pub use handler::{Handler, Handlers};
pub use http::StepResponse;
pub use outcome::{Batches, Decision, IntoResult};
pub use step::Step;
pub use task_routes::task_routes;
pub use worker::{shutdown_signal, Stopped, TaskerWorker, TaskerWorkerBuilder};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
