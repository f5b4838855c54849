//! What recovery believes of Tasker Core, against Core itself: a new Core breaks this test before it breaks a database.

use tasker_shared::database::migrator::MIGRATOR;
use tasker_shared::messaging::message::StepMessage;
use tasker_shared::messaging::StepExecutionResult;

#[path = "../src/core.rs"]
#[allow(dead_code)]
mod core;

#[test]
fn its_migrations_are_those_that_are_known() {
    let all: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    assert_eq!(
        all,
        core::MIGRATIONS,
        "look at what the new ones change, and at sql/core-columns.txt"
    );
}

#[test]
fn an_answer_in_the_place_of_a_worker_is_one_that_core_reads() {
    // As `tasker_contrib.answer_for` builds it.
    let answer = serde_json::json!({
        "step_uuid": "01890a5d-ac96-774b-bcce-b302099a8057", "success": false, "status": "failed", "result": {},
        "error": {"message": "worker x died with this step", "error_type": "worker_lost", "backtrace": null, "retryable": true},
        "metadata": {"execution_time_ms": 0, "handler_version": null, "retryable": true, "completed_at": "2026-12-01T12:00:00.000000Z",
            "worker_id": null, "worker_hostname": null, "started_at": null, "custom": {}, "error_code": "worker_lost", "error_type": "worker_lost", "context": {}},
        "orchestration_metadata": {"headers": {"retry-after": "0"}, "error_context": null, "backoff_hint": null, "custom": {}}
    });
    let read: StepExecutionResult = serde_json::from_value(answer).unwrap();
    assert!(!read.success && read.metadata.retryable && read.error.unwrap().retryable);
    assert_eq!(
        read.orchestration_metadata.unwrap().headers["retry-after"],
        "0"
    );
}

#[test]
fn a_message_is_one_that_core_reads() {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let message = serde_json::json!({"task_uuid": id, "step_uuid": id, "correlation_id": id});
    let read: StepMessage = serde_json::from_value(message).unwrap();
    assert_eq!(read.step_uuid.to_string(), id);
}
