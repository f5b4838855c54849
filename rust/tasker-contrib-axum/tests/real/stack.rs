//! A Tasker server for a test.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Seek as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use tasker_contrib_axum::{NewTask, TaskerClient, TaskerConfig};
use uuid::Uuid;

pub struct Stack {
    child: Child,
    log: File,
    pub database_url: String,
    pub url: String,
    pub grpc_url: Option<String>,
    http: reqwest::Client,
}

impl Stack {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more options of `tasker-dev up`.
    pub fn start_with(options: &[&str]) -> Self {
        let program = std::env::var("TASKER_DEV_BIN").expect(
            "TASKER_DEV_BIN: run `cargo xtask test --unit rust/tasker-contrib-axum`, or set it to a built tasker-dev",
        );
        // What the server logs is expected in tests of failures; it is shown when a test fails.
        let log = tempfile::tempfile().expect("a temporary file");
        let mut child = Command::new(program)
            // Its standard input ends with this process, even if that is killed.
            .args(["up", "--json", "--until-stdin-ends"])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone().expect("one more handle"))
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
            grpc_url: ready["grpc_url"].as_str().map(str::to_owned),
            child,
            log,
            http: reqwest::Client::new(),
        }
    }

    pub fn config(&self) -> TaskerConfig {
        TaskerConfig::new()
            .set("database.url", self.database_url.as_str())
            .set("database.pool_size", 10)
            .set("database.min_connections", 1)
            .set("orchestration.url", self.url.as_str())
            .templates(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/templates"))
    }

    /// Creates a task and returns its id. A bare call of the API is not enough: on a busy machine the server starts a task twice at times,
    /// and answers with an error although the task is there.
    pub async fn create(&self, name: &str, mut context: Value) -> Uuid {
        context["nonce"] = json!(Uuid::new_v4());
        let client = TaskerClient::new(self.url.as_str()).unwrap();
        let task = NewTask::new("axum_shop", name, context);
        client.create_task(task).await.unwrap().task_uuid
    }

    pub async fn task(&self, id: Uuid) -> Value {
        let answer = self
            .http
            .get(format!("{}/v1/tasks/{id}", self.url))
            .send()
            .await
            .unwrap();
        answer.json().await.unwrap()
    }

    /// The steps of a task by name, with what they returned.
    pub async fn steps(&self, id: Uuid) -> Value {
        let url = format!("{}/v1/tasks/{id}/workflow_steps", self.url);
        let steps: Vec<Value> = self
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        steps
            .into_iter()
            .map(|step| (step["name"].as_str().unwrap().to_owned(), step))
            .collect()
    }

    /// Waits until the task is in one of these states.
    pub async fn ended(&self, id: Uuid) -> String {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let task = self.task(id).await;
            let status = task["status"].as_str().unwrap_or_default().to_owned();
            if ["complete", "error", "blocked_by_failures"].contains(&status.as_str()) {
                return status;
            }
            assert!(Instant::now() < end, "{task:#}\n{:#}", self.steps(id).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.child.wait();
        let mut text = String::new();
        let log = &mut self.log;
        if std::thread::panicking() && log.rewind().is_ok() && log.read_to_string(&mut text).is_ok()
        {
            eprintln!("the log of tasker-dev:\n{text}");
        }
    }
}
