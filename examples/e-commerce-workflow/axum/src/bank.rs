//! The payment service's client.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{json, Value};
use tasker_contrib_axum::StepError;

/// A charge that the payment service knows.
pub struct Charge<'a> {
    /// The same for each try: the service books it once.
    pub key: &'a str,
    /// What it is for, on the statement.
    pub reference: &'a str,
    pub amount_cents: i64,
    pub card: &'a str,
}

/// What became of the money.
#[derive(Debug, Deserialize)]
pub struct Refunded {
    /// `refunded`, or `voided` when there was nothing to give back; the charge cannot be made any more then.
    pub state: String,
    pub refunded_cents: i64,
}

#[derive(Clone)]
pub struct Bank {
    http: reqwest::Client,
    url: String,
}

impl Bank {
    /// A service that has not answered in time has not refused: nobody knows what it did.
    pub fn new(url: &str, timeout: Duration) -> reqwest::Result<Self> {
        Ok(Self {
            http: reqwest::Client::builder().timeout(timeout).build()?,
            url: url.trim_end_matches('/').to_owned(),
        })
    }

    /// Takes the money. Only what the service refuses is permanent.
    pub async fn charge(&self, charge: &Charge<'_>) -> Result<(), StepError> {
        let body = json!({"amount_cents": charge.amount_cents, "card": charge.card, "reference": charge.reference});
        self.post("charges", charge.key, &body).await.map(|_| ())
    }

    /// Gives the money of a charge back, or sees to it that it is never taken.
    pub async fn refund(&self, key: &str, charge_key: &str) -> Result<Refunded, StepError> {
        let answer = self
            .post("refunds", key, &json!({"charge_key": charge_key}))
            .await?;
        Ok(serde_json::from_value(answer)?)
    }

    /// What the service has in its books.
    pub async fn books(&self, reference: &str) -> reqwest::Result<Value> {
        let books = self
            .http
            .get(format!("{}/books", self.url))
            .query(&[("reference", reference)]);
        books.send().await?.error_for_status()?.json().await
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Result<Value, StepError> {
        let request = self
            .http
            .post(format!("{}/{path}", self.url))
            .header("idempotency-key", key)
            .json(body);
        let answer = request.send().await.map_err(|error| {
            let what = if error.is_timeout() {
                "did not answer in time"
            } else {
                "cannot be reached"
            };
            StepError::retryable(format!("the payment service {what}"))
                .code("payment_service_unavailable")
        })?;
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap_or_default();
        let told = answer["message"].as_str().unwrap_or("without a reason");
        let code = answer["code"].as_str().unwrap_or("payment_failed");
        match status {
            StatusCode::OK => Ok(answer),
            StatusCode::PAYMENT_REQUIRED
            | StatusCode::CONFLICT
            | StatusCode::UNPROCESSABLE_ENTITY => Err(StepError::permanent(told).code(code)),
            _ => Err(
                StepError::retryable(format!("the payment service answered {status}"))
                    .code("payment_service_failed"),
            ),
        }
    }
}
