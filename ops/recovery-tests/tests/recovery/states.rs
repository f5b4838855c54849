//! The states that a kill leaves, made by hand one by one. Each needs its part of the pass: without that part, passes change nothing.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::bed::{task_state, Bed};

/// Statements that no guard may refuse and that run no trigger, as a kill does not ask either.
async fn by_hand(sql: &mut PgConnection, statements: &str) {
    let text = format!("begin; set local session_replication_role = replica; {statements}; commit");
    sqlx::raw_sql(&text).execute(sql).await.unwrap();
}

fn forget_transitions(task: Uuid, state: &str) -> String {
    format!("update tasker.task_transitions set to_state = '{state}', created_at = now() - interval '1 minute' where task_uuid = '{task}' and most_recent")
}

/// Takes the part away, sees that passes move nothing, and gives it back.
async fn stays_without(bed: &mut Bed, part: &str, task: Uuid) {
    let before = snapshot(&mut bed.sql, task).await;
    let (signature, definition): (String, String) = sqlx::query_as(
        "select format('%s(%s)', oid::regproc, pg_get_function_identity_arguments(oid)), pg_get_functiondef(oid)
           from pg_proc where oid::regproc::text = 'tasker_contrib.' || $1",
    )
    .bind(part)
    .fetch_one(&mut bed.sql)
    .await
    .unwrap();
    let empty = format!("create or replace function {signature} returns setof tasker_contrib.recovered language sql begin atomic select * from tasker_contrib.recovered where false; end");
    sqlx::raw_sql(&empty).execute(&mut bed.sql).await.unwrap();
    // Longer than the times of the passes, so that everything that would come has come.
    let begun = std::time::Instant::now();
    while begun.elapsed() < std::time::Duration::from_millis(1500) {
        assert_eq!(bed.pass().await, [], "without {part}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(snapshot(&mut bed.sql, task).await, before, "without {part}");
    sqlx::raw_sql(&definition)
        .execute(&mut bed.sql)
        .await
        .unwrap();
}

async fn snapshot(sql: &mut PgConnection, task: Uuid) -> Vec<String> {
    sqlx::query_scalar(
        "select to_state from tasker.task_transitions where task_uuid = $1::uuid and most_recent union all
         (select to_state from tasker.workflow_step_transitions t join tasker.workflow_steps using (workflow_step_uuid)
           where task_uuid = $1::uuid and most_recent order by workflow_step_uuid)",
    )
    .bind(task.to_string())
    .fetch_all(sql)
    .await
    .unwrap()
}

/// Lets a worker do the rest, beside passes, until the task is complete. Gives the kinds of what passes did.
async fn completes(bed: &mut Bed, task: Uuid) -> Vec<String> {
    let mut worker = bed.worker("tkw:test:host:2:next").await;
    let url = bed.database_url.clone();
    let work = worker.work_until("the task to end", async |sql| {
        task_state(sql, task).await == "complete"
    });
    crate::bed::beside(&url, work).await;
    sqlx::query_scalar(
        "select kind from tasker_contrib.recovered where task_uuid = $1::uuid order by at",
    )
    .bind(task.to_string())
    .fetch_all(&mut bed.sql)
    .await
    .unwrap()
}

/// A task whose first step waits for a worker.
async fn waiting() -> (Bed, Uuid, Uuid) {
    waiting_task("chain").await
}

async fn waiting_task(template: &str) -> (Bed, Uuid, Uuid) {
    let mut bed = Bed::new().await;
    let task = bed.create(template).await;
    let first = bed.wait_for_step(task, "first", "enqueued").await;
    let sql = &mut bed.sql;
    crate::bed::wait_for("the task to wait for its steps", async || {
        (task_state(sql, task).await == "steps_in_process").then_some(())
    })
    .await;
    (bed, task, first)
}

#[tokio::test]
async fn the_worker_dies_between_claim_and_answer() {
    let (mut bed, task, first) = waiting().await;
    let mut worker = bed.worker("tkw:test:host:1:dead").await;
    worker.claim(first).await.unwrap();
    drop(worker);
    stays_without(&mut bed, "recover_lost_workers", task).await;
    let did = completes(&mut bed, task).await;
    assert!(did.contains(&"worker_lost".to_owned()), "{did:?}");
}

#[tokio::test]
async fn the_answer_of_a_living_worker_is_lost() {
    let (mut bed, task, first) = waiting_task("timed").await;
    let mut worker = bed.worker("tkw:test:host:1:alive").await;
    worker.claim(first).await.unwrap();
    stays_without(&mut bed, "recover_lost_answers", task).await;
    let did = completes(&mut bed, task).await;
    assert_eq!(
        did.first().map(String::as_str),
        Some("answer_lost"),
        "{did:?}"
    );
    // It is still connected: nobody took it for dead.
    assert!(!did.contains(&"worker_lost".to_owned()));
    drop(worker);
}

#[tokio::test]
async fn the_worker_dies_between_its_answer_and_the_message() {
    let (mut bed, task, first) = waiting().await;
    let mut worker = bed.worker("tkw:test:host:1:dead").await;
    worker.claim(first).await.unwrap();
    worker.answer_without_message(first).await.unwrap();
    // The result was to be written after the transition, too.
    by_hand(&mut bed.sql, &format!("update tasker.workflow_steps set results = null, in_process = true where workflow_step_uuid = '{first}'")).await;
    stays_without(&mut bed, "recover_lost_messages", task).await;
    let did = completes(&mut bed, task).await;
    assert_eq!(
        did.first().map(String::as_str),
        Some("result_resent"),
        "{did:?}"
    );
    let result: String = sqlx::query_scalar(
        "select results->>'result' from tasker.workflow_steps where workflow_step_uuid = $1::uuid",
    )
    .bind(first.to_string())
    .fetch_one(&mut bed.sql)
    .await
    .unwrap();
    assert_eq!(result, r#"{"done": true}"#, "the result is the worker's");
}

#[tokio::test]
async fn the_server_dies_between_a_step_and_its_message() {
    let (mut bed, task, _first) = waiting().await;
    by_hand(&mut bed.sql, "delete from pgmq.q_worker_recovery_queue").await;
    stays_without(&mut bed, "recover_lost_messages", task).await;
    let did = completes(&mut bed, task).await;
    assert_eq!(
        did.first().map(String::as_str),
        Some("step_resent"),
        "{did:?}"
    );
}

#[tokio::test]
async fn the_same_while_it_enqueues_steps() {
    let (mut bed, task, _first) = waiting().await;
    let statements = format!(
        "delete from pgmq.q_worker_recovery_queue; {}",
        forget_transitions(task, "enqueuing_steps")
    );
    by_hand(&mut bed.sql, &statements).await;
    stays_without_all(&mut bed, task).await;
    let did = completes(&mut bed, task).await;
    assert!(
        did.contains(&"task_moved".to_owned()) && did.contains(&"step_resent".to_owned()),
        "{did:?}"
    );
}

/// With both parts away; each alone would move something.
async fn stays_without_all(bed: &mut Bed, task: Uuid) {
    let before = snapshot(&mut bed.sql, task).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(snapshot(&mut bed.sql, task).await, before);
}

/// A task of this state, none of whose steps has begun.
async fn nothing_begun(state: &str) -> (Bed, Uuid) {
    let (mut bed, task, first) = waiting().await;
    let statements = format!(
        "delete from pgmq.q_worker_recovery_queue; {};
         update tasker.workflow_step_transitions set to_state = 'pending', created_at = now() - interval '1 minute' where workflow_step_uuid = '{first}' and most_recent",
        forget_transitions(task, state)
    );
    by_hand(&mut bed.sql, &statements).await;
    (bed, task)
}

#[tokio::test]
async fn the_server_dies_before_a_new_step_has_a_state() {
    let (mut bed, task) = nothing_begun("enqueuing_steps").await;
    by_hand(&mut bed.sql, &format!("delete from tasker.workflow_step_transitions where workflow_step_uuid in (select workflow_step_uuid from tasker.workflow_steps where task_uuid = '{task}')")).await;
    stays_without(&mut bed, "recover_stuck_tasks", task).await;
    let did = completes(&mut bed, task).await;
    assert_eq!(
        did.first().map(String::as_str),
        Some("task_moved"),
        "{did:?}"
    );
}

#[tokio::test]
async fn the_server_dies_while_a_task_is_initialized() {
    let (mut bed, task) = nothing_begun("initializing").await;
    stays_without(&mut bed, "recover_stuck_tasks", task).await;
    let did = completes(&mut bed, task).await;
    assert_eq!(
        did.first().map(String::as_str),
        Some("task_moved"),
        "{did:?}"
    );
}

#[tokio::test]
async fn the_server_dies_while_it_evaluates_results() {
    let (mut bed, task) = nothing_begun("evaluating_results").await;
    stays_without(&mut bed, "recover_stuck_tasks", task).await;
    completes(&mut bed, task).await;
}

#[tokio::test]
async fn the_server_drops_the_last_message_of_a_task() {
    let (mut bed, task, first) = waiting().await;
    let second = bed.step(task, "second").await.0;
    let statements = format!(
        "delete from pgmq.q_worker_recovery_queue; {};
         update tasker.workflow_step_transitions set to_state = 'complete', created_at = now() - interval '1 minute'
          where workflow_step_uuid in ('{first}', '{second}') and most_recent;
         update tasker.workflow_steps set processed = true, processed_at = now() where workflow_step_uuid in ('{first}', '{second}')",
        forget_transitions(task, "steps_in_process")
    );
    by_hand(&mut bed.sql, &statements).await;
    stays_without(&mut bed, "recover_stuck_tasks", task).await;
    let did = completes(&mut bed, task).await;
    assert_eq!(
        did.first().map(String::as_str),
        Some("task_finalized"),
        "{did:?}"
    );
}

#[tokio::test]
async fn a_task_was_closed_with_steps_open() {
    let (mut bed, task) = nothing_begun("complete").await;
    by_hand(&mut bed.sql, &format!("update tasker.tasks set complete = true, completed_at = now() - interval '1 minute' where task_uuid = '{task}'")).await;
    stays_without(&mut bed, "recover_closed_tasks", task).await;
    let did = completes_after_reopening(&mut bed, task).await;
    assert_eq!(
        did.first().map(String::as_str),
        Some("task_reopened"),
        "{did:?}"
    );
}

async fn completes_after_reopening(bed: &mut Bed, task: Uuid) -> Vec<String> {
    bed.pass_until("the task to be open", async |sql| {
        task_state(sql, task).await != "complete"
    })
    .await;
    completes(bed, task).await
}

#[tokio::test]
async fn a_reset_makes_a_blocked_task_go_on() {
    let (mut bed, task, first) = waiting().await;
    let statements = format!(
        "delete from pgmq.q_worker_recovery_queue; {};
         update tasker.workflow_step_transitions set to_state = 'error', created_at = now() - interval '1 minute' where workflow_step_uuid = '{first}' and most_recent",
        forget_transitions(task, "blocked_by_failures")
    );
    by_hand(&mut bed.sql, &statements).await;
    assert_eq!(bed.pass().await, [], "nobody has looked at the failure yet");
    let reset =
        serde_json::json!({"action_type": "reset_for_retry", "reason": "test", "reset_by": "test"});
    bed.call(
        "PATCH",
        &format!("/v1/tasks/{task}/workflow_steps/{first}"),
        &reset,
    )
    .await;
    stays_without(&mut bed, "recover_stuck_tasks", task).await;
    completes(&mut bed, task).await;
}
