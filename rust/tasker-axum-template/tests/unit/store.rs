use uuid::Uuid;

use crate::support::fakes::MemoryDocuments;
use crate::support::store_checks::check;

#[tokio::test]
async fn the_stand_in_does_what_is_asked_of_a_store() {
    let documents = MemoryDocuments::default();
    let (there, absent) = check(&documents, Uuid::new_v4()).await;
    let tasks = documents.tasks();
    let has = |request: &Uuid| tasks.iter().any(|task| task.request_id == *request);
    assert!(there.iter().all(has) && !absent.iter().any(has));
}
