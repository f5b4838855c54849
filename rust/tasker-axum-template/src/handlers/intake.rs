//! The steps of `intake_document`: from the upload to publication, or to a person's desk.

use serde::{Deserialize, Serialize};
use tasker_contrib_axum::{
    Batch, Batches, Config, Decision, Dep, Dependencies, Input, State, Step, StepError, StepOutput,
};
use uuid::Uuid;

use super::{moved, unknown, Job, Moved, Services};
use crate::documents::content::{read_page, split_pages, PageText};
use crate::documents::store::{Row, Status};

#[derive(Serialize)]
pub struct Scanned {
    size: usize,
}

#[derive(Serialize, Deserialize)]
pub struct ReadPages {
    pages: usize,
}

#[derive(Serialize, Deserialize)]
pub struct Extracted {
    pages: usize,
    fewest_words: i32,
}

impl StepOutput for Extracted {
    const STEP: &'static str = "join_pages";
}

#[derive(Deserialize)]
pub struct Splitting {
    pages_per_batch: std::num::NonZeroU64,
}

#[derive(Deserialize)]
pub struct Choosing {
    min_words: i32,
}

/// Looks for viruses. A busy scanner is asked again, as the template says.
pub async fn scan(
    Input(job): Input<Job>,
    step: Step,
    State(services): State<Services>,
) -> Result<Scanned, StepError> {
    let (id, documents) = (job.document_id, &services.documents);
    let content = content_of(&services, id).await?;
    documents
        .set_task(Row::Document, id, step.task_id())
        .await?;
    let virus = services.scanner.find_virus(&content).await;
    if let Some(virus) = virus.map_err(|error| StepError::retryable(error.to_string()))? {
        documents
            .move_to(id, Status::Infected, Status::Received)
            .await?;
        return Err(StepError::permanent(format!("the scanner found {virus}")).code("INFECTED"));
    }
    let size = content.len();
    Ok(Scanned { size })
}

/// Cuts the document into batches of pages, which are read side by side.
pub async fn split(
    Input(job): Input<Job>,
    Config(splitting): Config<Splitting>,
    State(services): State<Services>,
) -> Result<Batches, StepError> {
    let content = content_of(&services, job.document_id).await?;
    let pages = u64::try_from(pages_of(&content)?.len())?;
    let size = splitting.pages_per_batch.get();
    Ok(Batches::split("extract_pages", 0..pages, size))
}

/// Reads the pages of one batch.
pub async fn extract_pages(
    Input(job): Input<Job>,
    batch: Batch,
    State(services): State<Services>,
) -> Result<ReadPages, StepError> {
    let content = content_of(&services, job.document_id).await?;
    let texts = pages_of(&content)?;
    let range = batch.range();
    let numbered = (1..).zip(&texts);
    let read: Vec<PageText> = numbered
        .skip(usize::try_from(range.start)?)
        .take(usize::try_from(range.end - range.start)?)
        .map(|(number, text)| read_page(number, text))
        .collect();
    services.documents.put_pages(job.document_id, &read).await?;
    Ok(ReadPages { pages: read.len() })
}

/// Sums up what was read.
pub async fn join_pages(
    Input(job): Input<Job>,
    dependencies: Dependencies,
    State(services): State<Services>,
) -> Result<Extracted, StepError> {
    let parts = dependencies.batches::<ReadPages>("extract_pages")?;
    Ok(Extracted {
        pages: parts.iter().map(|part| part.pages).sum(),
        fewest_words: services.documents.fewest_words(job.document_id).await?,
    })
}

/// A page with hardly a word on it was not read well: a person has to look.
pub async fn choose_review(
    Dep(extracted): Dep<Extracted>,
    Config(choosing): Config<Choosing>,
) -> Result<Decision, StepError> {
    let needs_person = extracted.fewest_words < choosing.min_words;
    let next = if needs_person {
        "ask_reviewer"
    } else {
        "publish"
    };
    Ok(Decision::steps([next]))
}

pub async fn publish(
    Input(job): Input<Job>,
    State(services): State<Services>,
) -> Result<Moved, StepError> {
    moved(
        &services,
        job.document_id,
        Status::Published,
        Status::Received,
    )
    .await
}

/// Leaves the document to a reviewer. No step waits for the answer: it starts another task.
pub async fn ask_reviewer(
    Input(job): Input<Job>,
    State(services): State<Services>,
) -> Result<Moved, StepError> {
    let waiting = Status::WaitingForReview;
    moved(&services, job.document_id, waiting, Status::Received).await
}

async fn content_of(services: &Services, id: Uuid) -> Result<Vec<u8>, StepError> {
    let content = services.documents.content(id).await?;
    content.ok_or_else(|| unknown(id))
}

fn pages_of(content: &[u8]) -> Result<Vec<&str>, StepError> {
    split_pages(content)
        .map_err(|error| StepError::permanent(error.to_string()).code("NOT_READABLE"))
}
