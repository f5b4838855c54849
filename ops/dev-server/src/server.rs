//! Core's orchestration server, in this process.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tasker_orchestration::orchestration::bootstrap::{
    OrchestrationBootstrap, OrchestrationSystemHandle,
};

use tokio::runtime::Runtime;

use crate::cli::Role;
use crate::config::{render, Stack};
use crate::error::StackError;
use crate::ports;

/// Core's stop sequence waits for its listeners; a development stack does not wait longer than this.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
const HEALTH_PATIENCE: Duration = Duration::from_secs(10);
const PORT_TRIES: usize = 5;
const PORT_PAUSE: Duration = Duration::from_millis(200);

/// The running server.
pub struct Server {
    /// Where its REST API is.
    pub url: String,
    /// Where its gRPC API is, if that was asked for.
    pub grpc_url: Option<String>,
    running: Option<Running>,
}

/// Core's server and what runs it. Core's web server has no stop of its own: it ends with its runtime.
struct Running {
    handle: OrchestrationSystemHandle,
    _runtime: ServerRuntime,
}

/// A runtime that may be dropped where others run, which tokio's must not be: its drop waits. A start that is given up drops it, too.
struct ServerRuntime(Option<Runtime>);

impl Drop for ServerRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Server {
    /// Starts it on the database, with gRPC if there is a port for that; port 0 takes a free one.
    ///
    /// # Errors
    /// [`StackError::Server`] with Core's words.
    pub async fn start(
        database_url: &str,
        port: u16,
        grpc_port: Option<u16>,
        run_dir: &Path,
    ) -> anyhow::Result<Self> {
        let address = |port: u16| -> anyhow::Result<String> {
            let chosen = if port == 0 { ports::free()? } else { port };
            Ok(format!("127.0.0.1:{chosen}"))
        };
        for attempt in 1.. {
            let url = format!("http://{}", address(port)?);
            let grpc = grpc_port.map(address).transpose()?;
            let stack = Stack {
                database_url,
                orchestration_url: &url,
                grpc_address: grpc.as_deref(),
            };
            write_config(&stack, run_dir)?;
            match Running::boot().await {
                Ok(running) => {
                    let server = Self {
                        url,
                        grpc_url: grpc.map(|address| format!("http://{address}")),
                        running: Some(running),
                    };
                    server.wait_until_healthy().await?;
                    return Ok(server);
                }
                // Somebody took the port between our look and Core's, or a server that was stopped has not let it go yet.
                Err(error)
                    if attempt < PORT_TRIES && error.to_string().contains("Failed to bind") =>
                {
                    if port != 0 {
                        tokio::time::sleep(PORT_PAUSE).await;
                    }
                }
                Err(error) => {
                    return Err(StackError::Server {
                        why: error.to_string(),
                    }
                    .into())
                }
            }
        }
        unreachable!("the last attempt returns")
    }

    async fn wait_until_healthy(&self) -> anyhow::Result<()> {
        let url = format!("{}/health", self.url);
        // No proxy of the environment may stand between us and our own loopback address.
        let client = reqwest::Client::builder().no_proxy().build()?;
        let healthy = async {
            while !client
                .get(&url)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            // Core only logs that it cannot serve gRPC.
            let grpc = self.grpc_url.as_ref();
            if let Some(address) = grpc.and_then(|url| url.strip_prefix("http://")) {
                while tokio::net::TcpStream::connect(address).await.is_err() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        };
        tokio::time::timeout(HEALTH_PATIENCE, healthy)
            .await
            .map_err(|_| {
                StackError::Server {
                    why: format!(
                        "{} did not answer within {} s",
                        [Some(url.as_str()), self.grpc_url.as_deref()]
                            .into_iter()
                            .flatten()
                            .collect::<Vec<_>>()
                            .join(" or "),
                        HEALTH_PATIENCE.as_secs()
                    ),
                }
                .into()
            })
    }

    /// Stops it, and starts another one at the same addresses.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn restart(&mut self, database_url: &str, run_dir: &Path) -> anyhow::Result<()> {
        let port = |url: &str| url::Url::parse(url).ok().and_then(|url| url.port());
        let (port, grpc_port) = (
            port(&self.url).unwrap_or_default(),
            self.grpc_url.as_deref().and_then(port),
        );
        self.stop().await;
        *self = Self::start(database_url, port, grpc_port, run_dir).await?;
        Ok(())
    }

    /// Stops it.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}

impl Running {
    async fn boot() -> anyhow::Result<Self> {
        // Core's own program does this when it sets up its log; without it `/metrics` panics.
        tasker_shared::metrics::init_metrics();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let boot = runtime.spawn(async { OrchestrationBootstrap::bootstrap().await });
        let runtime = ServerRuntime(Some(runtime));
        Ok(Self {
            handle: boot.await??,
            _runtime: runtime,
        })
    }

    async fn stop(mut self) {
        match tokio::time::timeout(STOP_PATIENCE, self.handle.stop()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("the server did not stop cleanly: {error}"),
            Err(_) => tracing::warn!(
                "the server did not stop within {} s",
                STOP_PATIENCE.as_secs()
            ),
        }
    }
}

/// Core reads its configuration from a file only. The file holds the database's password, so it is private.
fn write_config(stack: &Stack<'_>, run_dir: &Path) -> anyhow::Result<()> {
    let place = run_dir.join("orchestration.toml");
    fs::write(&place, "")?;
    fs::set_permissions(&place, fs::Permissions::from_mode(0o600))?;
    fs::write(&place, render(Role::Orchestration, stack)?)
        .context("write the server's configuration")?;
    std::env::set_var("TASKER_CONFIG_PATH", &place);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn a_start_may_be_given_up() {
        let mut boot = Box::pin(Running::boot());
        let mut context = Context::from_waker(Waker::noop());
        assert!(boot.as_mut().poll(&mut context).is_pending());
        // As a signal does in the middle of a restart.
        drop(boot);
    }
}
