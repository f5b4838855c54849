//! What goes wrong: at the start ([`Error`]) and in a step ([`StepError`]).

use std::time::Duration;

use crate::contract;

const NOTHING_TO_DO: &str = "nothing_to_do";

/// Why a worker or a client cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is wrong; each line names a key, its value, where it came from, and the fix.
    #[error("the configuration of Tasker is wrong:\n{}", lines(.0))]
    Config(Vec<String>),
    /// Handlers and task templates do not fit each other.
    #[error("handlers and task templates do not fit each other:\n{}", lines(.0))]
    Handlers(Vec<String>),
    /// Tasker Core did not start.
    #[error("Tasker Core did not start: {0}")]
    Core(String),
}

fn lines(problems: &[String]) -> String {
    problems
        .iter()
        .map(|problem| format!("  - {problem}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Why a step failed, and whether another attempt may help.
///
/// Every [`std::error::Error`] becomes a retryable failure by `?`, so that a handler says `permanent` only where it knows better.
/// Like `anyhow::Error` this type is therefore no `std::error::Error` itself.
///
/// ```
/// use std::time::Duration;
/// use tasker_contrib_axum::StepError;
///
/// let declined = StepError::permanent("the card was declined").code("card_declined");
/// assert!(!declined.is_retryable());
/// let busy = StepError::retryable("the bank is busy").after(Duration::from_secs(30));
/// assert_eq!(busy.retry_after(), Some(Duration::from_secs(30)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepError {
    message: String,
    kind: &'static str,
    code: Option<String>,
    retryable: bool,
    after: Option<Duration>,
}

impl StepError {
    /// A failure for good: the step is not tried again.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::of(contract::ERROR_PERMANENT, message, false)
    }

    /// A failure that may pass: the step is tried again while it has attempts left.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self::of(contract::ERROR_RETRYABLE, message, true)
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::of(contract::ERROR_VALIDATION, message, false)
    }

    /// Not a failure: the handler has nothing to do and is not called.
    pub(crate) fn nothing_to_do() -> Self {
        Self::of(NOTHING_TO_DO, "", false)
    }

    pub(crate) fn is_nothing_to_do(&self) -> bool {
        self.kind == NOTHING_TO_DO
    }

    pub(crate) fn of(kind: &'static str, message: impl Into<String>, retryable: bool) -> Self {
        Self {
            message: message.into(),
            kind,
            code: None,
            retryable,
            after: None,
        }
    }

    /// The least time until the next attempt, instead of the template's back-off. Core counts whole seconds; it is rounded up.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.after = Some(delay);
        self
    }

    /// A word for programs, such as `card_declined`.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// What went wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The error type that Core stores, such as `permanent_error`.
    pub fn error_type(&self) -> &'static str {
        self.kind
    }

    /// The word for programs.
    pub fn error_code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Whether another attempt may help.
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// The least time until the next attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.after
    }
}

impl std::fmt::Display for StepError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for StepError {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            message.push_str(&format!(": {next}"));
            cause = next.source();
        }
        Self::of(contract::ERROR_HANDLER, message, true)
    }
}
