//! The API: upload a document, look at it, answer a review.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{header, HeaderMap, StatusCode};
use axum::Json;
use futures_util::stream;
use serde::Deserialize;
use serde_json::{json, Value};
use sha1::{Digest as _, Sha1};
use uuid::Uuid;

use super::auth::{Reviewer, SignedIn};
use super::middleware::RequestId;
use super::{App, Problem};
use crate::documents::store::{sha256, Document, NewDocument, Review, Status};
use crate::tasks::{NewTask, Template};

const KEY_LENGTH: std::ops::RangeInclusive<usize> = 8..=128;
const LONGEST_NAME: usize = 255;
const LONGEST_NOTE: usize = 1000;

type Answered<T> = Result<(StatusCode, Json<T>), Problem>;

/// Takes in a document. The same key again gives the same document, and one task.
pub async fn upload(
    State(app): State<App>,
    SignedIn(user): SignedIn,
    RequestId(request_id): RequestId,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answered<Document> {
    app.limits.upload(&user.id.to_string())?;
    let key = key_in(&headers)?;
    let file = file_in(&headers, bytes(&app, body)?).await?;
    let most = app.parts.settings.max_upload_bytes;
    if file.content.len() > most {
        return Err(Problem::too_large("file", most));
    }
    let digest = sha256(&file.content);
    let id = document_id(user.id, &key);
    let document = NewDocument {
        id,
        owner_id: user.id,
        filename: file.name,
        content: file.content.to_vec(),
    };
    let task = NewTask {
        template: Template::IntakeDocument,
        document_id: id,
        request_id,
    };
    let document = app.parts.documents.add(document, task).await?;
    if document.sha256 != digest {
        let why = "this Idempotency-Key was used with another file";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why));
    }
    Ok((StatusCode::ACCEPTED, Json(document)))
}

#[derive(Deserialize)]
pub struct Listing {
    limit: Option<String>,
}

pub async fn list(
    State(app): State<App>,
    SignedIn(user): SignedIn,
    listing: Result<Query<Listing>, QueryRejection>,
) -> Result<Json<Vec<Document>>, Problem> {
    let why = "is not a whole number from 1 to 100";
    let Query(listing) = listing.map_err(|_| Problem::invalid("limit", why))?;
    let limit = listing.limit.as_deref().unwrap_or("25").parse().ok();
    let limit = limit.filter(|limit| (1..=100).contains(limit));
    let limit = limit.ok_or_else(|| Problem::invalid("limit", why))?;
    Ok(Json(app.parts.documents.list_of(user.id, limit).await?))
}

pub async fn show(
    State(app): State<App>,
    SignedIn(user): SignedIn,
    Path(id): Path<String>,
) -> Result<Json<Document>, Problem> {
    let id = id_of(&id)?;
    let document = app.parts.documents.get(id).await?;
    // What is somebody else's does not exist, so that nobody can ask around.
    let visible = document.filter(|found| user.is_reviewer || found.owner_id == user.id);
    visible.map(Json).ok_or_else(|| not_found(id))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    approved: bool,
    #[serde(default)]
    note: String,
}

/// Answers for a document that waits for a person. The same answer again changes nothing.
pub async fn answer(
    State(app): State<App>,
    Reviewer(reviewer): Reviewer,
    RequestId(request_id): RequestId,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Answered<Value> {
    let id = id_of(&id)?;
    let answer = answer_in(&bytes(&app, body)?)?;
    let documents = &app.parts.documents;
    let document = documents.get(id).await?.ok_or_else(|| not_found(id))?;
    let review = match documents.review(id).await? {
        Some(review) => review,
        None => {
            check_waits(&document)?;
            let review = Review {
                document_id: id,
                reviewer_id: reviewer.id,
                approved: answer.approved,
                note: answer.note,
                task_uuid: None,
            };
            let task = NewTask {
                template: Template::FinishReview,
                document_id: id,
                request_id,
            };
            documents.add_review(review, task).await?
        }
    };
    if review.approved != answer.approved {
        let why = "the review has another answer already";
        return Err(Problem::new(StatusCode::CONFLICT, why));
    }
    let shown =
        json!({"document_id": id, "approved": review.approved, "task_uuid": review.task_uuid});
    Ok((StatusCode::ACCEPTED, Json(shown)))
}

/// The same for the same user and key: a UUID of version 5, with the user as the namespace.
pub fn document_id(user: Uuid, key: &str) -> Uuid {
    let hash = Sha1::new()
        .chain_update(user.as_bytes())
        .chain_update(key)
        .finalize();
    let mut first = [0; 16];
    first.copy_from_slice(&hash[..16]);
    uuid::Builder::from_sha1_bytes(first).into_uuid()
}

fn bytes(app: &App, body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large("request", app.most_bytes()),
        status => Problem::new(status, "the request's body cannot be read"),
    })
}

fn key_in(headers: &HeaderMap) -> Result<String, Problem> {
    let key = headers.get("idempotency-key");
    let key = key.and_then(|key| key.to_str().ok());
    let key = key.filter(|key| KEY_LENGTH.contains(&key.len()));
    key.map(str::to_owned).ok_or_else(|| {
        let (least, most) = (KEY_LENGTH.start(), KEY_LENGTH.end());
        Problem::invalid(
            "Idempotency-Key",
            format!("a header of {least} to {most} characters is needed"),
        )
    })
}

struct File {
    name: String,
    content: Bytes,
}

async fn file_in(headers: &HeaderMap, body: Bytes) -> Result<File, Problem> {
    let missing = || Problem::invalid("file", "the form needs a file");
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    let boundary = kind.and_then(|kind| multer::parse_boundary(kind).ok());
    let boundary = boundary.ok_or_else(missing)?;
    let body = stream::once(async { Ok::<_, Infallible>(body) });
    let mut form = multer::Multipart::new(body, boundary);
    while let Some(field) = form.next_field().await.map_err(|_| missing())? {
        if field.name() != Some("file") {
            continue;
        }
        let Some(name) = field.file_name() else {
            continue;
        };
        let name = if name.is_empty() { "unnamed" } else { name };
        let name = name.replace('\0', "").chars().take(LONGEST_NAME).collect();
        let content = field.bytes().await.map_err(|_| missing())?;
        return Ok(File { name, content });
    }
    Err(missing())
}

fn answer_in(body: &[u8]) -> Result<Answer, Problem> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| Problem::invalid("body", error))?;
    if answer.note.chars().count() > LONGEST_NOTE || answer.note.contains('\0') {
        let why = format!("has more than {LONGEST_NOTE} characters, or a NUL");
        return Err(Problem::invalid("body.note", why));
    }
    Ok(answer)
}

fn id_of(text: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(text).map_err(|_| Problem::invalid("document_id", "is not a UUID"))
}

fn check_waits(document: &Document) -> Result<(), Problem> {
    match document.status {
        Status::WaitingForReview => Ok(()),
        status => Err(Problem::new(
            StatusCode::CONFLICT,
            format!("the document waits for no review: it is {status}"),
        )),
    }
}

fn not_found(id: Uuid) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no document {id}"))
}
