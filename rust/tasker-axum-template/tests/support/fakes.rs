//! Stand-ins in memory for what the application keeps in PostgreSQL.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use app::documents::content::PageText;
use app::documents::store::{
    sha256, Document, Documents, NewDocument, Review, Row, Status, StoreError, Stored,
};
use app::tasks::NewTask;
use app::users::{User, Users};
use async_trait::async_trait;
use chrono::DateTime;
use uuid::Uuid;

/// `store_checks` holds it to the same as the one on PostgreSQL.
#[derive(Default)]
pub struct MemoryDocuments {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// In the order in which they came.
    documents: Vec<(Document, Vec<u8>)>,
    pages: BTreeMap<(Uuid, i32), PageText>,
    reviews: BTreeMap<Uuid, Review>,
    notices: BTreeSet<(Uuid, String)>,
    tasks: Vec<NewTask>,
    broken: bool,
}

impl Inner {
    fn find(&mut self, id: Uuid) -> Option<&mut (Document, Vec<u8>)> {
        self.documents.iter_mut().find(|(found, _)| found.id == id)
    }
}

impl MemoryDocuments {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// What the relay would create.
    pub fn tasks(&self) -> Vec<NewTask> {
        self.inner().tasks.clone()
    }

    /// Lists fail from now on.
    pub fn break_lists(&self) {
        self.inner().broken = true;
    }
}

#[async_trait]
impl Documents for MemoryDocuments {
    async fn add(&self, new: NewDocument, task: NewTask) -> Stored<Document> {
        let mut inner = self.inner();
        if let Some((there, _)) = inner.find(new.id) {
            return Ok(there.clone());
        }
        let document = Document {
            id: new.id,
            owner_id: new.owner_id,
            filename: new.filename,
            sha256: sha256(&new.content),
            status: Status::Received,
            task_uuid: None,
            created_at: DateTime::UNIX_EPOCH,
        };
        inner.documents.push((document.clone(), new.content));
        inner.tasks.push(task);
        Ok(document)
    }

    async fn get(&self, id: Uuid) -> Stored<Option<Document>> {
        Ok(self.inner().find(id).map(|(document, _)| document.clone()))
    }

    async fn list_of(&self, owner: Uuid, limit: u32) -> Stored<Vec<Document>> {
        let inner = self.inner();
        if inner.broken {
            return Err(StoreError::Database(sqlx::Error::PoolClosed));
        }
        let documents = inner.documents.iter().rev().map(|(document, _)| document);
        let own = documents.filter(|document| document.owner_id == owner);
        Ok(own.take(limit as usize).cloned().collect())
    }

    async fn content(&self, id: Uuid) -> Stored<Option<Vec<u8>>> {
        Ok(self.inner().find(id).map(|(_, content)| content.clone()))
    }

    async fn set_task(&self, of: Row, id: Uuid, task: Uuid) -> Stored<()> {
        let mut inner = self.inner();
        let place = match of {
            Row::Document => inner.find(id).map(|(document, _)| &mut document.task_uuid),
            Row::Review => inner
                .reviews
                .get_mut(&id)
                .map(|review| &mut review.task_uuid),
        };
        if let Some(place) = place {
            *place = Some(task);
        }
        Ok(())
    }

    async fn move_to(&self, id: Uuid, to: Status, only_from: Status) -> Stored<Option<Status>> {
        Ok(self.inner().find(id).map(|(document, _)| {
            if document.status == only_from {
                document.status = to;
            }
            document.status
        }))
    }

    async fn put_pages(&self, id: Uuid, pages: &[PageText]) -> Stored<()> {
        let pages = pages.iter().map(|page| ((id, page.number), page.clone()));
        self.inner().pages.extend(pages);
        Ok(())
    }

    async fn fewest_words(&self, id: Uuid) -> Stored<i32> {
        let inner = self.inner();
        let own = inner.pages.iter().filter(|((of, _), _)| *of == id);
        Ok(own.map(|(_, page)| page.words).min().unwrap_or(0))
    }

    async fn add_review(&self, answer: Review, task: NewTask) -> Stored<Review> {
        let mut inner = self.inner();
        if let Some(there) = inner.reviews.get(&answer.document_id) {
            return Ok(there.clone());
        }
        inner.reviews.insert(answer.document_id, answer.clone());
        inner.tasks.push(task);
        Ok(answer)
    }

    async fn review(&self, id: Uuid) -> Stored<Option<Review>> {
        Ok(self.inner().reviews.get(&id).cloned())
    }

    async fn add_notice(&self, id: Uuid, status: Status) -> Stored<bool> {
        Ok(self.inner().notices.insert((id, status.to_string())))
    }
}

pub struct MemoryUsers(pub Vec<User>);

#[async_trait]
impl Users for MemoryUsers {
    async fn by_email(&self, email: &str) -> sqlx::Result<Option<User>> {
        let email = email.to_lowercase();
        Ok(self.0.iter().find(|user| user.email == email).cloned())
    }

    async fn get(&self, id: Uuid) -> sqlx::Result<Option<User>> {
        Ok(self.0.iter().find(|user| user.id == id).cloned())
    }
}
