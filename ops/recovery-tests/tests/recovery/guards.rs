//! What Core's transactions meet: the claim's holder, and compare-and-set.

use serde_json::json;
use sqlx::Connection;

use crate::bed::{connect, Bed};

fn code(error: &sqlx::Error) -> String {
    error
        .as_database_error()
        .and_then(|error| error.code())
        .unwrap_or_else(|| panic!("{error}"))
        .into_owned()
}

#[tokio::test]
async fn a_worker_that_was_cut_off_cannot_answer_for_the_holder() {
    let mut bed = Bed::new().await;
    let task = bed.create("chain").await;
    let first = bed.wait_for_step(task, "first", "enqueued").await;
    let mut cut_off = bed.worker("tkw:test:host:1:cut").await;
    cut_off.claim(first).await.unwrap();
    // Its network is gone; its process is not.
    drop(cut_off);
    bed.pass_until("the step to be enqueued again", async |sql| {
        crate::bed::step(sql, task, "first").await.1 == "enqueued"
    })
    .await;
    let mut holder = bed.worker("tkw:test:host:2:holder").await;
    holder.claim(first).await.unwrap();

    let mut back = bed.worker("tkw:test:host:1:cut").await;
    let refused = back.answer(first).await.unwrap_err();
    assert_eq!(code(&refused), "TK002", "{refused}");
    assert!(
        refused
            .to_string()
            .contains("held by tkw:test:host:2:holder"),
        "{refused}"
    );
    holder.answer(first).await.unwrap();
    // On a busy machine the server drops a message at times; then a pass sends it again.
    bed.pass_until("the answer to count", async |sql| {
        crate::bed::step(sql, task, "first").await.1 == "complete"
    })
    .await;
}

