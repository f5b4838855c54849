//! What goes wrong: at the start ([`Error`]) and in a step ([`StepError`]).

use std::time::Duration;

use axum::http::StatusCode;

use crate::client::ClientError;
use crate::{contract, storable};

const NOTHING_TO_DO: &str = "nothing_to_do";

/// Why a worker or a client cannot be started.
///
/// ```
/// use tasker_contrib_axum::{Error, TaskerClient};
///
/// let error = TaskerClient::new("not an address").unwrap_err();
/// assert!(matches!(error, Error::Config(_)));
/// println!("{error}");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is wrong; each line names a key, its value, where it came from, and the fix.
    #[error("the configuration of Tasker is wrong:\n{}", lines(.0))]
    Config(Vec<String>),
    /// Handlers and task templates do not fit each other.
    #[error("handlers and task templates do not fit each other:\n{}", lines(.0))]
    Handlers(Vec<String>),
    /// Tasker's database does not answer, or refuses the connection.
    #[error("cannot connect to Tasker's database: {0}")]
    Database(String),
    /// Tasker Core did not start.
    #[error("Tasker Core did not start: {0}")]
    Core(String),
}

impl Error {
    /// Which part of Core failed, and what it says.
    pub(crate) fn core(part: &str, error: impl std::fmt::Display) -> Self {
        Self::Core(format!("{part}: {error}"))
    }
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

    /// A failure that may pass: the step is retried while it has attempts left.
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

    /// What a service's status means: whether another attempt may help, and after which time.
    pub(crate) fn of_status(status: StatusCode, message: String, after: Option<Duration>) -> Self {
        let again = match status.as_u16() {
            408 | 425 | 429 => true,
            501 | 505 => false,
            code => code >= 500,
        };
        let error = if again {
            Self::retryable(message)
        } else {
            Self::permanent(message)
        };
        let error = error.code(format!("http_{}", status.as_u16()));
        match after {
            Some(after) if again => error.after(after),
            _ => error,
        }
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

    /// The same with texts that the database can store.
    pub(crate) fn storable(mut self) -> Self {
        self.message = storable::replaced(&self.message);
        self.code = self.code.map(|code| storable::replaced(&code));
        self
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

/// Errors of `reqwest` are told without the URL's query. Those with a status, and the client's, are permanent when another attempt cannot help.
impl<E: std::error::Error + Send + Sync + 'static> From<E> for StepError {
    fn from(error: E) -> Self {
        let any: &(dyn std::any::Any + Send + Sync) = &error;
        if let Some(error) = any.downcast_ref::<ClientError>() {
            let made = match error.is_transient() {
                true => Self::retryable(error.to_string()),
                false => Self::permanent(error.to_string()),
            };
            return match error.retry_after() {
                Some(after) if made.retryable => made.after(after),
                _ => made,
            };
        }
        if let Some(error) = any.downcast_ref::<reqwest::Error>() {
            return of_reqwest(error);
        }
        Self::of(contract::ERROR_HANDLER, causes(&error, &[]), true)
    }
}

fn of_reqwest(error: &reqwest::Error) -> StepError {
    let url = error.url().map(|url| {
        let mut shown = url.clone();
        shown.set_query(None);
        let _ = shown.set_password(None);
        (url.as_str(), shown)
    });
    let hidden: Vec<(&str, &str)> = url
        .iter()
        .map(|(whole, shown)| (*whole, shown.as_str()))
        .collect();
    let message = causes(error, &hidden);
    match error.status() {
        Some(status) => StepError::of_status(status, message, None),
        None => StepError::of(contract::ERROR_HANDLER, message, true),
    }
}

/// An error with what caused it; some texts are replaced by others.
fn causes(error: &dyn std::error::Error, replaced: &[(&str, &str)]) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        message.push_str(&format!(": {next}"));
        cause = next.source();
    }
    replaced
        .iter()
        .fold(message, |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::{ClientError, ClientErrorKind, StepError, StepResponse};

    fn answer(status: u16, retry_after: Option<&str>) -> reqwest::Response {
        let mut answer = axum::http::Response::builder().status(status);
        if let Some(after) = retry_after {
            answer = answer.header("retry-after", after);
        }
        answer.body("").unwrap().into()
    }

    #[test]
    fn a_services_status_says_whether_another_attempt_may_help() {
        for (status, retryable) in [
            (400, false),
            (402, false),
            (404, false),
            (408, true),
            (429, true),
            (500, true),
            (501, false),
            (503, true),
        ] {
            let error = answer(status, Some("7")).or_step_error().unwrap_err();
            assert_eq!(error.is_retryable(), retryable, "{status}");
            assert_eq!(error.error_code(), Some(format!("http_{status}").as_str()));
            let after = retryable.then_some(Duration::from_secs(7));
            assert_eq!(error.retry_after(), after, "{status}");
        }
        assert!(answer(204, None).or_step_error().is_ok());
        let known = StepError::from(answer(404, None).error_for_status().unwrap_err());
        assert!(!known.is_retryable());
    }

    #[tokio::test]
    async fn an_error_of_reqwest_hides_the_query() {
        let error = reqwest::get("http://127.0.0.1:9/pay?key=hunter2").await;
        let error = StepError::from(error.unwrap_err());
        assert!(error.is_retryable());
        assert!(!error.message().contains("hunter2"), "{error}");
        assert!(error.message().contains("127.0.0.1:9/pay"), "{error}");
    }

    #[test]
    fn an_error_of_the_client_is_permanent_when_it_stays() {
        let error = |kind| StepError::from(ClientError::new(kind, "no"));
        assert!(!error(ClientErrorKind::NotFound).is_retryable());
        assert!(error(ClientErrorKind::Unavailable).is_retryable());
    }
}
