//! What becomes of rows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tasker_contrib_axum::outbox::{Outbox, OutboxError, Relay, Relayed};
use tasker_contrib_axum::{NewTask, TaskQuery, TaskerClient};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::proxy::Proxy;
use super::{pool, stack, until, Bed};
use crate::ALONE;

/// Created, later, dead.
fn counts(done: Relayed) -> [usize; 3] {
    assert!(!done.paused, "{done:?}");
    [done.created, done.later, done.dead]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_is_part_of_the_transaction_and_becomes_one_task() {
    let _alone = ALONE.lock().await;
    let bed = Bed::new().await;
    let relay = bed.relay().await;

    let mut kept = bed.db.begin().await.unwrap();
    let task = bed.task(json!({"n": 1.5, "text": "é"}));
    let task = task
        .priority(7)
        .tag("a")
        .initiator("ada")
        .reason("it is paid");
    let written = bed.outbox.enqueue(&mut kept, task).await.unwrap();
    let mut lost = bed.db.begin().await.unwrap();
    let task = bed.task(json!({"n": 2}));
    bed.outbox.enqueue(&mut lost, task).await.unwrap();
    assert_eq!(counts(relay.relay_due().await.unwrap()), [0, 0, 0]);
    kept.commit().await.unwrap();
    lost.rollback().await.unwrap();
    assert_eq!(bed.stats().await.open, 1);

    assert_eq!(counts(relay.relay_due().await.unwrap()), [1, 0, 0]);
    let context = json!({"n": 1.5, "text": "é"});
    bed.assert_each_once([(written.correlation_id, context)].into())
        .await;
    let client = TaskerClient::new(&stack().url).unwrap();
    let query = TaskQuery::default().namespace(&bed.namespace);
    let page = client.list_tasks(query).await.unwrap();
    let task = client.get_task(page.tasks[0].task_uuid).await.unwrap();
    for (key, value) in [
        ("priority", json!(7)),
        ("tags", json!(["a"])),
        ("initiator", json!("ada")),
        ("reason", json!("it is paid")),
        ("source_system", json!("axum")),
    ] {
        assert_eq!(task.more[key], value, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_application_writes_about_a_task_is_stored_with_the_end_of_its_row() {
    let _alone = ALONE.lock().await;
    let bed = Bed::new().await;
    let told = format!("{}_told", bed.outbox.table());
    let create = format!("create table {told} (task uuid primary key)");
    sqlx::raw_sql(&create).execute(&bed.db).await.unwrap();
    let insert = Arc::new(format!("insert into {told} values ($1)"));
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let relay = bed.relay().await.on_created(move |transaction, task| {
        let (insert, counted) = (insert.clone(), counted.clone());
        Box::pin(async move {
            let write = sqlx::query(&insert).bind(task.task_uuid);
            write.execute(&mut *transaction).await?;
            match counted.fetch_add(1, Ordering::SeqCst) {
                0 => {
                    sqlx::query("no SQL").execute(transaction).await?;
                }
                1 => panic!("a mistake"),
                _ => {}
            }
            Ok(())
        })
    });
    bed.enqueue(json!({"n": 1})).await;
    for why in [
        "on_created failed: error returned from database",
        "on_created failed: it panicked",
    ] {
        assert_eq!(counts(relay.relay_due().await.unwrap()), [0, 1, 0]);
        let rows = bed.outbox.rows(&bed.db, 9).await.unwrap();
        let said = rows[0].last_error.as_deref().unwrap();
        assert!(said.contains(why), "{said}");
        bed.make_due().await;
    }
    assert_eq!(counts(relay.relay_due().await.unwrap()), [1, 0, 0]);
    let select = format!("select count(*) from {told}");
    let stored: i64 = sqlx::query_scalar(&select)
        .fetch_one(&bed.db)
        .await
        .unwrap();
    assert_eq!((stored, bed.tasks().await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_a_key_keep_their_order_behind_a_dead_one() {
    let _alone = ALONE.lock().await;
    let bed = Bed::new().await;
    let client = TaskerClient::new(&stack().url).unwrap();
    let relay = bed.relay().await;
    // Somebody else's task, and a row that is content with it.
    client.create_task(bed.task(json!({"n": 0}))).await.unwrap();
    let mut connection = bed.db.acquire().await.unwrap();
    let content = bed.task(json!({"n": 0})).idempotent();
    let content = bed.outbox.enqueue(&mut connection, content);
    content.await.unwrap();
    let first = bed.enqueue_in_order("k", json!({"n": 0})).await;
    bed.enqueue_in_order("k", json!({"n": 2})).await;
    bed.enqueue_in_order("k", json!({"n": 3})).await;
    bed.enqueue_in_order("other", json!({"n": 4})).await;
    assert_eq!(counts(relay.relay_due().await.unwrap()), [2, 0, 1]);
    assert_eq!(bed.contexts().await, [json!({"n": 0}), json!({"n": 4})]);

    let dead = bed.outbox.dead_rows(&bed.db, 9).await.unwrap();
    assert_eq!((dead.len(), dead[0].id, dead[0].attempts), (1, first.id, 1));
    let why = dead[0].last_error.as_deref().unwrap();
    assert!(
        why.contains("was created by somebody else; discard"),
        "{why}"
    );
    assert_eq!(bed.outbox.rows(&bed.db, 9).await.unwrap().len(), 3);
    // Again it is dead, and still the others wait.
    assert_eq!(bed.outbox.retry(&bed.db, &[first.id]).await.unwrap(), 1);
    assert_eq!(counts(relay.relay_due().await.unwrap()), [0, 0, 1]);
    assert_eq!(bed.outbox.retry_dead(&bed.db).await.unwrap(), 1);
    assert_eq!(bed.stats().await.dead, 0);
    assert_eq!(bed.outbox.discard_dead(&bed.db).await.unwrap(), 0);
    assert_eq!(bed.outbox.discard(&bed.db, &[first.id]).await.unwrap(), 1);

    assert_eq!(counts(relay.relay_due().await.unwrap()), [2, 0, 0]);
    let contexts = bed.contexts().await;
    assert_eq!(contexts[2..], [json!({"n": 2}), json!({"n": 3})]);
    assert!(bed.is_empty().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_transaction_with_a_key_waits_for_the_first_one() {
    let _alone = ALONE.lock().await;
    let bed = Bed::new().await;
    let mut first = bed.db.begin().await.unwrap();
    let one = bed.task(json!({"n": 1}));
    bed.outbox
        .enqueue_in_order(&mut first, "k", one)
        .await
        .unwrap();
    let second = bed.enqueue_in_order("k", json!({"n": 2}));
    let mut second = std::pin::pin!(second);
    let locks = "select count(*) from pg_locks where locktype = 'advisory' and not granted";
    let waits = until("a lock that is waited for", async || {
        let waiting: i64 = sqlx::query_scalar(locks).fetch_one(&bed.db).await.unwrap();
        waiting > 0
    });
    tokio::select! {
        written = &mut second => panic!("{written:?} did not wait"),
        () = waits => {}
    }
    // Another key and no key wait for nobody.
    bed.enqueue_in_order("other", json!({"n": 3})).await;
    bed.enqueue(json!({"n": 4})).await;
    first.commit().await.unwrap();
    second.await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relays_side_by_side_take_no_row_twice() {
    let _alone = ALONE.lock().await;
    let bed = Bed::new().await;
    // What another relay has in hand is skipped, and not waited for.
    let in_hand = bed.enqueue(json!({"n": 0})).await;
    let mut other = bed.db.begin().await.unwrap();
    let lock = format!("select from {} for update", bed.outbox.table());
    sqlx::query(&lock).execute(&mut *other).await.unwrap();
    let relay = bed.relay().await;
    let done = tokio::time::timeout(super::PATIENCE, relay.relay_due()).await;
    assert_eq!(counts(done.expect("it skips").unwrap()), [0, 0, 0]);
    other.rollback().await.unwrap();

    let mut written = BTreeMap::from([(in_hand.correlation_id, json!({"n": 0}))]);
    for n in 1..30 {
        let row = bed.enqueue(json!({"n": n})).await;
        written.insert(row.correlation_id, json!({"n": n}));
    }
    let told = Arc::new(Mutex::new(Vec::new()));
    let stop = CancellationToken::new();
    let mut relays = JoinSet::new();
    for _ in 0..2 {
        let told = told.clone();
        let relay = bed.relay().await.on_created(move |_, task| {
            told.lock().unwrap().extend(task.correlation_id);
            Box::pin(async { Ok(()) })
        });
        relays.spawn(relay.run(stop.clone().cancelled_owned()));
    }
    until("the end of all rows", async || bed.is_empty().await).await;
    stop.cancel();
    relays.join_all().await;
    let mut told = told.lock().unwrap().clone();
    told.sort();
    assert!(told.iter().eq(written.keys()), "{told:?}");
    bed.assert_each_once(written).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_and_a_database_may_be_away_for_a_while() {
    let _alone = ALONE.lock().await;
    let bed = Bed::new().await;
    let (server, database) = (&stack().url, &stack().database_url);
    let to_server = Proxy::in_front_of(server).await;
    let to_database = Proxy::in_front_of(database).await;
    let db = pool(&to_database.url(database)).await;
    let client = TaskerClient::new(to_server.url(server)).unwrap();
    let relay = Relay::new(bed.outbox.clone(), db, client.clone())
        .await
        .unwrap();
    let relay = relay.poll_every(Duration::from_millis(20));
    bed.enqueue(json!({"n": 1})).await;
    bed.enqueue(json!({"n": 2})).await;
    let past = format!(
        "update {} set created_at = now() - interval '8 seconds'",
        bed.outbox.table()
    );
    sqlx::query(&past).execute(&bed.db).await.unwrap();

    to_server.cut();
    let done = relay.relay_due().await.unwrap();
    assert!(
        done.paused && done.created + done.later + done.dead == 0,
        "{done:?}"
    );
    let rows = bed.outbox.rows(&bed.db, 9).await.unwrap();
    assert_eq!([rows[0].attempts, rows[1].attempts], [0, 0]);
    assert!(rows[0]
        .last_error
        .as_deref()
        .unwrap()
        .contains("cannot be reached"));
    assert_eq!(rows[1].last_error, None);

    let figures = |name: &str| {
        let name = format!("tasker_contrib_outbox_{name} ");
        let text = client.metrics();
        let value = text.lines().find_map(|line| line.strip_prefix(&name));
        value.map(|value| value.parse::<f64>().unwrap())
    };
    assert_eq!(figures("open"), None);
    let stop = CancellationToken::new();
    let running = tokio::spawn(relay.run(stop.clone().cancelled_owned()));
    until("figures", async || figures("open") == Some(2.0)).await;
    assert_eq!(figures("up"), Some(1.0));
    assert_eq!(figures("dead"), Some(0.0));
    assert!(figures("lag_seconds").unwrap() >= 8.0);

    to_database.cut();
    until("a try in vain", async || to_database.refused() > 0).await;
    assert_eq!(bed.stats().await.open, 2);
    to_server.mend();
    to_database.mend();
    until("the end of all rows", async || bed.is_empty().await).await;
    until("new figures", async || figures("open") == Some(0.0)).await;
    stop.cancel();
    running.await.unwrap();
    assert_eq!([figures("up"), figures("open")], [None, None]);
    assert_eq!(bed.contexts().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_are_refused_before_anything_is_written() {
    let _alone = ALONE.lock().await;
    let bed = Bed::new().await;
    let mut transaction = bed.db.begin().await.unwrap();
    let fine = || bed.task(json!({"n": 1}));
    for (task, why) in [
        (bed.task(json!([1])), "the context must be a JSON object"),
        (
            bed.task(json!({"text": "a\0b"})),
            "the context has a NUL character at `text`",
        ),
        (
            NewTask::new("", "ship", json!({})),
            "the template's namespace is empty",
        ),
        (
            NewTask::new("shop", "", json!({})),
            "the template's name is empty",
        ),
        (
            NewTask::new("shop", "sh\0ip", json!({})),
            "the task has a NUL character at `name`",
        ),
        (fine().version(""), "the template's version is empty"),
        (
            fine().tag("a\0"),
            "the task has a NUL character at `tags.0`",
        ),
        (
            fine().priority(101),
            "priority must be -100 to 100, not 101",
        ),
    ] {
        let refused = bed.outbox.enqueue(&mut transaction, task).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused, OutboxError::Invalid(_)), "{refused:?}");
        let expected = format!("the task cannot be enqueued: {why}");
        assert!(refused.to_string().starts_with(&expected), "{refused}");
    }
    let refused = bed.outbox.enqueue_in_order(&mut transaction, "a\0", fine());
    let refused = refused.await.unwrap_err().to_string();
    assert!(
        refused.contains("the ordering key has a NUL character"),
        "{refused}"
    );
    // The transaction goes on.
    bed.outbox.enqueue(&mut transaction, fine()).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(bed.stats().await.open, 1);

    let missing = Outbox::with_table("nothing").unwrap();
    let mut connection = bed.db.acquire().await.unwrap();
    let said = "table nothing does not exist: run the SQL of `Outbox::ddl` in a migration, or name another table";
    let refused = missing.enqueue(&mut connection, fine()).await.unwrap_err();
    assert_eq!(refused.to_string(), said);
    let client = TaskerClient::new(&stack().url).unwrap();
    let refused = Relay::new(missing, bed.db.clone(), client).await;
    assert_eq!(refused.unwrap_err().to_string(), said);
}
