//! Reads the shared cases and makes handlers of their behaviours.
#![allow(dead_code)] // each test program uses a part

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{json, Value};
use tasker_contrib_axum::{
    Batch, Batches, Decision, FromStep, Handlers, IntoResult, Step, StepError,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub about: String,
    #[serde(default)]
    pub server: bool,
    pub context: Value,
    pub template: Value,
    pub handlers: BTreeMap<String, Value>,
    pub expect: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub status: Value,
    pub order: Option<Vec<String>>,
    #[serde(default)]
    pub steps: BTreeMap<String, Value>,
    #[serde(default)]
    pub absent: Vec<String>,
    #[serde(default)]
    pub problems: Vec<String>,
}

/// All cases with their file names.
pub fn all() -> Vec<(String, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/contract/workflow-cases");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            // Merge keys and anchors are for people; a plain tree is for us.
            let tree: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
            let case = serde_yaml::from_value(tree);
            let case = case.unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, case)
        })
        .collect()
}

/// Whether a value has at least what is expected of it.
pub fn contains(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Object(value), Value::Object(expected)) => expected
            .iter()
            .all(|(key, part)| value.get(key).is_some_and(|value| contains(value, part))),
        (Value::Number(value), Value::Number(expected)) => value.as_f64() == expected.as_f64(),
        _ => value == expected,
    }
}

/// The handlers of a case; each callable gets a prefix, so that the cases fit beside each other.
pub fn handlers(case: &Case, prefix: &str) -> Handlers {
    case.handlers
        .iter()
        .fold(Handlers::new(), |handlers, (callable, script)| {
            let script = script.clone();
            let handler = move |step: Step| behave(script.clone(), step);
            handlers.add(format!("{prefix}{callable}"), handler)
        })
}

async fn behave(script: Value, step: Step) -> Result<Value, StepError> {
    let cursor = step.core().workflow_step.inputs.clone().unwrap_or_default()["cursor"].clone();
    let turns = match &script {
        Value::Object(by_batch) => {
            let id = cursor["batch_id"].as_str().unwrap_or_default();
            by_batch.get(id).unwrap_or(&by_batch["*"])
        }
        turns => turns,
    };
    let turns = turns.as_array().unwrap();
    let turn = usize::try_from(step.retry_count()).unwrap();
    let turn = turns.get(turn).unwrap_or_else(|| turns.last().unwrap());
    for checkpoint in turn["checkpoints"].as_array().into_iter().flatten() {
        let batch = Batch::from_step(&step, &())?;
        batch.checkpoint(checkpoint.as_u64().unwrap()).await?;
    }
    if let Some(failure) = turn.get("fail") {
        let message = failure["message"].as_str().unwrap();
        return Err(if failure["retryable"] == true {
            StepError::retryable(message)
        } else {
            StepError::permanent(message)
        });
    }
    if let Some(steps) = turn.get("route") {
        let steps: Vec<String> = serde_json::from_value(steps.clone()).unwrap();
        return Decision::steps(steps).into_result();
    }
    if turn.get("skip").is_some() {
        return Decision::none().into_result();
    }
    if let Some(ranges) = turn.get("batches") {
        let ranges: Vec<(u64, u64)> = serde_json::from_value(ranges.clone()).unwrap();
        let ranges = ranges.into_iter().map(|(start, end)| start..end);
        return Batches::ranges(turn["worker"].as_str().unwrap(), ranges).into_result();
    }
    if let Some(result) = turn.get("result") {
        return Ok(result.clone());
    }
    assert_eq!(turn["report"], true, "{turn}");
    let dependencies: BTreeMap<&str, &Value> = step
        .ancestors()
        .into_iter()
        .map(|name| (name, step.result(name).unwrap()))
        .collect();
    Ok(json!({
        "context": step.context(),
        "config": step.config(),
        "attempts": step.retry_count(),
        "max_attempts": step.max_attempts(),
        "dependencies": dependencies,
        "range": [cursor["start_cursor"], cursor["end_cursor"]],
        "is_no_op": step.is_no_op(),
    }))
}
