//! What is in PostgreSQL.

use std::collections::BTreeSet;

use app::database;
use app::documents::store::{Documents as _, SqlDocuments};
use app::tasks::{self, Template};
use app::users::{add_user, has_password, new_user, SqlUsers, Users as _};
use sqlx::migrate::Migrator;
use sqlx::PgPool;
use tasker_contrib_axum::outbox::Outbox;
use uuid::Uuid;

use crate::stack::Stack;
use crate::support::store_checks::{check, document, task};
use crate::support::{until, PASSWORD, PATIENCE};

async fn owner(db: &PgPool) -> Uuid {
    let user = new_user(&format!("{}@example.org", Uuid::new_v4()), PASSWORD, false).await;
    assert!(SqlUsers(db.clone()).add(&user).await.unwrap());
    user.id
}

async fn requests(db: &PgPool) -> BTreeSet<Uuid> {
    let ids = sqlx::query_scalar("select correlation_id from app.tasker_outbox");
    ids.fetch_all(db).await.unwrap().into_iter().collect()
}

pub async fn the_store_does_what_is_asked_of_it(stack: &Stack) {
    let documents = SqlDocuments::new(stack.db.clone());
    let (there, absent) = check(&documents, owner(&stack.db).await).await;
    let written = requests(&stack.db).await;
    assert!(there.iter().all(|request| written.contains(request)));
    assert!(!absent.iter().any(|request| written.contains(request)));
    // The worker knows no such templates yet, and these documents are of no further use.
    sqlx::query("delete from app.tasker_outbox")
        .execute(&stack.db)
        .await
        .unwrap();
}

pub async fn a_document_without_its_owner_leaves_no_task(stack: &Stack) {
    let new = document(Uuid::new_v4(), "a", b"");
    let task = task(new.id, Template::IntakeDocument);
    let request = task.request_id;
    let added = SqlDocuments::new(stack.db.clone()).add(new, task).await;
    let why = added.unwrap_err().to_string();
    assert!(why.contains("documents_owner_id_fkey"), "{why}");
    assert!(!requests(&stack.db).await.contains(&request));
}

pub async fn a_task_that_cannot_be_stored_leaves_no_document(stack: &Stack) {
    let documents = SqlDocuments {
        db: stack.db.clone(),
        outbox: Outbox::with_table("app.nothing").unwrap(),
    };
    let new = document(owner(&stack.db).await, "a", b"");
    let (id, task) = (new.id, task(new.id, Template::IntakeDocument));
    let why = documents.add(new, task).await.unwrap_err().to_string();
    assert!(why.contains("app.nothing does not exist"), "{why}");
    assert_eq!(documents.get(id).await.unwrap(), None);
}

pub async fn migrations_are_run_once_and_a_wrong_one_leaves_nothing(stack: &Stack) {
    let db = &stack.db;
    database::migrate(db).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let migrate = || async {
        let mut migrations = Migrator::new(folder.path()).await.unwrap();
        migrations.set_ignore_missing(true);
        database::migrate_with(&migrations, db).await
    };
    let write = |name: &str, sql: &str| std::fs::write(folder.path().join(name), sql).unwrap();
    write(
        "9001_probe.sql",
        "create table app.probe (n integer);\ninsert into app.probe values (1);",
    );
    migrate().await.unwrap();
    migrate().await.unwrap();
    let rows: i64 = sqlx::query_scalar("select count(*) from app.probe")
        .fetch_one(db)
        .await
        .unwrap();
    assert_eq!(rows, 1);
    write(
        "9002_wrong.sql",
        "create table app.half (n integer);\nselect nothing;",
    );
    let why = migrate().await.unwrap_err();
    assert!(why.contains("9002") && why.contains("nothing"), "{why}");
    let half: Option<String> = sqlx::query_scalar("select to_regclass('app.half')::text")
        .fetch_one(db)
        .await
        .unwrap();
    assert_eq!(half, None);
    // The program of this deployment does not know 9001.
    let forget = "delete from app._sqlx_migrations where version > 9000";
    sqlx::query(forget).execute(db).await.unwrap();
    a_second_deployment_waits_for_the_first_one(db).await;
}

async fn a_second_deployment_waits_for_the_first_one(db: &PgPool) {
    let mut first = db.acquire().await.unwrap();
    sqlx::migrate::Migrate::lock(&mut *first).await.unwrap();
    let (pool, second) = (db.clone(), db.clone());
    let second = tokio::spawn(async move { database::migrate(&second).await });
    until("the second one waits", || async {
        let waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted";
        let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&pool).await.unwrap();
        (waiting == 1).then_some(())
    })
    .await;
    assert!(!second.is_finished());
    sqlx::migrate::Migrate::unlock(&mut *first).await.unwrap();
    drop(first);
    let second = tokio::time::timeout(PATIENCE, second).await;
    second.expect("it goes on").unwrap().unwrap();
}

pub fn the_outbox_is_the_crates() {
    let migration = include_str!("../../migrations/0002_outbox.sql");
    let (_comment, statements) = migration.split_once('\n').unwrap();
    assert_eq!(statements, tasks::outbox().ddl());
}

pub async fn users_are_added_once(stack: &Stack) {
    let users = SqlUsers(stack.db.clone());
    let rita = "Rita@Example.org";
    for (email, password, why) in [
        (
            "nobody",
            PASSWORD,
            Some("\"nobody\" is not an e-mail address"),
        ),
        (
            rita,
            "short",
            Some("the password needs 12 characters or more"),
        ),
        (rita, PASSWORD, None),
        (
            rita,
            PASSWORD,
            Some("there is a user Rita@Example.org already"),
        ),
    ] {
        let added = add_user(&users, email, password, true).await;
        assert_eq!(added.err().as_deref(), why);
    }
    let user = users.by_email("rita@example.org").await.unwrap();
    let found = user.as_ref().unwrap();
    assert!(found.is_reviewer);
    assert!(users.get(found.id).await.unwrap() == user);
    assert!(has_password(user.as_ref(), PASSWORD).await);
    assert!(!has_password(user.as_ref(), "correct horse batterz").await);
}
