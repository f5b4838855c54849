//! Creates the tasks whose rows are in the outbox.

use tasker_contrib_axum::outbox::Relay;
use tasker_contrib_axum::{shutdown_signal, TaskerClient, TaskerConfig};
use tokio_util::sync::CancellationToken;

use crate::settings::Settings;
use crate::web::Health;
use crate::{database, tasks};

/// Runs until SIGTERM or SIGINT. Any number of relays may run.
///
/// # Errors
///
/// Why it does not start, or cannot go on.
pub async fn relay(settings: &Settings) -> Result<(), String> {
    let db = database::open(settings).map_err(|error| error.to_string())?;
    let client = TaskerClient::from_config(&TaskerConfig::from_env());
    let client = client.map_err(|error| error.to_string())?;
    let relay = Relay::new(tasks::outbox(), db.clone(), client.clone()).await;
    let relay = relay.map_err(|error| error.to_string())?;
    let relay = relay.on_created(|_transaction, task| {
        Box::pin(async move {
            let id = task.context["document_id"].as_str().unwrap_or_default();
            let request_id = task.correlation_id.unwrap_or_default();
            // The one line that has both ids.
            tracing::info!(task_uuid = %task.task_uuid, %request_id, "task of document {id}");
            Ok(())
        })
    });
    let stopping = CancellationToken::new();
    let health = Health {
        db: db.clone(),
        client,
        stopping: stopping.clone(),
    };
    let listener = super::listen(settings).await?;
    // The row in hand is finished first; live, ready and metrics answer until then.
    let stop = relay.run(shutdown_signal());
    let served = super::serve(listener, health.router(), stopping, stop).await;
    db.close().await;
    served
}
