//! The programs that are deployed, each a process of its own, and the commands of a deployment.

mod commands;
mod relay;
mod web;
mod worker;

use std::future::{Future, IntoFuture as _};
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use commands::{add_user, health, migrate};
pub use relay::relay;
pub use web::web;
pub use worker::worker;

use crate::settings::Settings;

/// How long open requests may take after SIGTERM.
const DRAIN: Duration = Duration::from_secs(25);

async fn listen(settings: &Settings) -> Result<TcpListener, String> {
    let address = SocketAddr::from((settings.host, settings.port));
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen at {address} (HOST, PORT): {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    tracing::info!("listening at http://{address}");
    Ok(listener)
}

/// Answers requests until `stop` is ready; then it is not ready any more, and open requests are finished.
async fn serve(
    listener: TcpListener,
    routes: Router,
    stopping: CancellationToken,
    stop: impl Future<Output = ()>,
) -> Result<(), String> {
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service)
        .with_graceful_shutdown(stopping.clone().cancelled_owned())
        .into_future();
    let mut served = std::pin::pin!(served);
    tokio::select! {
        ended = &mut served => return ended.map_err(|error| error.to_string()),
        () = stop => stopping.cancel(),
    }
    match tokio::time::timeout(DRAIN, served).await {
        Ok(ended) => ended.map_err(|error| error.to_string()),
        Err(_) => {
            tracing::warn!("requests were still open after {DRAIN:?}; they are abandoned");
            Ok(())
        }
    }
}
