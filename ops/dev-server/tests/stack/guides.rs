//! What the guides tell people to type does on a real server what they say.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::harness::{Place, Stack};
use serde_json::json;
use sqlx::{Connection as _, PgConnection, Row as _};

fn guides() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides")
}

/// What a worker registers when it starts: the template of the daily report, and the queue of its namespace.
async fn register_daily_report(connection: &mut PgConnection) {
    let configuration = json!({
        "name": "daily_report", "namespace_name": "reports", "version": "1.0.0",
        "steps": [{"name": "collect", "handler": {"callable": "reports.collect"}}],
    });
    sqlx::query(
        "WITH ns AS (INSERT INTO tasker.task_namespaces (name, created_at, updated_at) VALUES ('reports', now(), now()) RETURNING *)
         INSERT INTO tasker.named_tasks (task_namespace_uuid, name, version, configuration, created_at, updated_at)
         SELECT task_namespace_uuid, 'daily_report', '1.0.0', $1, now(), now() FROM ns",
    )
    .bind(configuration)
    .execute(&mut *connection)
    .await
    .unwrap();
    sqlx::query("SELECT pgmq.create('worker_reports_queue')")
        .execute(connection)
        .await
        .unwrap();
}

fn create_daily_report(stack: &Stack) -> Output {
    Command::new(guides().join("run-a-job-every-day/create-daily-report"))
        .env("TASKER_ORCHESTRATION_URL", stack.url("orchestration_url"))
        .env("NO_PROXY", "*")
        .output()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_has_one_report_and_the_query_finds_it_when_it_is_stuck() {
    let place = Place::new();
    let stack = place.up(&[]);
    let mut connection = PgConnection::connect(stack.url("database_url"))
        .await
        .unwrap();

    let unknown = create_daily_report(&stack);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    assert!(
        String::from_utf8_lossy(&unknown.stderr).contains("404"),
        "{unknown:?}"
    );

    register_daily_report(&mut connection).await;
    for words in ["created the report of ", "exists already"] {
        let output = create_daily_report(&stack);
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(words), "{said}");
        let day: String = sqlx::query_scalar("SELECT context->>'day' FROM tasker.tasks")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert!(said.contains(&format!("the report of {day}")), "{said}");
    }

    let checklist = std::fs::read_to_string(guides().join("production-checklist.md")).unwrap();
    let (_, block) = checklist.split_once("```sql\n").unwrap();
    let (query, _) = block.split_once("```").unwrap();
    let stuck = sqlx::query(query).fetch_all(&mut connection).await.unwrap();
    assert!(stuck.is_empty(), "it was created just now");
    sqlx::query("UPDATE tasker.task_transitions SET created_at = created_at - interval '2 hours'")
        .execute(&mut connection)
        .await
        .unwrap();
    let stuck = sqlx::query(query).fetch_all(&mut connection).await.unwrap();
    let names: Vec<String> = stuck.iter().map(|row| row.get("name")).collect();
    assert_eq!(names, ["daily_report"]);
    stack.stop();
}