#[tokio::test]
async fn an_earlier_failure_that_is_read_late_does_not_fail_a_success() {
    let mut bed = Bed::new().await;
    let task = bed.create("chain").await;
    let first = bed.wait_for_step(task, "first", "enqueued").await;
    let mut lost = bed.worker("tkw:test:host:1:lost").await;
    lost.claim(first).await.unwrap();
    drop(lost);
    bed.pass_until("the step to be enqueued again", async |sql| {
        crate::bed::step(sql, task, "first").await.1 == "enqueued"
    })
    .await;
    let mut worker = bed.worker("tkw:test:host:2:next").await;
    worker.claim(first).await.unwrap();
    worker.answer_without_result(first).await.unwrap();
    // What Core's server does with a second message of the first answer: the row still says how the first try ended.
    let mut server = bed.worker("a server").await;
    let refused = server
        .transition(
            first,
            "enqueued_for_orchestration",
            "error",
            &json!({"type": "Fail", "data": "as the row says"}),
        )
        .await
        .unwrap_err();
    assert_eq!(code(&refused), "TK005", "{refused}");
    // The worker dies here. What it answered is in the transition, and is sent from there.
    bed.pass_until("the answer to count", async |sql| {
        crate::bed::step(sql, task, "first").await.1 == "complete"
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_no_success_may_fail_its_step() {
    let mut bed = Bed::new().await;
    let task = bed.create("chain").await;
    let first = bed.wait_for_step(task, "first", "enqueued").await;
    let mut worker = bed.worker("tkw:test:host:1:a").await;
    worker.claim(first).await.unwrap();
    for event in [
        json!({"type": "EnqueueForOrchestration", "data": {"success": false}}),
        json!("not what Core writes"),
    ] {
        let mut transaction = worker.sql.begin().await.unwrap();
        crate::bed::transition(
            &mut transaction,
            first,
            "in_progress",
            "enqueued_for_orchestration",
            &event,
        )
        .await
        .unwrap();
        crate::bed::transition(
            &mut transaction,
            first,
            "enqueued_for_orchestration",
            "error",
            &json!({"type": "Fail", "data": "no"}),
        )
        .await
        .unwrap();
        transaction.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn workers_without_a_name_answer_as_ever_and_are_left_alone() {
    let mut bed = Bed::new().await;
    let task = bed.create("timed").await;
    let first = bed.wait_for_step(task, "first", "enqueued").await;
    let mut claims = bed.worker("").await;
    claims.claim(first).await.unwrap();
    drop(claims);
    // Longer than its grace and its time limit.
    let begun = std::time::Instant::now();
    while begun.elapsed() < std::time::Duration::from_secs(2) {
        assert_eq!(bed.pass().await, []);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let mut answers = bed.worker("some pool").await;
    answers.answer(first).await.unwrap();
    bed.wait_for_step(task, "first", "complete").await;
}

#[tokio::test]
async fn of_two_claims_of_a_step_one_is_refused() {
    let mut bed = Bed::new().await;
    let task = bed.create("chain").await;
    let first = bed.wait_for_step(task, "first", "enqueued").await;
    let (mut one, mut two) = (
        bed.worker("tkw:test:host:1:a").await,
        bed.worker("tkw:test:host:2:b").await,
    );
    let (a, b) = tokio::join!(one.claim(first), two.claim(first));
    let refused: Vec<_> = [a, b].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(code(&refused[0]), "TK001", "{refused:?}");
}

/// As with the delivery `Hybrid`: a notification tells every process of the step. `TASKER_TEST_RACES` makes it longer.
#[tokio::test]
async fn a_step_that_four_workers_are_told_of_is_claimed_by_one_of_them_every_time() {
    let races = std::env::var("TASKER_TEST_RACES").map_or(100, |text| text.parse().unwrap());
    let mut bed = Bed::new().await;
    let task = bed.create("chain").await;
    let first = bed.wait_for_step(task, "first", "enqueued").await;
    let mut workers = [
        bed.worker("tkw:test:host:1:race").await,
        bed.worker("tkw:test:host:2:race").await,
        bed.worker("tkw:test:host:3:race").await,
        bed.worker("tkw:test:host:4:race").await,
    ];
    let start = json!({"type": "Start"});
    for race in 0..races {
        let [one, two, three, four] = workers
            .each_mut()
            .map(|worker| worker.transition(first, "enqueued", "in_progress", &start));
        let claims: [_; 4] = tokio::join!(one, two, three, four).into();
        let taken: Vec<_> = (0..4).filter(|number| claims[*number].is_ok()).collect();
        assert_eq!(taken.len(), 1, "race {race}: {claims:?}");
        for refused in claims.iter().filter_map(|claim| claim.as_ref().err()) {
            assert_eq!(code(refused), "TK001", "race {race}: {refused:?}");
        }
        // For the next race.
        workers[taken[0]]
            .transition(
                first,
                "in_progress",
                "enqueued",
                &json!({"type": "Enqueue"}),
            )
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_task_goes_only_on_from_the_state_that_it_has() {
    let mut bed = Bed::new().await;
    let task = bed.create("chain").await;
    bed.wait_for_step(task, "first", "enqueued").await;
    let mut sql = connect(&bed.database_url, "a second server").await;
    let late = format!(
        "begin; update tasker.task_transitions set most_recent = false where task_uuid = '{task}' and most_recent;
         insert into tasker.task_transitions (task_uuid, from_state, to_state, sort_key, most_recent, created_at, updated_at)
         values ('{task}', 'pending', 'initializing', 99, true, now(), now()); commit"
    );
    let refused = sqlx::raw_sql(&late).execute(&mut sql).await.unwrap_err();
    assert_eq!(code(&refused), "TK001", "{refused}");
}

#[tokio::test]
async fn a_task_with_open_steps_cannot_be_completed() {
    let mut bed = Bed::new().await;
    let task = bed.create("chain").await;
    bed.wait_for_step(task, "first", "enqueued").await;
    let mut sql = connect(&bed.database_url, "a second server").await;
    let state = {
        bed.stop_server();
        bed.task_state(task).await
    };
    let early = format!(
        "select tasker.transition_task_state_atomic('{task}', '{state}', 'complete', null, '{}')",
        json!({})
    );
    let refused = sqlx::raw_sql(&early).execute(&mut sql).await.unwrap_err();
    assert_eq!(code(&refused), "TK003", "{refused}");
    bed.resume_server();
}

#[tokio::test]
async fn a_task_without_a_failed_step_is_not_blocked_by_failures() {
    let mut bed = Bed::new().await;
    let task = bed.create("chain").await;
    let first = bed.wait_for_step(task, "first", "enqueued").await;
    bed.stop_server();
    let mut sql = connect(&bed.database_url, "a second server").await;
    let state = bed.task_state(task).await;
    let blocked = |step: &str| {
        format!(
            "begin; set local session_replication_role = replica;
             update tasker.workflow_step_transitions set to_state = '{step}' where workflow_step_uuid = '{first}' and most_recent;
             set local session_replication_role = origin;
             select tasker.transition_task_state_atomic('{task}', '{state}', 'blocked_by_failures', null, '{{}}')"
        )
    };
    for (step, refused) in [
        ("in_progress", Some("TK007")),
        ("complete", Some("TK007")),
        ("error", None),
        ("enqueued_as_error_for_orchestration", None),
    ] {
        let done = sqlx::raw_sql(&blocked(step)).execute(&mut sql).await;
        sqlx::raw_sql("rollback").execute(&mut sql).await.unwrap();
        let found = done.err().map(|error| code(&error));
        assert_eq!(found.as_deref(), refused, "{step}");
    }
    bed.resume_server();
}

#[tokio::test]
async fn a_task_waits_for_the_steps_that_a_crash_has_taken() {
    let mut bed = Bed::new().await;
    let task = bed.create("chain").await;
    let first = bed.wait_for_step(task, "first", "enqueued").await;
    bed.stop_server();
    let mut sql = connect(&bed.database_url, "a second server").await;
    let asks = async |sql: &mut sqlx::PgConnection, result: &str, uninterrupted: &str| {
        let state = crate::bed::task_state(sql, task).await;
        let text = format!(
            "begin; set local session_replication_role = replica;
             update tasker.workflow_step_transitions set to_state = 'complete' where workflow_step_uuid = '{first}' and most_recent;
             update tasker.workflow_steps set results = '{{\"result\": {result}}}' where workflow_step_uuid = '{first}';
             delete from tasker_contrib.uninterrupted; {uninterrupted};
             set local session_replication_role = origin;
             select tasker.transition_task_state_atomic('{task}', '{state}', 'evaluating_results', null, '{{}}')"
        );
        let done = sqlx::raw_sql(&text).execute(&mut *sql).await;
        sqlx::raw_sql("rollback").execute(sql).await.unwrap();
        done.err().map(|error| code(&error))
    };
    let since =
        |when: &str| format!("insert into tasker_contrib.uninterrupted (since) values ({when})");
    let decision = r#"{"decision_point_outcome": {"type": "create_steps", "step_names": ["second", "third"]}}"#;
    let batch = r#"{"batch_processing_outcome": {"type": "create_batches", "worker_template_name": "part"}}"#;
    let lost = Some("TK006".to_owned());
    for result in [decision, batch] {
        assert_eq!(
            asks(&mut sql, result, "").await,
            lost,
            "nobody has looked since"
        );
        assert_eq!(
            asks(&mut sql, result, &since("clock_timestamp()")).await,
            lost,
            "a pass has"
        );
        let long_ago = since("clock_timestamp() - interval '3 min'");
        assert_eq!(asks(&mut sql, result, &long_ago).await, None, "no crash");
        let before = since("timestamptz '2000-01-01'");
        assert_eq!(asks(&mut sql, result, &before).await, None, "an older one");
    }
    let there = r#"{"decision_point_outcome": {"type": "create_steps", "step_names": ["second"]}}"#;
    assert_eq!(asks(&mut sql, there, "").await, None, "the step is there");
    bed.resume_server();
}

#[tokio::test]
async fn a_task_is_cancelled_from_any_open_state_and_not_after_its_end() {
    let mut bed = Bed::new().await;
    let task = bed.create("chain").await;
    let first = bed.wait_for_step(task, "first", "enqueued").await;
    let mut worker = bed.worker("tkw:test:host:1:a").await;
    worker.claim(first).await.unwrap();
    bed.call("DELETE", &format!("/v1/tasks/{task}"), &json!({}))
        .await;
    assert_eq!(bed.task_state(task).await, "cancelled");
    assert_eq!(bed.step(task, "first").await.1, "cancelled");
    let late = worker.answer(first).await.unwrap_err();
    assert_eq!(code(&late), "TK001", "{late}");
    let late = format!(
        "begin; update tasker.task_transitions set most_recent = false where task_uuid = '{task}' and most_recent;
         insert into tasker.task_transitions (task_uuid, from_state, to_state, sort_key, most_recent, created_at, updated_at)
         values ('{task}', 'pending', 'cancelled', 99, true, now(), now()); commit"
    );
    let refused = sqlx::raw_sql(&late)
        .execute(&mut bed.sql)
        .await
        .unwrap_err();
    assert_eq!(code(&refused), "TK001", "{refused}");
}
