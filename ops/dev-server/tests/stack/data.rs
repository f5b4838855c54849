//! Data that is kept, data that is not, and what other commands can do with a running stack.

use std::time::Instant;

use crate::harness::{pids_of, wait_for, Place, Stack, PATIENCE};
use nix::sys::signal::{kill, Signal};
use serde_json::{json, Value};
use sqlx::{Connection as _, PgConnection};

/// What a worker would have registered: one template with one step.
async fn register_template(database_url: &str) {
    let configuration = json!({
        "name": "kept", "namespace_name": "durability", "version": "1.0.0",
        "steps": [{"name": "only", "handler": {"callable": "durability.only"}}],
    });
    let mut connection = PgConnection::connect(database_url).await.unwrap();
    sqlx::query(
        "WITH ns AS (INSERT INTO tasker.task_namespaces (name, created_at, updated_at) VALUES ('durability', now(), now()) RETURNING *)
         INSERT INTO tasker.named_tasks (task_namespace_uuid, name, version, configuration, created_at, updated_at)
         SELECT task_namespace_uuid, 'kept', '1.0.0', $1, now(), now() FROM ns",
    )
    .bind(configuration)
    .execute(&mut connection)
    .await
    .unwrap();
    // The queue that a worker of the namespace would have made.
    sqlx::query("SELECT pgmq.create('worker_durability_queue')")
        .execute(&mut connection)
        .await
        .unwrap();
}

async fn call(method: &str, url: String, body: Option<Value>) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client
        .request(method.parse().unwrap(), &url)
        .header("content-type", "application/json");
    if let Some(body) = body {
        request = request.body(body.to_string());
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{method} {url}: {status} {text}");
    serde_json::from_str(&text).unwrap()
}

/// Creates a task and finishes its only step by hand, as an operator can.
async fn finish_a_task(stack: &Stack) -> String {
    let api = stack.url("orchestration_url");
    let task = call(
        "POST",
        format!("{api}/v1/tasks"),
        Some(json!({
            "name": "kept", "namespace": "durability", "version": "1.0.0", "context": {"n": 1},
            "initiator": "test", "source_system": "test", "reason": "durability",
        })),
    )
    .await;
    let id = task["task_uuid"].as_str().unwrap().to_owned();
    let steps = call("GET", format!("{api}/v1/tasks/{id}/workflow_steps"), None).await;
    let step = steps[0]["step_uuid"].as_str().unwrap();
    let action = json!({
        "action_type": "complete_manually", "completion_data": {"result": {"ok": true}}, "reason": "durability", "completed_by": "test",
    });
    call(
        "PATCH",
        format!("{api}/v1/tasks/{id}/workflow_steps/{step}"),
        Some(action),
    )
    .await;
    id
}

