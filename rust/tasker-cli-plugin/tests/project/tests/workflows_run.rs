//! Generated workflows run to their end on a real PostgreSQL and a real server, in this process's worker.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use serde_json::{json, Value};
use tasker_contrib_axum::{NewTask, TaskerClient, TaskerConfig, TaskerWorker};

const LONGEST: Duration = Duration::from_secs(60);

/// A server for this test; it ends with it.
struct Stack {
    child: Child,
    database_url: String,
    url: String,
}

impl Stack {
    fn start() -> Self {
        let program = env::var("TASKER_DEV_BIN").expect("TASKER_DEV_BIN: a built tasker-dev");
        let mut child = Command::new(program)
            // Its standard input ends with this process, even if that is killed.
            .args(["up", "--json", "--until-stdin-ends"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("tasker-dev starts");
        let mut line = String::new();
        let out = child.stdout.as_mut().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).expect("tasker-dev says that it is ready");
        let text = |key: &str| ready[key].as_str().expect("a URL").to_owned();
        Self {
            database_url: text("database_url"),
            url: text("orchestration_url"),
            child,
        }
    }

    async fn get(&self, path: &str) -> Value {
        let answer = reqwest::get(format!("{}/v1/tasks{path}", self.url)).await;
        answer.expect("an answer").json().await.expect("JSON")
    }

    /// The end state of a new task, and state and result of each of its steps.
    async fn run(&self, name: &str, namespace: &str) -> (String, BTreeMap<String, Value>) {
        let client = TaskerClient::new(self.url.as_str()).expect("a URL");
        let task = NewTask::new(namespace, name, json!({"reference": "A-1"}));
        let id = client.create_task(task).await.expect("a task").task_uuid;
        let end = Instant::now() + LONGEST;
        let status = loop {
            let task = self.get(&format!("/{id}")).await;
            let status = task["status"].as_str().unwrap_or_default();
            if ["complete", "error", "blocked_by_failures"].contains(&status) {
                break status.to_owned();
            }
            assert!(Instant::now() < end, "{task:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let steps = self.get(&format!("/{id}/workflow_steps")).await;
        let steps = steps.as_array().expect("steps").iter().map(|step| {
            let name = step["name"].as_str().expect("a name").to_owned();
            (
                name,
                json!([step["current_state"], step["results"]["result"]]),
            )
        });
        (status, steps.collect())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.child.wait();
    }
}

/// Values of a key in a generated template, which is written one key to a line.
fn values(template: &str, key: &str) -> Vec<String> {
    let lines = template
        .lines()
        .map(|line| line.trim_start_matches([' ', '-']));
    lines
        .filter_map(|line| Some(line.strip_prefix(key)?.trim().to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn they_run_to_complete() {
    let tasks = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/tasks");
    let folder = env::temp_dir().join(format!("generated-workflows-{}", std::process::id()));
    fs::create_dir(&folder).expect("a new folder");
    let mut templates = Vec::new();
    for entry in fs::read_dir(tasks).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if name.ends_with("_workflow.yaml") || name == "loop.yaml" {
            let text = fs::read_to_string(&path).expect("a text");
            fs::write(folder.join(&*name), &text).expect("a copy");
            templates.push(text);
        }
    }
    assert!(!templates.is_empty());
    let stack = Stack::start();
    let config = TaskerConfig::new()
        .set("database.url", stack.database_url.as_str())
        .set("database.pool_size", 10)
        .set("database.min_connections", 1)
        .set("orchestration.url", stack.url.as_str())
        // The only worker of its namespaces, so the fast way is right.
        .set("worker.delivery", "Hybrid")
        .templates(&folder);
    let worker = TaskerWorker::builder().handlers(generated::handlers::workflows());
    let worker = worker.config(config).build().await.expect("a worker");
    for template in &templates {
        let mut names = values(template, "name:");
        let namespace = values(template, "namespace_name:").remove(0);
        let name = names.remove(0);
        let (status, steps) = stack.run(&name, &namespace).await;
        assert_eq!(status, "complete", "{name}: {steps:#?}");
        let expected = names
            .into_iter()
            .map(|step| (step, json!(["complete", {"reference": "A-1"}])));
        assert_eq!(steps, expected.collect(), "{name}");
    }
    assert_eq!(worker.stop().await.cut, [""; 0]);
    fs::remove_dir_all(folder).expect("an own folder");
}
