//! A server with its database, a template, and a worker that a test moves by hand.

use std::fs::File;
use std::future::Future;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::Connection as _;
use tasker_recovery::{Pass, Recovered, Settings};
use tasker_shared::models::core::task_template::TaskTemplate;
use uuid::Uuid;

/// Generous: a loaded machine must not fail a test.
const PATIENCE: Duration = Duration::from_secs(60);
const NAMESPACE: &str = "recovery";
const TEMPLATE: &str = include_str!("template.yaml");

pub struct Bed {
    child: Child,
    log: File,
    pub database_url: String,
    server_url: String,
    pub sql: PgConnection,
}

impl Bed {
    /// A server whose database has our schema, without anybody who looks.
    pub async fn new() -> Self {
        let bed = Self::bare().await;
        tasker_recovery::install(&bed.database_url).await.unwrap();
        bed
    }

    /// A server as Core has it.
    pub async fn bare() -> Self {
        let program = std::env::var("TASKER_DEV_BIN").expect(
            "TASKER_DEV_BIN: run `cargo xtask test --unit ops/recovery-tests`, or set it to a built tasker-dev",
        );
        // What the server logs about refused transitions is expected; it is shown when a test fails.
        let log = tempfile::tempfile().unwrap();
        let mut child = Command::new(program)
            .args(["up", "--json", "--until-stdin-ends", "--no-recovery"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone().unwrap())
            .spawn()
            .expect("tasker-dev starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: Value = serde_json::from_str(&line).expect("tasker-dev says that it is ready");
        let text = |key: &str| ready[key].as_str().unwrap().to_owned();
        let database_url = text("database_url");
        let mut sql = connect(&database_url, "test").await;
        register(&mut sql).await;
        Self {
            child,
            log,
            server_url: text("orchestration_url"),
            sql,
            database_url,
        }
    }

    /// Makes a task; the server enqueues its first step at once.
    pub async fn create(&self, template: &str) -> Uuid {
        let nonce = Uuid::new_v4().to_string();
        let request = json!({"name": template, "namespace": NAMESPACE, "version": "1.0.0", "context": {"nonce": nonce},
            "initiator": "test", "source_system": "test", "reason": "test", "requested_at": "2026-01-01T00:00:00"});
        let answer = self.call("POST", "/v1/tasks", &request).await;
        let id: String = if answer["error"]["code"] == "DATABASE_ERROR" {
            // The server started it twice and lost against itself: the task is there all the same.
            let mut sql = connect(&self.database_url, "test").await;
            let by_nonce = "select task_uuid::text from tasker.tasks where context->>'nonce' = $1";
            let found = sqlx::query_scalar(by_nonce).bind(&nonce);
            found.fetch_one(&mut sql).await.expect("the task is there")
        } else {
            let id = answer["task_uuid"].as_str();
            id.unwrap_or_else(|| panic!("{answer}")).to_owned()
        };
        id.parse().unwrap()
    }

    /// A call of the server's API. There is no HTTP client among our dependencies, and these requests are simple.
    pub async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let address = self.server_url.strip_prefix("http://").unwrap().to_owned();
        let text = body.to_string();
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        );
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        })
        .await
        .unwrap();
        let body = answer
            .split_once("\r\n\r\n")
            .expect("an answer has a body")
            .1;
        serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"))
    }

    /// A worker process called like this: a connection that claims and answers as Core's worker does.
    pub async fn worker(&self, name: &str) -> Worker {
        Worker {
            sql: connect(&self.database_url, name).await,
            pool: Vec::new(),
        }
    }

    /// A pass that takes for settled what is older than a moment, and for dead who has no session now.
    pub async fn pass(&mut self) -> Vec<Recovered> {
        let settings = quick();
        Pass::new(&settings)
            .run(&mut self.sql)
            .await
            .unwrap()
            .expect("nobody else works")
    }

    /// Passes until a condition holds; gives everything they did.
    pub async fn pass_until(
        &mut self,
        what: &str,
        mut holds: impl AsyncFnMut(&mut PgConnection) -> bool,
    ) -> Vec<Recovered> {
        let deadline = Instant::now() + PATIENCE;
        let mut all = Vec::new();
        loop {
            all.extend(self.pass().await);
            if holds(&mut self.sql).await {
                return all;
            }
            assert!(
                Instant::now() < deadline,
                "waited too long for {what}; passes did {all:#?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn task_state(&mut self, task: Uuid) -> String {
        task_state(&mut self.sql, task).await
    }

    /// The step's id and state.
    pub async fn step(&mut self, task: Uuid, name: &str) -> (Uuid, String) {
        step(&mut self.sql, task, name).await
    }

    /// Waits until a step is in a state.
    pub async fn wait_for_step(&mut self, task: Uuid, name: &str, state: &str) -> Uuid {
        let sql = &mut self.sql;
        wait_for(&format!("step {name} to be {state}"), async || {
            let (id, now) = step(sql, task, name).await;
            (now == state).then_some(id)
        })
        .await
    }

    /// Takes the server away, as `kill -STOP` would: what it would do now does not happen.
    pub fn stop_server(&self) {
        self.signal("STOP");
    }

    pub fn resume_server(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(status.success());
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.signal("CONT");
        // tasker-dev stops everything when its standard input ends.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
        if std::thread::panicking() {
            let mut text = String::new();
            let _ = self.log.rewind();
            let _ = self.log.read_to_string(&mut text);
            let lines: Vec<&str> = text.lines().collect();
            eprintln!(
                "the server's last lines:\n{}",
                lines[lines.len().saturating_sub(15)..].join("\n")
            );
        }
    }
}

/// Short times: tests make states by hand and do not wait for them to settle.
pub fn quick() -> Settings {
    Settings {
        interval: Duration::from_millis(20),
        grace: Duration::from_millis(600),
        settle: Duration::from_millis(300),
        margin: Duration::from_millis(300),
        lease: Duration::from_secs(3600),
        ..Settings::default()
    }
}

pub async fn connect(url: &str, name: &str) -> PgConnection {
    let options: PgConnectOptions = url.parse().unwrap();
    PgConnection::connect_with(&options.application_name(name))
        .await
        .unwrap()
}

/// Waits for a condition instead of a time.
pub async fn wait_for<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Everything that happened, and the messages that wait: what a failure needs.
async fn history(sql: &mut PgConnection) -> String {
    let lines: Vec<String> = sqlx::query_scalar(
        "select at || ' ' || what from (
             select created_at at time zone 'UTC' as at, 'task ' || coalesce(from_state, '-') || ' > ' || to_state as what from tasker.task_transitions
             union all
             select created_at at time zone 'UTC', 'step ' || workflow_step_uuid || ' ' || coalesce(from_state, '-') || ' > ' || to_state
               from tasker.workflow_step_transitions
             union all
             select at, 'recovery ' || kind || ': ' || coalesce(detail, '') from tasker_contrib.recovered
             union all
             select enqueued_at, 'message to a worker, visible at ' || vt from pgmq.q_worker_recovery_queue
             union all
             select enqueued_at, 'message to the server, visible at ' || vt from pgmq.q_orchestration_step_results
         ) event order by at",
    )
    .fetch_all(sql)
    .await
    .unwrap();
    lines.join("\n")
}

