//! The schema comes and goes without a trace, also while work is under way, and only where it belongs.

use std::io;
use std::net::{TcpListener, TcpStream};

use sqlx::PgConnection;

use crate::bed::{connect, task_state, Bed};

/// Everything that a database has in its catalogue, as text.
async fn objects(sql: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "select format('%s %s %s', c.relkind, c.oid::regclass, c.relacl) from pg_class c where relnamespace <> 'pg_toast'::regnamespace and relnamespace::regnamespace::text not like 'pg_temp%'
         union all select format('column %s %s %s', attrelid::regclass, attname, atttypid::regtype) from pg_attribute join pg_class c on c.oid = attrelid
                    where relkind = 'r' and relnamespace::regnamespace::text in ('tasker', 'public', 'pgmq', 'tasker_contrib') and attnum > 0
         union all select format('function %s %s', p.oid::regprocedure, md5(prosrc)) from pg_proc p
         union all select format('trigger %s %s', tgrelid::regclass, tgname) from pg_trigger
         union all select format('constraint %s %s', conrelid::regclass, conname) from pg_constraint
         union all select format('type %s', t.oid::regtype) from pg_type t where typnamespace <> 'pg_toast'::regnamespace
         union all select format('schema %s %s', nspname, nspacl) from pg_namespace where nspname not like 'pg_t%'
         union all select format('comment %s', description) from pg_description
         union all select format('role setting %s', setconfig) from pg_db_role_setting
         order by 1",
    )
    .fetch_all(sql)
    .await
    .unwrap()
}

#[tokio::test]
async fn it_leaves_no_trace_and_can_be_repeated() {
    let mut bed = Bed::bare().await;
    let before = objects(&mut bed.sql).await;
    tasker_recovery::install(&bed.database_url).await.unwrap();
    let with = objects(&mut bed.sql).await;
    let added: Vec<&String> = with.iter().filter(|line| !before.contains(line)).collect();
    assert!(added.len() > 30 && added.iter().all(|line| line.contains("tasker_contrib") || line.starts_with("comment Recovery")), "{added:#?}");
    tasker_recovery::install(&bed.database_url).await.unwrap();
    assert_eq!(objects(&mut bed.sql).await, with, "a second time");
    tasker_recovery::uninstall(&bed.database_url).await.unwrap();
    assert_eq!(objects(&mut bed.sql).await, before);
    tasker_recovery::uninstall(&bed.database_url).await.unwrap();
}

