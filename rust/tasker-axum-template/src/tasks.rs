//! Creates the tasks: each is a row of the transaction that stores what it is about, and the relay makes a task of it.

use serde_json::json;
use sqlx::PgConnection;
use tasker_contrib_axum::outbox::{Outbox, OutboxError};
use uuid::Uuid;

const NAMESPACE: &str = "intake";
const VERSION: &str = "1.0.0";
pub const OUTBOX: &str = "app.tasker_outbox";

/// The table of the rows.
pub fn outbox() -> Outbox {
    Outbox::with_table(OUTBOX).expect("it is a name")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    IntakeDocument,
    FinishReview,
}

impl Template {
    pub const fn name(self) -> &'static str {
        match self {
            Self::IntakeDocument => "intake_document",
            Self::FinishReview => "finish_review",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    pub template: Template,
    pub document_id: Uuid,
    /// The id of the request that wants it.
    pub request_id: Uuid,
}

impl NewTask {
    /// Writes the row. Neither it nor the task is there if the transaction is rolled back.
    pub(crate) async fn write(
        &self,
        outbox: &Outbox,
        transaction: &mut PgConnection,
    ) -> Result<(), OutboxError> {
        let context = json!({"document_id": self.document_id});
        let task = tasker_contrib_axum::NewTask::new(NAMESPACE, self.template.name(), context)
            .version(VERSION)
            .correlation_id(self.request_id);
        outbox.enqueue(transaction, task).await?;
        Ok(())
    }
}
