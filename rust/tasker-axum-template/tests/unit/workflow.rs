//! The workflows of `config/tasks` from end to end, in memory.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use app::documents::scanner::{Scanner, ScannerUnavailable, StubScanner, EICAR};
use app::documents::store::{Documents as _, Review, Status};
use app::handlers::{self, Services};
use app::tasks::Template;
use async_trait::async_trait;
use serde_json::json;
use tasker_contrib_axum::testing::{run_registered, step, Workflow, WorkflowRun};
use uuid::Uuid;

use crate::support::fakes::MemoryDocuments;
use crate::support::store_checks::{document, task};
use crate::support::NOWHERE;

const PAGE: &str = "a page with enough words";

struct Intake {
    documents: Arc<MemoryDocuments>,
    scanner: Arc<dyn Scanner>,
}

impl Intake {
    fn new() -> Self {
        Self::with(StubScanner)
    }

    fn with(scanner: impl Scanner + 'static) -> Self {
        Self {
            documents: Arc::default(),
            scanner: Arc::new(scanner),
        }
    }

    fn handlers(&self) -> tasker_contrib_axum::Handlers {
        handlers::all(Services {
            documents: self.documents.clone(),
            scanner: self.scanner.clone(),
        })
    }

    async fn store(&self, content: &[u8]) -> Uuid {
        let new = document(NOWHERE, "letter.txt", content);
        let task = task(new.id, Template::IntakeDocument);
        self.documents.add(new, task).await.unwrap().id
    }

    async fn run(&self, id: Uuid, template: Template) -> WorkflowRun {
        let file = format!("config/tasks/{}.yaml", template.name());
        Workflow::from_file(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
            .context(json!({"document_id": id}))
            .handlers(self.handlers())
            .run()
            .await
    }

    async fn intake(&self, content: &[u8]) -> (WorkflowRun, Uuid) {
        let id = self.store(content).await;
        (self.run(id, Template::IntakeDocument).await, id)
    }

    async fn status(&self, id: Uuid) -> Status {
        self.documents.get(id).await.unwrap().unwrap().status
    }
}

#[tokio::test]
async fn a_readable_document_is_published() {
    let intake = Intake::new();
    let pages = vec![PAGE; 45].join("\x0c");
    let (done, id) = intake.intake(pages.as_bytes()).await;
    done.assert_complete()
        .assert_result("join_pages", json!({"pages": 45, "fewest_words": 5}))
        .assert_result("notify", json!({"status": "published", "sent": true}))
        .assert_absent(&["ask_reviewer"]);
    let batches = done
        .steps
        .iter()
        .filter(|step| step.template_step == "extract_pages");
    assert_eq!(batches.filter(|step| step.attempts == 1).count(), 3);
    let document = intake.documents.get(id).await.unwrap().unwrap();
    assert_eq!(document.status, Status::Published);
    assert!(document.task_uuid.is_some());
}

#[tokio::test]
async fn a_page_that_was_not_read_well_goes_to_a_person() {
    let intake = Intake::new();
    let (done, id) = intake.intake(format!("{PAGE}\x0c?").as_bytes()).await;
    done.assert_complete()
        .assert_result("notify", json!({"status": "waiting_for_review"}))
        .assert_absent(&["publish"]);
    assert_eq!(intake.status(id).await, Status::WaitingForReview);
}

#[tokio::test]
async fn the_answer_decides() {
    for (approved, end) in [(true, Status::Published), (false, Status::Rejected)] {
        let intake = Intake::new();
        let (done, id) = intake.intake(b"?").await;
        done.assert_complete();
        let answer = Review {
            document_id: id,
            reviewer_id: NOWHERE,
            approved,
            note: String::new(),
            task_uuid: None,
        };
        let task = task(id, Template::FinishReview);
        intake.documents.add_review(answer, task).await.unwrap();
        let done = intake.run(id, Template::FinishReview).await;
        done.assert_complete()
            .assert_result("notify", json!({"status": end, "sent": true}));
        let review = intake.documents.review(id).await.unwrap().unwrap();
        assert!(review.task_uuid.is_some());
        assert_eq!(intake.status(id).await, end);
    }
}

/// Answers at the third time.
#[derive(Default)]
struct Busy(AtomicU32);

#[async_trait]
impl Scanner for Busy {
    async fn find_virus(&self, _content: &[u8]) -> Result<Option<String>, ScannerUnavailable> {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Err(ScannerUnavailable("the scanner is busy".to_owned())),
            _ => Ok(None),
        }
    }
}

#[tokio::test]
async fn a_busy_scanner_is_asked_again() {
    let (done, _) = Intake::with(Busy::default()).intake(PAGE.as_bytes()).await;
    done.assert_complete().assert_attempts("scan", 3);
    let delays = &done.step("scan").delays;
    assert!(delays.len() == 2 && delays.iter().all(|delay| !delay.is_zero()));
}

#[tokio::test]
async fn a_virus_ends_the_task() {
    let intake = Intake::new();
    let content = format!("hello {}", EICAR.concat());
    let (done, id) = intake.intake(content.as_bytes()).await;
    done.assert_status("blocked_by_failures")
        .assert_attempts("scan", 1)
        .assert_step_failed("scan", "the scanner found EICAR-Test-File");
    assert_eq!(intake.status(id).await, Status::Infected);
}

#[tokio::test]
async fn what_is_not_text_is_not_tried_again() {
    let (done, _) = Intake::new().intake(&[255, 254]).await;
    done.assert_status("blocked_by_failures")
        .assert_attempts("split", 1)
        .assert_step_failed("split", "the document is not UTF-8");
}

#[tokio::test]
async fn a_second_run_tells_nobody_twice() {
    let intake = Intake::new();
    let (_, id) = intake.intake(PAGE.as_bytes()).await;
    let again = intake.run(id, Template::IntakeDocument).await;
    again
        .assert_complete()
        .assert_result("notify", json!({"sent": false}));
}

#[tokio::test]
async fn a_document_that_does_not_exist_is_not_tried_again() {
    for (template, step) in [
        (Template::IntakeDocument, "scan"),
        (Template::FinishReview, "read_answer"),
    ] {
        let done = Intake::new().run(NOWHERE, template).await;
        done.assert_status("blocked_by_failures")
            .assert_attempts(step, 1);
    }
}

#[tokio::test]
async fn a_document_that_is_gone_is_not_published() {
    let publish = step("intake.publish").context(json!({"document_id": NOWHERE}));
    let error = run_registered(&Intake::new().handlers(), &publish.build())
        .await
        .unwrap_err();
    assert!(!error.is_retryable());
    assert!(error.message().contains("does not exist"), "{error}");
}
