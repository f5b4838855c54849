//! Progress that a batch worker keeps across attempts.

use std::ops::Range;
use std::time::Instant;

use async_trait::async_trait;
use serde_json::{json, Value};
use tasker_shared::models::core::batch_worker::CheckpointYieldData;
use tasker_worker::worker::services::CheckpointService;

use crate::events::{EventKind, Events};
use crate::step::Store;
use crate::{FromStep, Step, StepError};

/// Core's database.
pub(crate) struct Checkpoints {
    pub(crate) service: CheckpointService,
    pub(crate) events: Events,
    pub(crate) begun: Instant,
}

#[async_trait]
impl Store for Checkpoints {
    async fn save(&self, step: &Step, cursor: u64, items: u64) -> Result<(), StepError> {
        let data = CheckpointYieldData {
            step_uuid: step.id(),
            cursor: cursor.into(),
            items_processed: items,
            accumulated_results: None,
        };
        self.service.persist_checkpoint(step.id(), &data).await?;
        let duration = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let data = json!({"handler": step.callable(), "attempt": step.retry_count() + 1, "duration_ms": duration, "cursor": cursor,
            "items_processed": items});
        self.events
            .emit(EventKind::StepCheckpointed, Some(step), data);
        Ok(())
    }
}

/// The range that an instance of a batch worker has to do, and how far an earlier attempt came.
///
/// A handler that takes one is not called for the placeholder that Core makes when the analyzer found nothing to do.
///
/// ```
/// # use tasker_contrib_axum::{Batch, StepError};
/// async fn process(batch: Batch) -> Result<u64, StepError> {
///     for row in batch.remaining() {
///         // … work on the row …
///         if row % 100 == 99 {
///             batch.checkpoint(row + 1).await?; // the next attempt starts here
///         }
///     }
///     Ok(batch.range().end)
/// }
/// ```
#[derive(Clone)]
pub struct Batch {
    id: String,
    range: Range<u64>,
    next: u64,
    step: Step,
}

impl Batch {
    /// Its id, such as `001`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// All of it.
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// What no earlier attempt has done.
    pub fn remaining(&self) -> Range<u64> {
        self.next..self.range.end
    }

    /// Stores that everything before `cursor` is done.
    ///
    /// # Errors
    ///
    /// A retryable failure when the database does not take it.
    pub async fn checkpoint(&self, cursor: u64) -> Result<(), StepError> {
        let items = cursor.saturating_sub(self.range.start);
        self.step.store.save(&self.step, cursor, items).await
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch")
            .field("id", &self.id)
            .field("range", &self.range)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl<S> FromStep<S> for Batch {
    fn from_step(step: &Step, _state: &S) -> Result<Self, StepError> {
        if step.is_no_op() {
            return Err(StepError::nothing_to_do());
        }
        let cursor = step.inputs().get("cursor").ok_or_else(|| {
            StepError::validation(format!(
                "step `{}` is not an instance of a batch worker: it has no cursor; give it `type: batch_worker` and `batch_config`",
                step.name()
            ))
        })?;
        let bound = |name: &str| cursor.get(name).and_then(Value::as_u64).unwrap_or(0);
        let range = bound("start_cursor")..bound("end_cursor");
        let stored = step.core.workflow_step.checkpoint.as_ref();
        let stored = stored
            .and_then(|stored| stored.get("cursor"))
            .and_then(Value::as_u64);
        Ok(Self {
            id: cursor
                .get("batch_id")
                .and_then(Value::as_str)
                .unwrap_or("")
                .to_owned(),
            next: stored.unwrap_or(range.start),
            range,
            step: step.clone(),
        })
    }
}
