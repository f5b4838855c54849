//! What goes wrong when the orchestration server is called.

use std::time::Duration;

use axum::http::{header, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// What kind of error a call of the orchestration server ended with.
///
/// ```
/// # use tasker_contrib_axum::{ClientError, ClientErrorKind};
/// fn worth_a_page(error: &ClientError) -> bool {
///     matches!(error.kind(), ClientErrorKind::Server | ClientErrorKind::Unavailable)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientErrorKind {
    /// The task, the step or the template does not exist on the server.
    NotFound,
    /// A task with the same template and the same context already exists, for ever.
    Conflict,
    /// The server refused the credentials.
    Permission,
    /// The request is wrong: the context does not match `input_schema`, or the server says so.
    Invalid,
    /// The server refuses new work for now.
    Backpressure,
    /// The server could not be reached.
    Unavailable,
    /// The server failed.
    Server,
    /// A task did not come to its end within the time that [`wait`](crate::TaskerClient::wait) was given.
    Timeout,
}

impl ClientErrorKind {
    /// A word for metrics and for the `type` of problem answers.
    const fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::Permission => "permission-error",
            Self::Invalid => "validation-error",
            Self::Backpressure => "backpressure",
            Self::Unavailable => "unavailable",
            Self::Server => "server-error",
            Self::Timeout => "timeout",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Conflict => "Task already exists",
            Self::Permission => "Tasker refused the credentials",
            Self::Invalid => "Invalid task request",
            Self::Backpressure => "Tasker is overloaded",
            Self::Unavailable => "Tasker cannot be reached",
            Self::Server => "Tasker failed",
            Self::Timeout => "Task did not finish in time",
        }
    }
}

/// Why a call of the orchestration server failed.
///
/// As the error of an Axum handler it answers with its [`status`](Self::status) and a problem document
/// (`application/problem+json`, RFC 9457); back-pressure has a `Retry-After`.
///
/// ```
/// use axum::{extract::State, Json};
/// use tasker_contrib_axum::{ClientError, NewTask, Task, TaskerClient};
///
/// async fn order(State(tasker): State<TaskerClient>) -> Result<Json<Task>, ClientError> {
///     let task = NewTask::new("shop", "order", serde_json::json!({"order_id": 7}));
///     Ok(Json(tasker.create_task(task).await?))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ClientError {
    kind: ClientErrorKind,
    message: String,
    code: Option<String>,
    retry_after: Option<Duration>,
    problems: Vec<String>,
}

impl ClientError {
    pub(crate) fn new(kind: ClientErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            code: None,
            retry_after: None,
            problems: Vec::new(),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ClientErrorKind::Invalid, message)
    }

    pub(crate) fn with_code(mut self, code: Option<String>) -> Self {
        self.code = code;
        self
    }

    pub(crate) fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.retry_after = after;
        self
    }

    pub(crate) fn with_problems(mut self, problems: Vec<String>) -> Self {
        self.problems = problems;
        self
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> ClientErrorKind {
        self.kind
    }

    /// The server's word for it, such as `BACKPRESSURE`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// How long the server asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// One text for each place of a context that does not match its `input_schema`.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Whether another try later may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            ClientErrorKind::Backpressure
                | ClientErrorKind::Unavailable
                | ClientErrorKind::Server
                | ClientErrorKind::Timeout
        )
    }

    /// The status that an application answers with when it cannot do better.
    ///
    /// ```
    /// # async fn run(client: tasker_contrib_axum::TaskerClient) {
    /// if let Err(error) = client.get_task(uuid::Uuid::nil()).await {
    ///     assert_eq!(error.status(), 404);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.kind {
            ClientErrorKind::NotFound => StatusCode::NOT_FOUND,
            ClientErrorKind::Conflict => StatusCode::CONFLICT,
            ClientErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            ClientErrorKind::Backpressure | ClientErrorKind::Unavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            ClientErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            ClientErrorKind::Permission | ClientErrorKind::Server => StatusCode::BAD_GATEWAY,
        }
    }
}

impl ClientErrorKind {
    pub(crate) const fn metric(self) -> &'static str {
        self.name()
    }
}

impl IntoResponse for ClientError {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut body = json!({
            "type": format!("tag:tasker-contrib,2026:problem/{}", self.kind.name()),
            "title": self.kind.title(),
            "status": status.as_u16(),
            "detail": self.message,
        });
        if let Some(code) = &self.code {
            body["code"] = json!(code);
        }
        if !self.problems.is_empty() {
            body["errors"] = json!(self.problems);
        }
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (status, kind, body.to_string()).into_response();
        if let Some(after) = self.retry_after {
            let value = HeaderValue::from(retry_after_seconds(after));
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }
}

/// Whole seconds, never shorter than what was asked for, and never "at once".
pub(crate) fn retry_after_seconds(after: Duration) -> u64 {
    let seconds = after.as_millis().div_ceil(1000).max(1);
    u64::try_from(seconds).unwrap_or(u64::MAX)
}
