//! What handlers return.

use serde::Serialize;
use serde_json::{json, Value};

use crate::{contract, StepError};

/// A value that a handler may return: everything that serde can write, a [`Decision`], or [`Batches`].
///
/// ```
/// use tasker_contrib_axum::IntoResult;
///
/// assert_eq!(vec![1, 2].into_result().unwrap(), serde_json::json!([1, 2]));
/// ```
pub trait IntoResult {
    /// The result that Core stores.
    fn into_result(self) -> Result<Value, StepError>;
}

impl<T: Serialize> IntoResult for T {
    fn into_result(self) -> Result<Value, StepError> {
        serde_json::to_value(self).map_err(|error| {
            StepError::of(
                contract::ERROR_VALIDATION,
                format!("the handler's result is not JSON: {error}"),
                false,
            )
        })
    }
}

/// What a step of type `decision` decides: which of the steps below it are created.
///
/// ```
/// # use tasker_contrib_axum::{Decision, StepError};
/// async fn route() -> Result<Decision, StepError> {
///     Ok(Decision::steps(["manual_review"]))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision(Vec<String>);

impl Decision {
    /// Creates these steps, and what follows them.
    pub fn steps<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// Takes no branch.
    pub fn none() -> Self {
        Self(Vec::new())
    }
}

impl IntoResult for Decision {
    fn into_result(self) -> Result<Value, StepError> {
        Ok(if self.0.is_empty() {
            json!({"decision_point_outcome": {"type": "no_branches"}})
        } else {
            json!({"decision_point_outcome": {"type": "create_steps", "step_names": self.0}})
        })
    }
}

/// What a step of type `batchable` finds to do: ranges of items, one instance of the batch worker for each.
///
/// ```
/// # use tasker_contrib_axum::{Batches, StepError};
/// async fn analyze() -> Result<Batches, StepError> {
///     Ok(Batches::split("process", 0..1050, 500)) // 0..500, 500..1000, 1000..1050
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batches {
    worker: String,
    ranges: Vec<std::ops::Range<u64>>,
}

impl Batches {
    /// Given ranges for the `batch_worker` step of this name; without ranges there is nothing to do.
    pub fn ranges(
        worker: impl Into<String>,
        ranges: impl IntoIterator<Item = std::ops::Range<u64>>,
    ) -> Self {
        Self {
            worker: worker.into(),
            ranges: ranges.into_iter().collect(),
        }
    }

    /// Cuts a range into batches of at most `size` items.
    ///
    /// # Panics
    ///
    /// If `size` is 0.
    pub fn split(worker: impl Into<String>, items: std::ops::Range<u64>, size: u64) -> Self {
        assert!(size > 0, "a batch has at least one item");
        let starts = (items.start..items.end).step_by(usize::try_from(size).unwrap_or(usize::MAX));
        let ranges = starts.map(|start| start..items.end.min(start.saturating_add(size)));
        Self::ranges(worker, ranges)
    }
}

impl IntoResult for Batches {
    fn into_result(self) -> Result<Value, StepError> {
        if self.ranges.is_empty() {
            return Ok(json!({"batch_processing_outcome": {"type": "no_batches"}}));
        }
        let cursors: Vec<Value> = (1..)
            .zip(&self.ranges)
            .map(|(number, range)| {
                json!({
                    "batch_id": format!("{number:03}"),
                    "start_cursor": range.start,
                    "end_cursor": range.end,
                    "batch_size": range.end.saturating_sub(range.start),
                })
            })
            .collect();
        let total: u64 = self
            .ranges
            .iter()
            .map(|range| range.end.saturating_sub(range.start))
            .sum();
        Ok(json!({"batch_processing_outcome": {
            "type": "create_batches",
            "worker_template_name": self.worker,
            "worker_count": cursors.len(),
            "cursor_configs": cursors,
            "total_items": total,
        }}))
    }
}
