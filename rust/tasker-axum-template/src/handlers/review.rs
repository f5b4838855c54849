//! The steps of `finish_review`, which starts when a reviewer has answered.

use serde::{Deserialize, Serialize};
use tasker_contrib_axum::{Decision, Dep, Input, State, Step, StepError, StepOutput};

use super::{moved, Job, Moved, Services};
use crate::documents::store::{Row, Status};

#[derive(Serialize, Deserialize)]
pub struct Answered {
    approved: bool,
}

impl StepOutput for Answered {
    const STEP: &'static str = "read_answer";
}

pub async fn read_answer(
    Input(job): Input<Job>,
    step: Step,
    State(services): State<Services>,
) -> Result<Answered, StepError> {
    let (id, documents) = (job.document_id, &services.documents);
    let Some(review) = documents.review(id).await? else {
        return Err(StepError::permanent(format!("document {id} has no review")));
    };
    documents.set_task(Row::Review, id, step.task_id()).await?;
    let approved = review.approved;
    Ok(Answered { approved })
}

pub async fn route_answer(Dep(answered): Dep<Answered>) -> Result<Decision, StepError> {
    let next = if answered.approved {
        "publish_reviewed"
    } else {
        "reject"
    };
    Ok(Decision::steps([next]))
}

pub async fn publish_reviewed(
    Input(job): Input<Job>,
    State(services): State<Services>,
) -> Result<Moved, StepError> {
    let waiting = Status::WaitingForReview;
    moved(&services, job.document_id, Status::Published, waiting).await
}

pub async fn reject(
    Input(job): Input<Job>,
    State(services): State<Services>,
) -> Result<Moved, StepError> {
    let waiting = Status::WaitingForReview;
    moved(&services, job.document_id, Status::Rejected, waiting).await
}
