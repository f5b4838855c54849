//! What every request passes: an id, a line in the log, security headers.

use std::time::Instant;

use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts as RequestParts;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use super::{App, Problem};

pub const SECURITY_HEADERS: [(&str, &str); 9] = [
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=()",
    ),
    ("referrer-policy", "no-referrer"),
    (
        "strict-transport-security",
        "max-age=31536000; includeSubDomains",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Adds the security headers to every answer.
pub async fn secure(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    for (name, value) in SECURITY_HEADERS {
        let name = HeaderName::from_static(name);
        let value = HeaderValue::from_static(value);
        answer.headers_mut().insert(name, value);
    }
    answer
}

/// Takes an id only if it is a UUID; the layer within makes another one, and puts it around the request.
pub async fn identify(mut request: Request, next: Next) -> Response {
    if id_in(request.headers().get(&REQUEST_ID)).is_none() {
        request.headers_mut().remove(&REQUEST_ID);
    }
    next.run(request).await
}

/// Writes a line for each request.
pub async fn log(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    // The route's pattern, not the path: paths have ids of people's documents.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let answer = next.run(request).await;
    let status = answer.status().as_u16();
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let route = route.as_ref().map_or("(no route)", MatchedPath::as_str);
    tracing::info!(status, duration_ms, "{method} {route}");
    answer
}

fn id_in(header: Option<&HeaderValue>) -> Option<Uuid> {
    Uuid::parse_str(header?.to_str().ok()?).ok()
}

/// The request's id, which the tasks that it creates get too.
pub struct RequestId(pub Uuid);

impl FromRequestParts<App> for RequestId {
    type Rejection = Problem;

    async fn from_request_parts(request: &mut RequestParts, _app: &App) -> Result<Self, Problem> {
        let id = id_in(request.headers.get(&REQUEST_ID));
        Ok(Self(id.unwrap_or_else(Uuid::new_v4)))
    }
}
