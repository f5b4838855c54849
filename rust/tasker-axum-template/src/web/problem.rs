//! Answers other than success.

use axum::http::{header, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::Json;
use serde_json::json;

use crate::documents::store::StoreError;

/// A status with its reason, as `{"detail": …}`.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    header: Option<(header::HeaderName, HeaderValue)>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            header: None,
        }
    }

    /// What was sent is not what is wanted: where, and why.
    pub fn invalid(place: &str, why: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{place}: {why}"))
    }

    pub fn unauthorized(why: &str) -> Self {
        let bearer = HeaderValue::from_static("Bearer");
        Self {
            header: Some((header::WWW_AUTHENTICATE, bearer)),
            ..Self::new(StatusCode::UNAUTHORIZED, why)
        }
    }

    pub fn too_many(rate: &str, seconds: u64) -> Self {
        let detail = format!("more than {rate}: try again in {seconds} s");
        Self {
            header: Some((header::RETRY_AFTER, seconds.into())),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail)
        }
    }

    pub fn too_large(what: &str, most: usize) -> Self {
        let detail = format!("the {what} has more than {most} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// What went wrong is for the log alone.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "the request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Json(json!({"detail": self.detail}));
        let mut answer = (self.status, body).into_response();
        answer.headers_mut().extend(self.header);
        answer
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(error)
    }
}
