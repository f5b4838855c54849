//! The outcome cases that all languages share, and others, against the real server: no step stays without an end.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{json, Value};
use tasker_contrib_axum::{
    Handlers, IntoResult, NewTask, Step, StepError, TaskerClient, TaskerWorker,
};

use crate::failures::run;
use crate::stack::Stack;
use crate::ALONE;

/// A handler could not even hold and drop what is deeper: its own stack ends.
const DEEPEST_HERE: u64 = 1000;

#[derive(Deserialize)]
struct File {
    retry: Value,
    cases: Vec<Case>,
}

#[derive(Clone, Deserialize)]
struct Case {
    name: String,
    does: Value,
    expect: Value,
}

fn file() -> File {
    let path = "../../xtask/contract/outcome-cases/cases.json";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What Rust has: no values that contain themselves, no texts that are not Unicode, no metadata of errors, and a message and a delay that have
/// their types.
fn is_ours(does: &Value) -> bool {
    let kind = does["return"].as_str().unwrap_or_default();
    let delay = does["delay"].as_f64();
    let ours = !["cyclic", "lone_surrogate"].contains(&kind)
        && does.get("checkpoint").is_none()
        && does.get("metadata").is_none()
        && does["levels"].as_u64().unwrap_or(0) <= DEEPEST_HERE
        && !(does["raise"] != "plain" && does["unreadable"] == true);
    ours && (does.get("delay").is_none() || delay.is_some_and(|delay| delay >= 0.0))
}

struct Unserialisable;

impl Serialize for Unserialisable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("never"))
    }
}

/// An error that cannot be read.
#[derive(Debug)]
struct Unreadable;

impl std::fmt::Display for Unreadable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("unreadable")
    }
}

impl std::error::Error for Unreadable {}

/// What panics when it is dropped, also while nobody is there to catch it.
struct Mine;

