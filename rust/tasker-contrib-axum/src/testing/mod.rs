//! Tests of handlers and workflows without a server, a database or waiting (feature `testing`).
//!
//! One handler, with the step that it would be given:
//!
//! ```
//! use serde::Deserialize;
//! use serde_json::{json, Value};
//! use tasker_contrib_axum::testing::{run_step, step};
//! use tasker_contrib_axum::{Input, StepError};
//!
//! #[derive(Deserialize)]
//! struct Order { amount: i64 }
//!
//! async fn charge(Input(order): Input<Order>) -> Result<Value, StepError> {
//!     if order.amount > 100 {
//!         return Err(StepError::permanent("too much"));
//!     }
//!     Ok(json!({"charged": order.amount}))
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // In a #[tokio::test]:
//! let charged = run_step(charge, step("shop.charge").context(json!({"amount": 5})), ()).await;
//! assert_eq!(charged.unwrap(), json!({"charged": 5}));
//!
//! let refused = run_step(charge, step("shop.charge").context(json!({"amount": 500})), ()).await;
//! assert!(!refused.unwrap_err().is_retryable());
//! # });
//! ```
//!
//! A whole task template, with the rules of Core's server for retries, decisions, convergence and batches:
//!
//! ```
//! use serde_json::json;
//! use tasker_contrib_axum::testing::Workflow;
//! # use tasker_contrib_axum::{Handlers, StepError};
//! # async fn validate() -> Result<(), StepError> { Ok(()) }
//! # let template = "
//! # name: order
//! # namespace_name: shop
//! # version: 1.0.0
//! # steps:
//! #   - {name: validate, handler: {callable: shop.validate}}
//! #   - {name: charge, handler: {callable: shop.charge}, dependencies: [validate]}
//! # ";
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // In a #[tokio::test]; `Workflow::from_file` reads a file.
//! let run = Workflow::from_yaml(template)
//!     .context(json!({"amount": 5}))
//!     .handlers(Handlers::new().add("shop.validate", validate))
//!     .stub("shop.charge", json!({"charged": 5}))
//!     .run()
//!     .await;
//! run.assert_complete()
//!     .assert_order(&["validate", "charge"])
//!     .assert_result("charge", json!({"charged": 5}));
//! # });
//! ```

mod graph;
mod live;
mod run;
mod step;
mod workflow;

pub use live::LiveEvents;
pub use run::{StepRun, WorkflowRun};
pub use step::{checkpoints, run_registered, run_step, step, StepBuilder};
pub use workflow::Workflow;
