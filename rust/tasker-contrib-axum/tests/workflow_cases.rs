//! The cases that the helpers of all languages run: `xtask/contract/workflow-cases`.

mod cases;

use std::sync::{Arc, Mutex};

use cases::{all, contains, handlers, Case};
use serde_json::{json, Value};
use tasker_contrib_axum::testing::{Workflow, WorkflowRun};
use tasker_contrib_axum::{IdempotencyKey, StepError};
use uuid::Uuid;

fn differences(case: &Case, run: &WorkflowRun) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut claim = |holds: bool, text: String| {
        if !holds {
            wrong.push(text);
        }
    };
    let statuses = match &case.expect.status {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    };
    claim(
        statuses.contains(&json!(run.status)),
        format!("status {}, expected {statuses:?}", run.status),
    );
    if let Some(order) = &case.expect.order {
        claim(
            run.order == *order,
            format!("order {:?}, expected {order:?}", run.order),
        );
    }
    for (name, expected) in &case.expect.steps {
        let Some(step) = run.steps.iter().find(|step| step.name == *name) else {
            claim(false, format!("{name} was not created"));
            continue;
        };
        let delays: Vec<f64> = step
            .delays
            .iter()
            .map(|delay| delay.as_secs_f64())
            .collect();
        let delays: Vec<Value> = delays.into_iter().map(Value::from).collect();
        let seen = json!({"state": step.state, "attempts": step.attempts, "result": step.result, "checkpoints": step.checkpoints});
        for (key, value) in expected.as_object().unwrap() {
            let holds = match key.as_str() {
                "error" => step
                    .error
                    .as_ref()
                    .is_some_and(|error| error.message().contains(value.as_str().unwrap())),
                "delays" => {
                    let wanted = value.as_array().unwrap();
                    delays.len() == wanted.len()
                        && delays.iter().zip(wanted).all(|(a, b)| contains(a, b))
                }
                key => contains(&seen[key], value),
            };
            claim(holds, format!("{name}: {key} is not {value}: {step:?}"));
        }
    }
    for name in &case.expect.absent {
        claim(
            !run.steps.iter().any(|step| step.name == *name),
            format!("{name} was created"),
        );
    }
    for problem in &case.expect.problems {
        let told = run.problems.iter().any(|text| text.contains(problem));
        claim(told, format!("`{problem}` is not in {:?}", run.problems));
    }
    claim(
        !case.expect.problems.is_empty() || run.problems.is_empty(),
        format!("problems {:?}", run.problems),
    );
    wrong
}

#[tokio::test]
async fn every_case_comes_out_as_it_is_written() {
    let cases = all();
    assert!(cases.len() >= 20, "only {} cases", cases.len());
    for (file, case) in cases {
        let run = Workflow::from_yaml(&serde_yaml::to_string(&case.template).unwrap())
            .context(case.context.clone())
            .handlers(handlers(&case, ""))
            .run()
            .await;
        let wrong = differences(&case, &run);
        assert!(
            wrong.is_empty(),
            "{file}: {}\n  {}\n{run}",
            case.about,
            wrong.join("\n  ")
        );
    }
}

#[tokio::test]
#[should_panic(expected = "the server would not run this template as it is written")]
async fn a_run_that_core_would_do_otherwise_is_not_complete() {
    let (_, case) = all()
        .into_iter()
        .find(|(file, _)| file == "after_convergence.yaml")
        .unwrap();
    let run = Workflow::from_yaml(&serde_yaml::to_string(&case.template).unwrap())
        .handlers(handlers(&case, ""))
        .run()
        .await;
    run.assert_complete();
}

#[tokio::test]
async fn the_idempotency_key_is_the_same_in_every_attempt_and_another_for_another_step() {
    let seen: Arc<Mutex<Vec<Uuid>>> = Arc::default();
    let keys = seen.clone();
    let charge = move |key: IdempotencyKey| {
        let mut keys = keys.lock().unwrap();
        keys.push(key.0);
        let first = keys.len() == 1;
        async move {
            if first {
                return Err(StepError::retryable("busy"));
            }
            Ok(json!({}))
        }
    };
    let template = "
name: two
namespace_name: docs
version: 1.0.0
steps:
  - {name: a, handler: {callable: shop.charge}}
  - {name: b, handler: {callable: shop.charge}, dependencies: [a]}
";
    let workflow = Workflow::from_yaml(template).handler("shop.charge", charge);
    let run = workflow.run().await;
    let [a, b] = ["a", "b"].map(|name| run.step(name).idempotency_key);
    assert_eq!(*seen.lock().unwrap(), [a, a, b]);
    assert_ne!(a, b);
}