impl Drop for Mine {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

fn nested(levels: u64, around: impl Fn(Value) -> Value, innermost: Value) -> Value {
    (1..levels).fold(innermost, |inner, _| around(inner))
}

fn returned(does: &Value) -> Result<Value, StepError> {
    let levels = does["levels"].as_u64().unwrap_or(1);
    let numbers = |n| BTreeMap::from([("n", n)]);
    match does["return"].as_str().unwrap() {
        "json" => Ok(does["value"].clone()),
        "nul_value" => Ok(json!({"rows": [{"name": "a\0b"}]})),
        "nul_key" => Ok(json!({"rows": [{"na\0me": 1}]})),
        "deep_objects" => Ok(nested(levels, |inner| json!({"a": inner}), json!({}))),
        "deep_lists" => Ok(json!({"a": nested(levels - 1, |inner| json!([inner]), json!([]))})),
        "not_a_number" => numbers(f64::NAN).into_result(),
        "infinity" => numbers(f64::INFINITY).into_result(),
        "bytes" => BTreeMap::from([("data", vec![255_u8, 254])]).into_result(),
        "integer" => {
            let n: u128 = does["value"].as_str().unwrap().parse().unwrap();
            BTreeMap::from([("n", n)]).into_result()
        }
        "unserialisable" => BTreeMap::from([("at", Unserialisable)]).into_result(),
        other => panic!("no such kind: {other}"),
    }
}

fn act(does: &Value) -> Result<Value, StepError> {
    if does.get("return").is_some() {
        return returned(does);
    }
    if does["unreadable"] == true {
        Err(Unreadable)?;
    }
    let message = does["message"].as_str().unwrap_or_default();
    let mut error = match does["raise"].as_str().unwrap() {
        "plain" => return Err(std::io::Error::other(message).into()),
        "permanent" => StepError::permanent(message),
        "retryable" => StepError::retryable(message),
        other => panic!("no such kind: {other}"),
    };
    if let Some(code) = does["code"].as_str() {
        error = error.code(code);
    }
    if let Some(seconds) = does["delay"].as_f64() {
        error = error.after(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    }
    Err(error)
}

/// What can be done besides returning an error.
async fn strange(step: Step) -> Result<Value, StepError> {
    match step.context()["n"].as_u64() {
        Some(0) => std::panic::panic_any(7),
        Some(1) => std::panic::panic_any(Mine),
        Some(2) => {
            let _mine = Mine;
            Ok(json!({}))
        }
        // Dropped by its timeout.
        Some(3) => {
            let _mine = Mine;
            std::future::pending().await
        }
        Some(4) => panic!("a\0b"),
        n => panic!("{n:?}"),
    }
}

fn problem(step: &Value, expected: &Value) -> Option<String> {
    let results = &step["results"];
    let error = &results["error"];
    let outcome = if results["success"] == true {
        "completed"
    } else {
        "failed"
    };
    let delay = &results["orchestration_metadata"]["headers"]["retry-after"];
    let delay = delay.as_str().and_then(|text| text.parse::<u64>().ok());
    let seen = json!({
        "outcome": outcome, "error_type": error["error_type"], "retryable": error["retryable"], "result": results["result"],
        "delay": delay, "code": results["metadata"]["error_code"],
    });
    let wrong = expected.as_object().unwrap().iter().find(|(key, wanted)| {
        let text = error["message"].as_str().unwrap_or_default();
        match key.as_str() {
            "message" => {
                let mut parts = wanted.as_array().unwrap().iter();
                !parts.all(|part| text.contains(part.as_str().unwrap()))
            }
            key => seen[key] != **wanted,
        }
    });
    wrong.map(|(key, wanted)| format!("{key} is not {wanted}: {results}"))
}

/// A template with one step that is tried once, and one that reads its result.
fn template(name: &str, retry: &Value) -> String {
    let mut retry = retry.clone();
    retry["max_attempts"] = json!(1);
    let template = json!({
        "name": name, "namespace_name": "outcomes", "version": "1.0.0",
        "steps": [
            {"name": "h", "handler": {"callable": format!("{name}.h")}, "retry": retry, "timeout_seconds": 2},
            {"name": "after", "handler": {"callable": "after"}, "dependencies": ["h"]},
        ],
    });
    serde_yaml::to_string(&template).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_ends_with_a_reason_and_is_counted() {
    let _alone = ALONE.lock().await;
    let File { retry, cases } = file();
    let cases: Vec<Case> = cases
        .into_iter()
        .filter(|case| is_ours(&case.does))
        .collect();
    let stack = Stack::start();
    let folder = tempfile::TempDir::new().unwrap();
    let mut handlers = Handlers::new()
        .add("after", |step: Step| async move {
            Ok::<_, StepError>(step.result("h").is_some())
        })
        .add("strange.h", strange);
    std::fs::write(
        folder.path().join("strange.yaml"),
        template("strange", &retry),
    )
    .unwrap();
    for (number, Case { does, .. }) in cases.iter().enumerate() {
        let name = format!("case_{number}");
        std::fs::write(
            folder.path().join(format!("{name}.yaml")),
            template(&name, &retry),
        )
        .unwrap();
        if does["raise"] == "not_an_error" {
            handlers = handlers.add(format!("{name}.h"), strange);
            continue;
        }
        let does = does.clone();
        let handler = move || {
            let does = does.clone();
            async move { act(&does) }
        };
        handlers = handlers.add(format!("{name}.h"), handler);
    }
    let config = stack.config().templates(folder.path());
    let client = TaskerClient::from_config(&config).unwrap();
    let worker = TaskerWorker::builder()
        .config(config)
        .handlers(handlers)
        .build()
        .await
        .unwrap();

    let mut tasks = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let task = NewTask::new("outcomes", format!("case_{number}"), json!({"n": 0})).unique();
        let id = client.create_task(task).await.unwrap().task_uuid;
        tasks.push((id, case.name.clone(), case.expect.clone()));
    }
    for n in 0..5 {
        let task = NewTask::new("outcomes", "strange", json!({"n": n})).unique();
        let id = client.create_task(task).await.unwrap().task_uuid;
        tasks.push((id, format!("strange {n}"), json!({"outcome": "failed"})));
    }
    for (task, name, expected) in &tasks {
        stack.ended(*task).await;
        let step = &stack.steps(*task).await["h"];
        let either = expected["either"].as_array().cloned();
        let allowed = either.unwrap_or_else(|| vec![expected.clone()]);
        let found: Vec<_> = allowed
            .iter()
            .filter_map(|expected| problem(step, expected))
            .collect();
        assert!(found.len() < allowed.len(), "{name}: {found:#?}");
    }
    let metrics = worker.metrics();
    let counted: u64 = metrics
        .lines()
        .filter(|line| line.contains("executions_total{") && line.contains(".h\""))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(counted, tasks.len() as u64, "{metrics}");
    worker.stop().await;
}

/// The last net: whatever else the database does not take.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_the_database_refuses_fails_its_step() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("odd.yaml"), template("odd", &json!({}))).unwrap();
    let handlers = Handlers::new()
        .add("odd.h", || async {
            Ok::<_, StepError>(json!({"text": "refuse me"}))
        })
        .add("after", || async { Ok::<_, StepError>(()) });
    let config = stack.config().templates(folder.path());
    let client = TaskerClient::from_config(&config).unwrap();
    let worker = TaskerWorker::builder()
        .config(config)
        .handlers(handlers)
        .build()
        .await
        .unwrap();
    run(
        &stack,
        "CREATE FUNCTION tasker.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON tasker.workflow_step_transitions FOR EACH ROW
         WHEN (NEW.metadata::text LIKE '%refuse me%') EXECUTE FUNCTION tasker.refuse();",
    )
    .await;
    let task = client
        .create_task(NewTask::new("outcomes", "odd", ()).unique())
        .await
        .unwrap();
    stack.ended(task.task_uuid).await;
    let error = &stack.steps(task.task_uuid).await["h"]["results"]["error"];
    assert_eq!(error["error_type"], "validation_error", "{error}");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("Core refused the result"),
        "{error}"
    );
    worker.stop().await;
}
