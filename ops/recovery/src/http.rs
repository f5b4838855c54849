//! `/live`, `/ready` and `/metrics`.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::Router;
use tokio::net::TcpListener;

use crate::{Error, Monitor, Settings};

/// What the handlers need.
#[derive(Clone)]
struct Shared {
    monitor: Monitor,
    patience: Duration,
}

/// Binds the address.
///
/// # Errors
/// [`Error::Listen`].
pub async fn bind(address: &str) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|why| Error::Listen {
            address: address.to_owned(),
            why,
        })
}

/// Answers for ever: `/live` says whether the loop turns, `/ready` whether passes succeed.
///
/// # Errors
/// The listener's.
pub async fn serve(
    listener: TcpListener,
    monitor: Monitor,
    settings: &Settings,
) -> std::io::Result<()> {
    let shared = Shared {
        monitor,
        patience: (5 * settings.interval).max(Duration::from_secs(40)),
    };
    let routes = Router::new()
        .route("/live", get(live))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(shared);
    axum::serve(listener, routes).await
}

async fn live(State(shared): State<Shared>) -> (StatusCode, &'static str) {
    if shared.monitor.is_alive(shared.patience) {
        (StatusCode::OK, "alive\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the loop stands still\n")
    }
}

async fn ready(State(shared): State<Shared>) -> (StatusCode, String) {
    match shared.monitor.problem(shared.patience) {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(problem) => (StatusCode::SERVICE_UNAVAILABLE, format!("{problem}\n")),
    }
}

async fn metrics(State(shared): State<Shared>) -> ([(&'static str, &'static str); 1], String) {
    (
        [("content-type", "text/plain; version=0.0.4")],
        shared.monitor.metrics(),
    )
}
