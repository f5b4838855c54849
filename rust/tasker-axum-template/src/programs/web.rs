//! Answers requests. It creates tasks and runs no steps.

use std::sync::Arc;

use tasker_contrib_axum::{shutdown_signal, TaskerClient, TaskerConfig};
use tokio_util::sync::CancellationToken;

use crate::database;
use crate::documents::store::SqlDocuments;
use crate::settings::Settings;
use crate::users::SqlUsers;
use crate::web::{router, Health, Parts};

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
///
/// Why it does not start, or cannot go on.
pub async fn web(settings: &Settings) -> Result<(), String> {
    let db = database::open(settings).map_err(|error| error.to_string())?;
    let client = TaskerClient::from_config(&TaskerConfig::from_env());
    let health = Health {
        db: db.clone(),
        client: client.map_err(|error| error.to_string())?,
        stopping: CancellationToken::new(),
    };
    let stopping = health.stopping.clone();
    let app = router(Parts {
        settings: Arc::new(settings.clone()),
        documents: Arc::new(SqlDocuments::new(db.clone())),
        users: Arc::new(SqlUsers(db.clone())),
    });
    let listener = super::listen(settings).await?;
    let routes = app.merge(health.router());
    let served = super::serve(listener, routes, stopping, shutdown_signal()).await;
    // Requests have the database to their end.
    db.close().await;
    served
}