#[tokio::test]
async fn work_under_way_goes_on() {
    let mut bed = Bed::bare().await;
    let task = bed.create("chain").await;
    let first = bed.wait_for_step(task, "first", "enqueued").await;
    let mut worker = bed.worker("tkw:test:host:1:before").await;
    worker.claim(first).await.unwrap();
    tasker_recovery::install(&bed.database_url).await.unwrap();
    worker.answer(first).await.unwrap();
    let second = bed.wait_for_step(task, "second", "enqueued").await;
    worker.claim(second).await.unwrap();
    tasker_recovery::uninstall(&bed.database_url).await.unwrap();
    worker.answer(second).await.unwrap();
    let sql = &mut bed.sql;
    crate::bed::wait_for("the task to end", async || {
        (task_state(sql, task).await == "complete").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_deadlock_with_the_work_under_way_is_no_end() {
    let bed = Bed::bare().await;
    let mut core = connect(&bed.database_url, "a server").await;
    sqlx::raw_sql("set deadlock_timeout = '10min'; begin; lock table tasker.task_transitions in row exclusive mode")
        .execute(&mut core)
        .await
        .unwrap();
    let url = bed.database_url.clone();
    let install = tokio::spawn(async move { tasker_recovery::install(&url).await });
    let mut sql = connect(&bed.database_url, "a look").await;
    let waits = "select count(*) from pg_stat_activity where application_name like 'tasker-recovery%' and wait_event_type = 'Lock'";
    crate::bed::wait_for("the installation to wait", async || {
        let waiting: i64 = sqlx::query_scalar(waits).fetch_one(&mut sql).await.unwrap();
        (waiting > 0).then_some(())
    })
    .await;
    // Granted when the installation has been ended.
    sqlx::raw_sql("lock table tasker.workflow_step_transitions in row exclusive mode; rollback")
        .execute(&mut core)
        .await
        .unwrap();
    install.await.unwrap().unwrap();
}

/// What `install` says, with every object as it was.
async fn refusal(bed: &mut Bed, url: &str) -> String {
    let before = objects(&mut bed.sql).await;
    let said = tasker_recovery::install(url).await.unwrap_err().to_string();
    assert_eq!(objects(&mut bed.sql).await, before, "{said}");
    assert!(said.contains("fix: "), "{said}");
    said
}

#[tokio::test]
async fn a_core_that_it_does_not_know_is_refused() {
    let mut bed = Bed::bare().await;
    let url = bed.database_url.clone();
    for (what, undo, says) in [
        (
            "insert into public._sqlx_migrations select 20990101000000, 'new', now(), true, '', 1",
            "delete from public._sqlx_migrations where version = 20990101000000",
            "20990101000000",
        ),
        ("alter table tasker.workflow_steps add column lease timestamptz", "alter table tasker.workflow_steps drop column lease", "workflow_steps.lease"),
        (
            "alter table tasker.task_transitions rename column sort_key to position",
            "alter table tasker.task_transitions rename column position to sort_key",
            "task_transitions.position, task_transitions.sort_key",
        ),
        (
            "alter function tasker.get_task_execution_context rename to gone",
            "alter function tasker.gone rename to get_task_execution_context",
            "get_task_execution_context",
        ),
        (
            "alter table pgmq.q_orchestration_step_results rename to elsewhere; set session_replication_role = replica;
             insert into tasker.tasks (named_task_uuid, requested_at, identity_hash, created_at, updated_at, correlation_id) values (uuidv7(), now(), 'x', now(), now(), uuidv7())",
            "alter table pgmq.elsewhere rename to q_orchestration_step_results; delete from tasker.tasks; reset session_replication_role",
            "RabbitMQ",
        ),
    ] {
        sqlx::raw_sql(what).execute(&mut bed.sql).await.unwrap();
        let said = refusal(&mut bed, &url).await;
        assert!(said.contains(says), "{what}: {said}");
        sqlx::raw_sql(undo).execute(&mut bed.sql).await.unwrap();
    }
    tasker_recovery::install(&url).await.unwrap();
}

#[tokio::test]
async fn a_database_without_tasker_is_refused() {
    let mut bed = Bed::bare().await;
    sqlx::raw_sql("create database empty")
        .execute(&mut bed.sql)
        .await
        .unwrap();
    let url = format!("{}/empty", bed.database_url.rsplit_once('/').unwrap().0);
    let said = refusal(&mut bed, &url).await;
    assert!(
        said.contains("migrations are not in this database"),
        "{said}"
    );
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_with_its_statement() {
    let mut bed = Bed::bare().await;
    let role = "create role limited login password 'limited'; grant usage on schema tasker, pgmq, public to limited;
                grant select on all tables in schema public, tasker to limited";
    sqlx::raw_sql(role).execute(&mut bed.sql).await.unwrap();
    let url = bed
        .database_url
        .replace("tasker:tasker@", "limited:limited@");
    let said = refusal(&mut bed, &url).await;
    for part in [
        "grant create on database",
        "not the owner of tasker.task_transitions",
        "grant select, insert, update on tasker.tasks to limited",
        "on all tables in schema pgmq",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// A session pooler in short: what it opened to PostgreSQL stays open when its client leaves.
fn pooler(database: &str) -> String {
    let url = url::Url::parse(database).unwrap();
    let place = format!("127.0.0.1:{}", url.port().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(&place).unwrap());
            kept.push(server.try_clone().unwrap());
            pipe(client.try_clone().unwrap(), server.try_clone().unwrap());
            pipe(server, client);
        }
    });
    database.replace(&format!(":{}/", url.port().unwrap()), &format!(":{port}/"))
}

fn pipe(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        // A pooler keeps the client's farewell ('X', four bytes of length) to itself.
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = io::Read::read(&mut from, &mut buffer) {
            if buffer[..count] == [b'X', 0, 0, 0, 4]
                || io::Write::write_all(&mut to, &buffer[..count]).is_err()
            {
                return;
            }
        }
    });
}

#[tokio::test]
async fn a_connection_pooler_is_refused() {
    let mut bed = Bed::bare().await;
    let url = pooler(&bed.database_url);
    let said = refusal(&mut bed, &url).await;
    assert!(said.contains("connection pooler"), "{said}");
}

#[tokio::test]
async fn old_archives_of_tasker_are_pruned_and_those_of_others_are_not() {
    let mut bed = Bed::new().await;
    sqlx::raw_sql(
        "select pgmq.create('mine');
         select pgmq.archive('worker_recovery_queue', pgmq.send('worker_recovery_queue', '{}')) from generate_series(1, 3);
         select pgmq.archive('mine', pgmq.send('mine', '{}'));
         update pgmq.a_mine set archived_at = now() - interval '1 year';
         update pgmq.a_worker_recovery_queue set archived_at = now() - interval '8 days' where msg_id <= 2",
    )
    .execute(&mut bed.sql)
    .await
    .unwrap();
    let settings = crate::bed::quick();
    let did = tasker_recovery::Pass::new(&settings)
        .housekeeping(&mut bed.sql)
        .await
        .unwrap();
    assert_eq!(did.len(), 1, "{did:?}");
    assert_eq!(
        did[0].detail.as_deref(),
        Some("2 messages of worker_recovery_queue")
    );
    let left: (i64, i64) = sqlx::query_as("select (select count(*) from pgmq.a_worker_recovery_queue), (select count(*) from pgmq.a_mine)").fetch_one(&mut bed.sql).await.unwrap();
    assert_eq!(left, (1, 1));
}

#[tokio::test]
async fn roles_of_workers_need_no_right_on_the_schema() {
    let mut bed = Bed::new().await;
    let role = "create role app login password 'app'; grant usage on schema tasker, pgmq to app; alter role app set search_path = tasker, public;
                grant all on all tables in schema tasker, pgmq to app; grant all on all sequences in schema pgmq to app";
    sqlx::raw_sql(role).execute(&mut bed.sql).await.unwrap();
    let task = bed.create("once").await;
    let only = bed.wait_for_step(task, "only", "enqueued").await;
    let url = bed.database_url.replace("tasker:tasker@", "app:app@");
    let mut worker = crate::bed::Worker {
        sql: connect(&url, "tkw:test:host:1:app").await,
        pool: Vec::new(),
    };
    worker.claim(only).await.unwrap();
    worker.answer(only).await.unwrap();
    bed.wait_for_step(task, "only", "complete").await;
}