async fn step_state(stack: &Stack, task: &str) -> String {
    let api = stack.url("orchestration_url");
    let steps = call("GET", format!("{api}/v1/tasks/{task}/workflow_steps"), None).await;
    steps[0]["current_state"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_data_survives_kill_9_of_everything() {
    let place = Place::new();
    let data = place.path("data");
    let arguments = ["--data-dir", data.to_str().unwrap()];
    let mut stack = place.up(&arguments);
    register_template(stack.url("database_url")).await;
    let task = finish_a_task(&stack).await;
    let deadline = Instant::now() + PATIENCE;
    while !["complete", "resolved_manually"].contains(&step_state(&stack, &task).await.as_str()) {
        assert!(
            Instant::now() < deadline,
            "the step is {}",
            step_state(&stack, &task).await
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let before = step_state(&stack, &task).await;
    for pid in pids_of(&place, "") {
        let _ = kill(pid, Signal::SIGKILL);
    }
    stack.wait();
    wait_for("everything to die", || place.processes().is_empty());
    let again = place.up(&arguments);
    assert_eq!(
        step_state(&again, &task).await,
        before,
        "a finished task was lost"
    );
    again.stop();
}

#[test]
fn a_reset_empties_a_data_directory_and_it_can_be_used_again() {
    let place = Place::new();
    let data = place.path("data");
    let arguments = ["--data-dir", data.to_str().unwrap()];
    place.up(&arguments).stop();
    assert!(data.join("pgdata/PG_VERSION").exists());
    let output = place.run(&["reset", "--data-dir", data.to_str().unwrap()]);
    assert!(output.status.success());
    assert!(!data.join("pgdata").exists());
    place.up(&arguments).stop();
    place.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_database_is_migrated_and_survives_the_stack() {
    let host = Place::new();
    let first = host.up(&[]);
    let mut admin = PgConnection::connect(first.url("database_url"))
        .await
        .unwrap();
    sqlx::query("CREATE DATABASE elsewhere")
        .execute(&mut admin)
        .await
        .unwrap();
    let url = format!(
        "{}/elsewhere",
        first.url("database_url").rsplit_once('/').unwrap().0
    );
    let place = Place::new();
    for _ in 0..2 {
        let second = place.up(&["--database-url", &url]);
        assert_eq!(second.url("database_url"), url);
        second.stop();
    }
    let mut banner = place
        .command(&["up", "--database-url", &url])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(banner.stdout.take().unwrap()))
        .map_while(Result::ok);
    assert!(lines.any(|line| line.ends_with("kept in your database")));
    kill(
        nix::unistd::Pid::from_raw(banner.id().try_into().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    banner.wait().unwrap();
    place.assert_nothing_left();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let tables: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'tasker'",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert!(tables > 5);
    first.stop();
}

#[test]
fn the_running_stack_can_be_asked_for_configurations_and_the_banner_has_a_command_to_paste() {
    let place = Place::new();
    let stack = place.up(&[]);
    assert_eq!(stack.ready["event"], "ready");
    assert_eq!(stack.url("core_version"), "0.1.8");
    for key in ["postgres_version", "pgmq_version"] {
        assert!(!stack.url(key).is_empty());
    }
    assert!(stack.ready["startup_ms"].as_u64().is_some());
    for (role, address) in [
        ("worker", "orchestration_url"),
        ("orchestration", "database_url"),
    ] {
        let output = place.run(&["config", role]);
        let text = String::from_utf8(output.stdout).unwrap();
        let file: toml::Table = toml::from_str(&text).unwrap();
        assert!(file.contains_key(role) && file.contains_key("common"));
        assert!(text.contains(stack.url(address)) || role == "orchestration");
        assert!(text.contains(stack.url("database_url")));
    }
    stack.stop();
}

#[test]
fn only_loopback_is_listened_on() {
    let place = Place::new();
    let stack = place.up(&[]);
    let [api, database] = stack.ports();
    let listening = std::fs::read_to_string("/proc/net/tcp").unwrap();
    for port in [api, database] {
        let line = listening
            .lines()
            .find(|line| {
                line.split_whitespace()
                    .nth(1)
                    .is_some_and(|local| local.ends_with(&format!(":{port:04X}")))
                    && line.contains(" 0A ")
            })
            .unwrap_or_else(|| panic!("nobody listens on {port}"));
        assert!(
            line.contains("0100007F:"),
            "{port} listens beyond 127.0.0.1: {line}"
        );
    }
    let v6 = std::fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    assert!(![api, database].iter().any(|port| v6.contains(&format!(
        ":{port:04X} 00000000000000000000000000000000:0000 0A"
    ))));
    stack.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_without_a_schema_land_where_the_banner_says() {
    let place = Place::new();
    let stack = place.up(&[]);
    let schema_of = async |url: &str| -> String {
        let mut connection = PgConnection::connect(url).await.unwrap();
        for sql in ["CREATE SCHEMA IF NOT EXISTS myapp", "CREATE TABLE mine ()"] {
            sqlx::query(sql).execute(&mut connection).await.unwrap();
        }
        sqlx::query_scalar(
            "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'mine'::regclass",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap()
    };
    let url = stack.url("database_url");
    assert_eq!(schema_of(url).await, "tasker");
    let apart = format!("{url}?options=-csearch_path%3Dmyapp");
    assert_eq!(schema_of(&apart).await, "myapp");
    stack.stop();
}
