//! What goes wrong with an outbox.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::ClientError;

const UNDEFINED_TABLE: &str = "42P01";

/// Why a row was not written, read or changed.
///
/// As the error of an Axum handler it answers like [`ClientError`] when the task is wrong, and else with 500 without saying more; the log says it.
///
/// ```
/// use tasker_contrib_axum::outbox::{Outbox, OutboxError};
///
/// let error = Outbox::with_table("no name").unwrap_err();
/// assert!(matches!(error, OutboxError::Config(_)));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// The outbox or its relay cannot work as it is configured.
    #[error("the outbox cannot be used: {0}")]
    Config(String),
    /// The task cannot be stored; nothing was written, and the transaction goes on.
    #[error("the task cannot be enqueued: {0}")]
    Invalid(ClientError),
    /// The table is not there.
    #[error("table {0} does not exist: run the SQL of `Outbox::ddl` in a migration, or name another table")]
    NoTable(String),
    /// The database failed.
    #[error("the outbox's database failed: {0}")]
    Database(#[from] sqlx::Error),
}

impl OutboxError {
    /// What the database said to a statement about this table.
    pub(super) fn of(table: &str, error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        match code.as_deref() {
            Some(UNDEFINED_TABLE) => Self::NoTable(table.to_owned()),
            _ => Self::Database(error),
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(ClientError::invalid(message))
    }
}

impl IntoResponse for OutboxError {
    fn into_response(self) -> Response {
        if let Self::Invalid(error) = self {
            return error.into_response();
        }
        tracing::error!(error = %self, "a request failed");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
