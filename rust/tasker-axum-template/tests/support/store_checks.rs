//! What is asked of a store of documents, in memory and on PostgreSQL.

use app::documents::content::PageText;
use app::documents::store::{Document, Documents, NewDocument, Review, Row, Status};
use app::tasks::{NewTask, Template};
use uuid::Uuid;

use super::NOWHERE;

pub fn document(owner: Uuid, filename: &str, content: &[u8]) -> NewDocument {
    NewDocument {
        id: Uuid::new_v4(),
        owner_id: owner,
        filename: filename.to_owned(),
        content: content.to_vec(),
    }
}

pub fn task(document: Uuid, template: Template) -> NewTask {
    NewTask {
        template,
        document_id: document,
        request_id: Uuid::new_v4(),
    }
}

async fn add(documents: &dyn Documents, document: NewDocument) -> (Document, Uuid) {
    let task = task(document.id, Template::IntakeDocument);
    let request = task.request_id;
    (documents.add(document, task).await.unwrap(), request)
}

/// All checks; gives the requests whose tasks must be there, and those whose tasks must not.
pub async fn check(documents: &dyn Documents, owner: Uuid) -> (Vec<Uuid>, Vec<Uuid>) {
    let (mut there, mut absent) = stored_once(documents, owner).await;
    moves(documents, owner).await;
    pages(documents, owner).await;
    let (more, none) = answers(documents, owner).await;
    there.extend(more);
    absent.extend(none);
    (there, absent)
}

async fn stored_once(documents: &dyn Documents, owner: Uuid) -> (Vec<Uuid>, Vec<Uuid>) {
    assert_eq!(documents.get(NOWHERE).await.unwrap(), None);
    assert_eq!(documents.content(NOWHERE).await.unwrap(), None);
    let (first, wanted) = add(documents, document(owner, "a.txt", b"abc")).await;
    let again = NewDocument {
        id: first.id,
        ..document(owner, "b.txt", b"other")
    };
    let (second, unwanted) = add(documents, again).await;
    assert_eq!(second, first);
    assert_eq!((first.status, first.task_uuid), (Status::Received, None));
    assert_eq!(first.filename, "a.txt");
    let content = documents.content(first.id).await.unwrap();
    assert_eq!(content.as_deref(), Some(&b"abc"[..]));
    let (other, too) = add(documents, document(owner, "c.txt", b"")).await;
    let listed = documents.list_of(owner, 10).await.unwrap();
    let ids: Vec<Uuid> = listed.iter().map(|document| document.id).collect();
    assert_eq!(ids, [other.id, first.id]);
    assert_eq!(documents.list_of(owner, 1).await.unwrap().len(), 1);
    documents
        .set_task(Row::Document, first.id, wanted)
        .await
        .unwrap();
    let with_task = documents.get(first.id).await.unwrap().unwrap();
    assert_eq!(with_task.task_uuid, Some(wanted));
    (vec![wanted, too], vec![unwanted])
}

async fn moves(documents: &dyn Documents, owner: Uuid) {
    let (Document { id, .. }, _) = add(documents, document(owner, "a", b"")).await;
    let (received, published) = (Status::Received, Status::Published);
    for (to, from, then) in [
        (published, Status::WaitingForReview, received),
        (published, received, published),
        (Status::Infected, received, published),
    ] {
        let status = documents.move_to(id, to, from).await.unwrap();
        assert_eq!(status, Some(then));
    }
    let nothing = documents.move_to(NOWHERE, published, received).await;
    assert_eq!(nothing.unwrap(), None);
}

async fn pages(documents: &dyn Documents, owner: Uuid) {
    let (Document { id, .. }, _) = add(documents, document(owner, "a", b"")).await;
    let page = |number, text: &str, words| PageText {
        number,
        text: text.to_owned(),
        words,
    };
    assert_eq!(documents.fewest_words(id).await.unwrap(), 0);
    for (read, fewest) in [
        (vec![], 0),
        (vec![page(1, "a b", 2), page(2, "a b c", 3)], 2),
        (vec![page(1, "a b c d", 4)], 3),
    ] {
        documents.put_pages(id, &read).await.unwrap();
        assert_eq!(documents.fewest_words(id).await.unwrap(), fewest);
    }
}

async fn answers(documents: &dyn Documents, owner: Uuid) -> (Vec<Uuid>, Vec<Uuid>) {
    let (Document { id, .. }, _) = add(documents, document(owner, "a", b"")).await;
    assert_eq!(documents.review(id).await.unwrap(), None);
    let [first, second] = [(); 2].map(|()| task(id, Template::FinishReview));
    let (wanted, unwanted) = (first.request_id, second.request_id);
    let answer = Review {
        document_id: id,
        reviewer_id: owner,
        approved: true,
        note: "fine".to_owned(),
        task_uuid: None,
    };
    let other = Review {
        approved: false,
        ..answer.clone()
    };
    assert_eq!(
        documents.add_review(answer.clone(), first).await.unwrap(),
        answer
    );
    assert_eq!(documents.add_review(other, second).await.unwrap(), answer);
    documents.set_task(Row::Review, id, wanted).await.unwrap();
    let review = documents.review(id).await.unwrap().unwrap();
    assert_eq!(review.task_uuid, Some(wanted));
    for (status, is_new) in [
        (Status::Published, true),
        (Status::Published, false),
        (Status::Rejected, true),
    ] {
        assert_eq!(documents.add_notice(id, status).await.unwrap(), is_new);
    }
    (vec![wanted], vec![unwanted])
}
