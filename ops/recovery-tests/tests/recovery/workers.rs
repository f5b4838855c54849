//! Who is dead, and how often that may happen to a step.

use std::time::Duration;

use uuid::Uuid;

use crate::bed::{connect, step, task_state, Bed};

/// Lets a worker claim a step and die, and waits until the server has the answer that was given in its place.
async fn lose(bed: &mut Bed, task: Uuid, name: &str, number: u32) -> String {
    let id = bed.wait_for_step(task, name, "enqueued").await;
    let mut worker = bed.worker(&format!("tkw:test:host:{number}:dies")).await;
    worker.claim(id).await.unwrap();
    drop(worker);
    bed.pass_until("the loss to be handled", async |sql| {
        matches!(step(sql, task, name).await.1.as_str(), "enqueued" | "error")
    })
    .await;
    bed.step(task, name).await.1
}

#[tokio::test]
async fn a_step_that_kills_its_worker_again_and_again_ends_as_failed() {
    let mut bed = Bed::new().await;
    let task = bed.create("chain").await;
    // Its template allows two attempts: three deaths of workers use up none of them.
    for number in 1..=3 {
        assert_eq!(
            lose(&mut bed, task, "first", number).await,
            "enqueued",
            "loss {number}"
        );
    }
    assert_eq!(lose(&mut bed, task, "first", 4).await, "error");
    let (result,): (String,) = sqlx::query_as("select results->'error'->>'message' from tasker.workflow_steps where task_uuid = $1::uuid and results is not null")
        .bind(task.to_string())
        .fetch_one(&mut bed.sql)
        .await
        .unwrap();
    assert!(
        result.contains("loss 4") && result.contains("3 are allowed"),
        "{result}"
    );
    bed.pass_until("the task to say so", async |sql| {
        task_state(sql, task).await == "blocked_by_failures"
    })
    .await;
    // An operator's reset gives the step all its chances again.
    let (first, _) = bed.step(task, "first").await;
    let reset =
        serde_json::json!({"action_type": "reset_for_retry", "reason": "test", "reset_by": "test"});
    bed.call(
        "PATCH",
        &format!("/v1/tasks/{task}/workflow_steps/{first}"),
        &reset,
    )
    .await;
    bed.pass_until("the step to wait for a worker", async |sql| {
        step(sql, task, "first").await.1 == "enqueued"
    })
    .await;
    assert_eq!(lose(&mut bed, task, "first", 5).await, "enqueued");
}

#[tokio::test]
async fn a_step_that_must_not_run_twice_ends_with_its_outcome_unknown() {
    let mut bed = Bed::new().await;
    let task = bed.create("once").await;
    assert_eq!(lose(&mut bed, task, "only", 1).await, "error");
    let (message, retryable): (String, bool) = sqlx::query_as(
        "select results->'error'->>'message', (results->'error'->>'retryable')::boolean from tasker.workflow_steps where task_uuid = $1::uuid",
    )
    .bind(task.to_string())
    .fetch_one(&mut bed.sql)
    .await
    .unwrap();
    assert!(
        message.contains("outcome is unknown") && !retryable,
        "{message}"
    );
}

/// A step that its living worker holds, and everybody's grace over.
async fn held() -> (Bed, Uuid, crate::bed::Worker) {
    let mut bed = Bed::new().await;
    let task = bed.create("once").await;
    let only = bed.wait_for_step(task, "only", "enqueued").await;
    let mut worker = bed.worker("tkw:test:host:1:alive").await;
    // A worker has a pool: several sessions have its name.
    worker
        .pool
        .push(connect(&bed.database_url, "tkw:test:host:1:alive").await);
    worker.claim(only).await.unwrap();
    assert_eq!(bed.pass().await, []);
    sqlx::raw_sql(
        "update tasker_contrib.workers set last_seen = clock_timestamp() - interval '1 hour'",
    )
    .execute(&mut bed.sql)
    .await
    .unwrap();
    (bed, task, worker)
}

