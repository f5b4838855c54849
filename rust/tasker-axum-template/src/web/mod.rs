//! The API as a function from a request to an answer; `programs::web` serves it.

mod auth;
mod documents;
mod health;
mod limits;
mod middleware;
mod problem;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{header, HeaderName, Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use axum::Router;
use tasker_contrib_axum::CorrelationLayer;
use tower_http::cors::CorsLayer;

pub use auth::make_token;
pub use documents::document_id;
pub use health::Health;
pub use limits::client_address;
pub use middleware::SECURITY_HEADERS;
use problem::Problem;

use crate::documents::store::Documents;
use crate::settings::Settings;
use crate::users::Users;
use limits::RateLimits;

/// What multipart adds to a file.
const ENVELOPE_BYTES: usize = 10_000;

/// What the routes use.
#[derive(Clone)]
pub struct Parts {
    pub settings: Arc<Settings>,
    pub documents: Arc<dyn Documents>,
    pub users: Arc<dyn Users>,
}

/// The state of the routes.
#[derive(Clone)]
struct App {
    parts: Parts,
    limits: Arc<RateLimits>,
}

impl App {
    /// The most bytes that a request may have.
    fn most_bytes(&self) -> usize {
        self.parts.settings.max_upload_bytes + ENVELOPE_BYTES
    }
}

/// All routes of the API.
pub fn router(parts: Parts) -> Router {
    let limits = Arc::new(RateLimits::new(&parts.settings));
    let cors = cors(&parts.settings);
    let app = App { parts, limits };
    let limit_login = from_fn_with_state(app.clone(), limits::limit_login);
    Router::new()
        .route("/documents", get(documents::list).post(documents::upload))
        .route("/documents/{document_id}", get(documents::show))
        .route("/documents/{document_id}/review", post(documents::answer))
        .merge(Router::new().route("/token", post(auth::sign_in).route_layer(limit_login)))
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "Not Found") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .layer(DefaultBodyLimit::max(app.most_bytes()))
        .layer(from_fn(middleware::log))
        .layer(cors)
        .layer(CorrelationLayer::new())
        .layer(from_fn(middleware::identify))
        .layer(from_fn(middleware::secure))
        .with_state(app)
}

/// Without origins no answer lets a browser's page of another origin read it.
fn cors(settings: &Settings) -> CorsLayer {
    if settings.cors_origins.is_empty() {
        return CorsLayer::new();
    }
    CorsLayer::new()
        .allow_origin(settings.cors_origins.clone())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("x-request-id"),
        ])
}
