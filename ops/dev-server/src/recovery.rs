//! What brings tasks to their end after a kill, in this process.

use std::time::Duration;

use tasker_recovery::{Monitor, Settings};
use tokio::task::JoinHandle;

/// A server that has lost its listener gets it back within moments, or never.
const DEAF_PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_secs(1);

/// The passes.
pub struct Recovery {
    monitor: Monitor,
    passes: JoinHandle<()>,
}

impl Recovery {
    /// Installs the schema and begins, if that is wanted. A database that recovery refuses is no reason not to start.
    pub async fn start(url: &str, wanted: bool) -> Option<Self> {
        if !wanted {
            return None;
        }
        if let Err(error) = tasker_recovery::install(url).await {
            tracing::warn!("tasks are not recovered after a kill: {error}\nfix: see above, or pass --no-recovery to do without.");
            return None;
        }
        let monitor = Monitor::new();
        let passes = tokio::spawn(passes(url.to_owned(), monitor.clone()));
        Some(Self { monitor, passes })
    }

    /// Ends when no server has listened for a while although the database answers.
    pub async fn server_is_deaf(&self) {
        while self.monitor.server_deaf_for() < DEAF_PATIENCE {
            tokio::time::sleep(LOOK).await;
        }
        self.monitor.listen_again();
    }
}

impl Drop for Recovery {
    fn drop(&mut self) {
        self.passes.abort();
    }
}

async fn passes(url: String, monitor: Monitor) {
    let settings = Settings::default();
    if let Err(error) =
        tasker_recovery::run(&url, &settings, &monitor, std::future::pending()).await
    {
        tracing::warn!("tasks are no longer recovered after a kill: {error}");
    }
}
