//! Documents and what belongs to them, in PostgreSQL.
//!
//! Every method is a transaction of its own. Steps may run twice, so writing the same thing again changes nothing, and a status changes only from
//! the one that is expected.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use tasker_contrib_axum::outbox::{Outbox, OutboxError};
use uuid::Uuid;

use super::content::PageText;
use crate::tasks::{self, NewTask};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "varchar", rename_all = "snake_case")]
pub enum Status {
    Received,
    Infected,
    WaitingForReview,
    Published,
    Rejected,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Received => "received",
            Self::Infected => "infected",
            Self::WaitingForReview => "waiting_for_review",
            Self::Published => "published",
            Self::Rejected => "rejected",
        })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, sqlx::FromRow)]
pub struct Document {
    pub id: Uuid,
    #[serde(skip)]
    pub owner_id: Uuid,
    pub filename: String,
    pub sha256: String,
    pub status: Status,
    /// Known when the first step of the task has begun.
    pub task_uuid: Option<Uuid>,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone)]
pub struct NewDocument {
    pub id: Uuid,
    pub owner_id: Uuid,
    pub filename: String,
    pub content: Vec<u8>,
}

/// The answer of a person.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Review {
    pub document_id: Uuid,
    pub reviewer_id: Uuid,
    pub approved: bool,
    pub note: String,
    /// Known when the first step of the task has begun; nothing in a new one.
    pub task_uuid: Option<Uuid>,
}

/// What has a task of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    Document,
    Review,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

pub type Stored<T> = Result<T, StoreError>;

/// What the routes and the steps need; tests have one in memory. All of them fail when the database does.
#[async_trait]
pub trait Documents: Send + Sync {
    /// Stores a document with its task, or returns the one that has this id already.
    async fn add(&self, document: NewDocument, task: NewTask) -> Stored<Document>;
    async fn get(&self, id: Uuid) -> Stored<Option<Document>>;
    /// The owner's documents, the newest first.
    async fn list_of(&self, owner: Uuid, limit: u32) -> Stored<Vec<Document>>;
    async fn content(&self, id: Uuid) -> Stored<Option<Vec<u8>>>;
    async fn set_task(&self, of: Row, id: Uuid, task: Uuid) -> Stored<()>;
    /// Changes the status if it is the expected one, and returns the one it has then; nothing without such a document.
    async fn move_to(&self, id: Uuid, to: Status, only_from: Status) -> Stored<Option<Status>>;
    async fn put_pages(&self, id: Uuid, pages: &[PageText]) -> Stored<()>;
    /// The number of words on the page that has the fewest.
    async fn fewest_words(&self, id: Uuid) -> Stored<i32>;
    /// Stores an answer with its task, or returns the one that was given before.
    async fn add_review(&self, answer: Review, task: NewTask) -> Stored<Review>;
    async fn review(&self, id: Uuid) -> Stored<Option<Review>>;
    /// Notes that the owner is told; false if that was noted before.
    async fn add_notice(&self, id: Uuid, status: Status) -> Stored<bool>;
}

pub fn sha256(content: &[u8]) -> String {
    format!("{:x}", Sha256::digest(content))
}

/// The documents of the application's database.
#[derive(Clone)]
pub struct SqlDocuments {
    pub db: PgPool,
    pub outbox: Outbox,
}

impl SqlDocuments {
    pub fn new(db: PgPool) -> Self {
        let outbox = tasks::outbox();
        Self { db, outbox }
    }
}

// Without the content, which is read only where it is wanted.
const ONE: &str = "select id, owner_id, filename, sha256, status, task_uuid, created_at from app.documents where id = $1";
const OWN: &str = "
select id, owner_id, filename, sha256, status, task_uuid, created_at from app.documents
where owner_id = $1 order by created_at desc, id limit $2";
const ADD: &str = "
insert into app.documents (id, owner_id, filename, sha256, content) values ($1, $2, $3, $4, $5)
on conflict do nothing";
const REVIEW: &str =
    "select document_id, reviewer_id, approved, note, task_uuid from app.reviews where document_id = $1";