pub async fn task_state(sql: &mut PgConnection, task: Uuid) -> String {
    sqlx::query_scalar(
        "select to_state from tasker.task_transitions where task_uuid = $1::uuid and most_recent",
    )
    .bind(task.to_string())
    .fetch_one(sql)
    .await
    .unwrap()
}

pub async fn step(sql: &mut PgConnection, task: Uuid, name: &str) -> (Uuid, String) {
    let (id, state): (String, String) = sqlx::query_as(
        "select s.workflow_step_uuid::text, t.to_state from tasker.workflow_steps s
           join tasker.named_steps n using (named_step_uuid)
           join tasker.workflow_step_transitions t on t.workflow_step_uuid = s.workflow_step_uuid and t.most_recent
          where s.task_uuid = $1::uuid and n.name = $2",
    )
    .bind(task.to_string())
    .bind(name)
    .fetch_one(sql)
    .await
    .unwrap();
    (id.parse().unwrap(), state)
}

/// What a worker does at its start: the templates, and the queue of the namespace.
async fn register(sql: &mut PgConnection) {
    for text in TEMPLATE.split("\n---\n") {
        let template = TaskTemplate::from_yaml(text).unwrap();
        let steps: Vec<String> = template
            .steps
            .iter()
            .map(|step| step.name.clone())
            .collect();
        sqlx::raw_sql("insert into tasker.task_namespaces (name, created_at, updated_at) values ('recovery', now(), now()) on conflict do nothing")
            .execute(&mut *sql)
            .await
            .unwrap();
        sqlx::query(
            "with kind as (
                insert into tasker.named_tasks (task_namespace_uuid, name, version, configuration, created_at, updated_at)
                select task_namespace_uuid, $1, '1.0.0', $2::jsonb, now(), now() from tasker.task_namespaces where name = 'recovery'
                returning named_task_uuid),
             steps as (
                insert into tasker.named_steps (name, created_at, updated_at) select unnest($3::text[]), now(), now()
                on conflict (name) do update set updated_at = now() returning named_step_uuid)
             insert into tasker.named_tasks_named_steps (named_task_uuid, named_step_uuid, created_at, updated_at)
             select named_task_uuid, named_step_uuid, now(), now() from kind, steps",
        )
        .bind(&template.name)
        .bind(serde_json::to_string(&template).unwrap())
        .bind(&steps)
        .execute(&mut *sql)
        .await
        .unwrap();
    }
    sqlx::raw_sql("select pgmq.create('worker_recovery_queue')")
        .execute(&mut *sql)
        .await
        .unwrap();
}

/// A worker's connection.
pub struct Worker {
    pub sql: PgConnection,
    /// Its other connections.
    pub pool: Vec<PgConnection>,
}

