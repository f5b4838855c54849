use serde_json::json;
use tasker_contrib_axum::{ClientError, ClientErrorKind, NewTask, TaskerClient};

/// Creates the report of a day (`2026-12-01`). Call it as often as you like: a day has one report.
pub async fn create_report(client: &TaskerClient, day: &str) -> Result<(), ClientError> {
    let report = NewTask::new("reports", "daily_report", json!({"day": day}));
    match client.create_task(report).await {
        Err(error) if error.kind() == ClientErrorKind::Conflict => Ok(()),
        answer => answer.map(drop),
    }
}