const ADD_REVIEW: &str = "
insert into app.reviews (document_id, reviewer_id, approved, note) values ($1, $2, $3, $4)
on conflict do nothing";
const PUT_PAGES: &str = "
insert into app.pages (document_id, number, text, words)
select $1, page.* from unnest($2::integer[], $3::text[], $4::integer[]) as page
on conflict (document_id, number) do update set text = excluded.text, words = excluded.words";

#[async_trait]
impl Documents for SqlDocuments {
    async fn add(&self, document: NewDocument, task: NewTask) -> Stored<Document> {
        let mut transaction = self.db.begin().await?;
        let added = sqlx::query(ADD)
            .bind(document.id)
            .bind(document.owner_id)
            .bind(&document.filename)
            .bind(sha256(&document.content))
            .bind(&document.content)
            .execute(&mut *transaction)
            .await?;
        if added.rows_affected() > 0 {
            task.write(&self.outbox, &mut transaction).await?;
        }
        transaction.commit().await?;
        let stored = self.get(document.id).await?;
        stored.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    async fn get(&self, id: Uuid) -> Stored<Option<Document>> {
        let found = sqlx::query_as(ONE).bind(id).fetch_optional(&self.db);
        Ok(found.await?)
    }

    async fn list_of(&self, owner: Uuid, limit: u32) -> Stored<Vec<Document>> {
        let own = sqlx::query_as(OWN).bind(owner).bind(i64::from(limit));
        Ok(own.fetch_all(&self.db).await?)
    }

    async fn content(&self, id: Uuid) -> Stored<Option<Vec<u8>>> {
        let content = sqlx::query_scalar("select content from app.documents where id = $1");
        Ok(content.bind(id).fetch_optional(&self.db).await?)
    }

    async fn set_task(&self, of: Row, id: Uuid, task: Uuid) -> Stored<()> {
        let update = match of {
            Row::Document => "update app.documents set task_uuid = $2 where id = $1",
            Row::Review => "update app.reviews set task_uuid = $2 where document_id = $1",
        };
        let update = sqlx::query(update).bind(id).bind(task);
        update.execute(&self.db).await?;
        Ok(())
    }

    async fn move_to(&self, id: Uuid, to: Status, only_from: Status) -> Stored<Option<Status>> {
        sqlx::query("update app.documents set status = $2 where id = $1 and status = $3")
            .bind(id)
            .bind(to)
            .bind(only_from)
            .execute(&self.db)
            .await?;
        Ok(self.get(id).await?.map(|document| document.status))
    }

    async fn put_pages(&self, id: Uuid, pages: &[PageText]) -> Stored<()> {
        let numbers: Vec<i32> = pages.iter().map(|page| page.number).collect();
        let texts: Vec<&str> = pages.iter().map(|page| page.text.as_str()).collect();
        let words: Vec<i32> = pages.iter().map(|page| page.words).collect();
        let put = sqlx::query(PUT_PAGES).bind(id).bind(numbers);
        put.bind(texts).bind(words).execute(&self.db).await?;
        Ok(())
    }

    async fn fewest_words(&self, id: Uuid) -> Stored<i32> {
        let sql = "select coalesce(min(words), 0) from app.pages where document_id = $1";
        let fewest = sqlx::query_scalar(sql).bind(id).fetch_one(&self.db);
        Ok(fewest.await?)
    }

    async fn add_review(&self, answer: Review, task: NewTask) -> Stored<Review> {
        let mut transaction = self.db.begin().await?;
        let added = sqlx::query(ADD_REVIEW)
            .bind(answer.document_id)
            .bind(answer.reviewer_id)
            .bind(answer.approved)
            .bind(&answer.note)
            .execute(&mut *transaction)
            .await?;
        if added.rows_affected() > 0 {
            task.write(&self.outbox, &mut transaction).await?;
        }
        transaction.commit().await?;
        let stored = self.review(answer.document_id).await?;
        stored.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    async fn review(&self, id: Uuid) -> Stored<Option<Review>> {
        let found = sqlx::query_as(REVIEW).bind(id).fetch_optional(&self.db);
        Ok(found.await?)
    }

    async fn add_notice(&self, id: Uuid, status: Status) -> Stored<bool> {
        let sql =
            "insert into app.notices (document_id, status) values ($1, $2) on conflict do nothing";
        let added = sqlx::query(sql).bind(id).bind(status).execute(&self.db);
        Ok(added.await?.rows_affected() > 0)
    }
}