#[tokio::test]
async fn a_session_is_a_sign_of_life_whatever_was_seen_before() {
    let (mut bed, task, worker) = held().await;
    assert_eq!(bed.pass().await, []);
    assert_eq!(bed.step(task, "only").await.1, "in_progress");
    drop(worker);
}

/// What happened before the pass, as SQL on our records; and whether it means that everybody gets a new grace.
async fn dies_at_once(bed: &mut Bed, before: &str) -> bool {
    sqlx::raw_sql(before).execute(&mut bed.sql).await.unwrap();
    bed.pass().await.iter().any(|row| row.kind == "step_failed")
}

#[tokio::test]
async fn grace_begins_anew_after_a_gap_a_restart_and_a_failover() {
    for (what, before) in [
        (
            "a gap",
            "update tasker_contrib.watch set passed_at = passed_at - interval '1 hour'",
        ),
        (
            "a clock that went back",
            "update tasker_contrib.watch set passed_at = passed_at + interval '1 hour'",
        ),
        (
            "a start of PostgreSQL",
            "update tasker_contrib.watch set started_at = started_at - interval '1 hour'",
        ),
        (
            "a standby that took over",
            "update tasker_contrib.watch set timeline = '0000000F'",
        ),
    ] {
        let (mut bed, _task, worker) = held().await;
        drop(worker);
        gone(&mut bed).await;
        assert!(!dies_at_once(&mut bed, before).await, "{what}");
    }
    let (mut bed, _task, worker) = held().await;
    drop(worker);
    gone(&mut bed).await;
    let nothing = "update tasker_contrib.watch set passed_at = clock_timestamp()";
    assert!(
        dies_at_once(&mut bed, nothing).await,
        "without a reason for patience"
    );
}

async fn gone(bed: &mut Bed) {
    let sql = &mut bed.sql;
    crate::bed::wait_for("the session to end", async || {
        let alive: bool = sqlx::query_scalar(
            "select exists (select from pg_stat_activity where application_name like 'tkw:%')",
        )
        .fetch_one(&mut *sql)
        .await
        .unwrap();
        (!alive).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_second_process_waits_for_its_turn() {
    let mut bed = Bed::new().await;
    let mut other = connect(&bed.database_url, "another").await;
    sqlx::raw_sql("begin; select pg_advisory_xact_lock(8386110886241239041)")
        .execute(&mut other)
        .await
        .unwrap();
    let settings = crate::bed::quick();
    let pass = tasker_recovery::Pass::new(&settings);
    assert_eq!(pass.run(&mut bed.sql).await.unwrap(), None);
    sqlx::raw_sql("rollback").execute(&mut other).await.unwrap();
    assert_eq!(pass.run(&mut bed.sql).await.unwrap(), Some(Vec::new()));
}

#[tokio::test]
async fn one_thing_that_cannot_be_recovered_does_not_keep_the_others_from_it() {
    let mut bed = Bed::new().await;
    let (bad, good) = (bed.create("chain").await, bed.create("once").await);
    for (number, (task, name)) in [(bad, "first"), (good, "only")].into_iter().enumerate() {
        let id = bed.wait_for_step(task, name, "enqueued").await;
        bed.worker(&format!("tkw:test:host:{number}:dies"))
            .await
            .claim(id)
            .await
            .unwrap();
    }
    let refuse = format!(
        "create function pg_temp.refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
         create trigger refuse before update on tasker.workflow_steps for each row when (old.task_uuid = '{bad}') execute function pg_temp.refuse()"
    );
    sqlx::raw_sql(&refuse).execute(&mut bed.sql).await.unwrap();
    let did = bed
        .pass_until("the good one to end", async |sql| {
            step(sql, good, "only").await.1 == "error"
        })
        .await;
    assert!(
        did.iter().any(|row| row.kind == "failed"
            && row
                .detail
                .as_deref()
                .is_some_and(|detail| detail.contains("no"))),
        "{did:?}"
    );
    tokio::time::timeout(Duration::from_secs(5), async {
        sqlx::raw_sql("drop trigger refuse on tasker.workflow_steps")
            .execute(&mut bed.sql)
            .await
    })
    .await
    .unwrap()
    .unwrap();
}