impl Worker {
    /// What Core's worker writes when it claims a step: the transition, then the marks, then the message is archived.
    pub async fn claim(&mut self, step: Uuid) -> Result<(), sqlx::Error> {
        self.transition(step, "enqueued", "in_progress", &json!({"type": "Start"}))
            .await?;
        self.run("update tasker.workflow_steps set in_process = true, attempts = coalesce(attempts, 0) + 1 where workflow_step_uuid = $1::uuid", step).await?;
        self.run("select pgmq.archive('worker_recovery_queue', msg_id) from pgmq.q_worker_recovery_queue where message->>'step_uuid' = $1", step).await
    }

    /// The same for an answer: the transition, the result, the message.
    pub async fn answer(&mut self, step: Uuid) -> Result<(), sqlx::Error> {
        self.answer_without_message(step).await?;
        self.run(
            "select tasker.pgmq_send_with_notify('orchestration_step_results', jsonb_build_object('task_uuid', task_uuid, 'step_uuid', workflow_step_uuid,
                'correlation_id', correlation_id)) from tasker.workflow_steps join tasker.tasks using (task_uuid) where workflow_step_uuid = $1::uuid",
            step,
        )
        .await
    }

    /// As far as a worker comes that dies before its message.
    pub async fn answer_without_message(&mut self, step: Uuid) -> Result<(), sqlx::Error> {
        self.answer_without_result(step).await?;
        sqlx::query("update tasker.workflow_steps set in_process = false, results = $2::jsonb where workflow_step_uuid = $1::uuid")
            .bind(step.to_string())
            .bind(success_of(step).to_string())
            .execute(&mut self.sql)
            .await
            .map(drop)
    }

    /// As far as a worker comes that dies before it writes its result into the step's row.
    pub async fn answer_without_result(&mut self, step: Uuid) -> Result<(), sqlx::Error> {
        let event = json!({"type": "EnqueueForOrchestration", "data": success_of(step)});
        self.transition(step, "in_progress", "enqueued_for_orchestration", &event)
            .await
    }

    pub async fn transition(
        &mut self,
        step: Uuid,
        from: &str,
        to: &str,
        event: &Value,
    ) -> Result<(), sqlx::Error> {
        let mut transaction = self.sql.begin().await?;
        transition(&mut transaction, step, from, to, event).await?;
        transaction.commit().await
    }

    async fn run(&mut self, sql: &str, step: Uuid) -> Result<(), sqlx::Error> {
        sqlx::query(sql)
            .bind(step.to_string())
            .execute(&mut self.sql)
            .await
            .map(drop)
    }

    /// Claims and answers whatever comes until a task has ended; gives how often a step was claimed.
    pub async fn work_until(
        &mut self,
        what: &str,
        mut ended: impl AsyncFnMut(&mut PgConnection) -> bool,
    ) -> Vec<Uuid> {
        let mut claimed = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while !ended(&mut self.sql).await {
            let waiting: Vec<String> = sqlx::query_scalar("select message->>'step_uuid' from pgmq.q_worker_recovery_queue where vt <= clock_timestamp()")
                .fetch_all(&mut self.sql)
                .await
                .unwrap();
            for step in waiting.iter().map(|id| id.parse().unwrap()) {
                if self.claim(step).await.is_ok() {
                    claimed.push(step);
                    self.answer(step).await.unwrap();
                }
            }
            if Instant::now() > deadline {
                panic!(
                    "waited too long for {what}:\n{}",
                    history(&mut self.sql).await
                );
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        claimed
    }
}

fn success_of(step: Uuid) -> Value {
    json!({"step_uuid": step, "success": true, "status": "completed", "result": {"done": true}, "error": null,
        "metadata": {"execution_time_ms": 1, "retryable": false, "completed_at": "2026-12-01T00:00:00Z", "custom": {}, "context": {}},
        "orchestration_metadata": null})
}

/// As `WorkflowStepTransition::create` of Core.
pub async fn transition(
    sql: &mut PgConnection,
    step: Uuid,
    from: &str,
    to: &str,
    event: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query("update tasker.workflow_step_transitions set most_recent = false where workflow_step_uuid = $1::uuid and most_recent")
        .bind(step.to_string())
        .execute(&mut *sql)
        .await?;
    sqlx::query(
        "insert into tasker.workflow_step_transitions (workflow_step_uuid, from_state, to_state, metadata, sort_key, most_recent, created_at, updated_at)
         select $1::uuid, $2, $3, jsonb_build_object('event', $4), coalesce(max(sort_key), 0) + 1, true, now(), now()
           from tasker.workflow_step_transitions where workflow_step_uuid = $1::uuid",
    )
    .bind(step.to_string())
    .bind(from)
    .bind(to)
    .bind(event.to_string())
    .execute(&mut *sql)
    .await
    .map(drop)
}

/// Runs passes beside something else.
pub async fn beside<T>(url: &str, work: impl Future<Output = T>) -> T {
    let settings = quick();
    let monitor = tasker_recovery::Monitor::new();
    tokio::select! {
        result = tasker_recovery::run(url, &settings, &monitor, std::future::pending()) => panic!("{result:?}"),
        done = work => done,
    }
}
