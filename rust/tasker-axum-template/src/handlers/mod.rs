//! The steps of both workflows, and what they have in common.

mod intake;
mod review;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tasker_contrib_axum::{Handlers, Input, State, StepError};
use uuid::Uuid;

pub use intake::publish;

use crate::documents::scanner::Scanner;
use crate::documents::store::{Documents, Status};

/// What the steps use.
#[derive(Clone)]
pub struct Services {
    pub documents: Arc<dyn Documents>,
    pub scanner: Arc<dyn Scanner>,
}

/// All of them, by the callables of `config/tasks/`.
pub fn all(services: Services) -> Handlers {
    Handlers::new()
        .add("intake.scan", intake::scan)
        .add("intake.split", intake::split)
        .add("intake.extract_pages", intake::extract_pages)
        .add("intake.join_pages", intake::join_pages)
        .add("intake.choose_review", intake::choose_review)
        .add("intake.publish", intake::publish)
        .add("intake.ask_reviewer", intake::ask_reviewer)
        .add("intake.read_answer", review::read_answer)
        .add("intake.route_answer", review::route_answer)
        .add("intake.publish_reviewed", review::publish_reviewed)
        .add("intake.reject", review::reject)
        .add("intake.notify", notify)
        .with_state(services)
}

/// The context of a task.
#[derive(Deserialize)]
pub struct Job {
    pub document_id: Uuid,
}

/// Where the document stands after a step.
#[derive(Serialize)]
pub struct Moved {
    status: Status,
}

#[derive(Serialize)]
struct Told {
    status: Status,
    sent: bool,
}

/// Tells the owner where the document stands. Put the e-mail of yours here.
async fn notify(
    Input(job): Input<Job>,
    State(services): State<Services>,
) -> Result<Told, StepError> {
    let id = job.document_id;
    let document = services.documents.get(id).await?;
    let status = document.ok_or_else(|| unknown(id))?.status;
    let sent = services.documents.add_notice(id, status).await?;
    if sent {
        // The span around a step gives the line its ids.
        tracing::info!("the owner of {id} is told: {status}");
    }
    Ok(Told { status, sent })
}

/// Changes a document's status; what the step answers.
async fn moved(
    services: &Services,
    id: Uuid,
    to: Status,
    only_from: Status,
) -> Result<Moved, StepError> {
    let status = services.documents.move_to(id, to, only_from).await?;
    let status = status.ok_or_else(|| unknown(id))?;
    Ok(Moved { status })
}

fn unknown(id: Uuid) -> StepError {
    StepError::permanent(format!("document {id} does not exist"))
}
