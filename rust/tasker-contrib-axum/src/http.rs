//! Handlers that call other services: which answers are worth another attempt.

use reqwest::header::RETRY_AFTER;
use reqwest::Response;

use crate::retry_after::retry_after;
use crate::StepError;

/// What a service's answer means for a step.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use tasker_contrib_axum::{IdempotencyKey, Input, State, StepError, StepResponse};
///
/// #[derive(Serialize, Deserialize)]
/// struct Payment { order_id: i64, cents: i64 }
///
/// #[derive(Serialize, Deserialize)]
/// struct Receipt { id: String }
///
/// async fn charge(
///     Input(payment): Input<Payment>,
///     State(http): State<reqwest::Client>,
///     key: IdempotencyKey,
/// ) -> Result<Receipt, StepError> {
///     let answer = http
///         .post("http://127.0.0.1:9000/payments")
///         .header("idempotency-key", key.to_string()) // the same in each attempt
///         .json(&payment)
///         .send()
///         .await? // not reachable: retryable
///         .or_step_error()?; // 402: permanent; 503: retryable after what the service says
///     Ok(answer.json().await?)
/// }
/// ```
pub trait StepResponse: Sized {
    /// The answer, if it is a success. Otherwise a failure with the code `http_<status>`: retryable for 408, 425, 429 and all of 5xx but 501 and
    /// 505, after the answer's `Retry-After` if it has one; permanent for all others.
    ///
    /// # Errors
    ///
    /// The failure, which names method-less URL and status, and neither the query nor the body.
    fn or_step_error(self) -> Result<Self, StepError>;
}

impl StepResponse for Response {
    fn or_step_error(self) -> Result<Self, StepError> {
        let status = self.status();
        if status.is_success() {
            return Ok(self);
        }
        let after = retry_after(self.headers().get(RETRY_AFTER));
        let mut url = self.url().clone();
        url.set_query(None);
        let _ = url.set_password(None);
        Err(StepError::of_status(
            status,
            format!("{url} answered {status}"),
            after,
        ))
    }
}
