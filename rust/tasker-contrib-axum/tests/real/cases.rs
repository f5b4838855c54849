//! The shared workflow cases that say so come out on the real server as they do in memory.

use serde_json::{json, Value};
use tasker_contrib_axum::{Handlers, NewTask, TaskerClient, TaskerWorker};

use crate::shared::{all, contains, handlers, Case};
use crate::stack::Stack;
use crate::ALONE;

/// The template with callables of its own, so that all cases fit into one worker.
fn template(prefix: &str, case: &Case) -> Value {
    let mut template = case.template.clone();
    for step in template["steps"].as_array_mut().unwrap() {
        let callable = step["handler"]["callable"].as_str().unwrap();
        step["handler"]["callable"] = json!(format!("{prefix}{callable}"));
    }
    template
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shared_cases_come_out_as_in_memory() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start();
    let cases: Vec<_> = all().into_iter().filter(|(_, case)| case.server).collect();
    assert!(cases.len() >= 8, "only {}", cases.len());
    let folder = tempfile::TempDir::new().unwrap();
    let mut handlers_of_all = Handlers::new();
    for (file, case) in &cases {
        let prefix = format!("{}.", file.trim_end_matches(".yaml"));
        let text = serde_yaml::to_string(&template(&prefix, case)).unwrap();
        std::fs::write(folder.path().join(file), text).unwrap();
        handlers_of_all = handlers_of_all.merge(handlers(case, &prefix));
    }
    let config = stack.config().templates(folder.path());
    let client = TaskerClient::from_config(&config).unwrap();
    let builder = TaskerWorker::builder()
        .config(config)
        .handlers(handlers_of_all);
    let worker = builder.build().await.unwrap();
    let mut tasks = Vec::new();
    for (file, case) in cases {
        let name = case.template["name"].as_str().unwrap();
        let context = case.context.clone();
        let task = NewTask::new("cases", name, context).unique();
        tasks.push((
            file,
            case,
            client.create_task(task).await.unwrap().task_uuid,
        ));
    }
    for (file, case, task) in tasks {
        let status = stack.ended(task).await;
        let allowed = match &case.expect.status {
            Value::Array(all) => all.clone(),
            one => vec![one.clone()],
        };
        assert!(allowed.contains(&json!(status)), "{file}: {status}");
        let steps = stack.steps(task).await;
        for (name, expected) in &case.expect.steps {
            let step = &steps[name];
            let seen = json!({"state": step["current_state"], "attempts": step["attempts"], "result": step["results"]["result"]});
            for key in ["state", "attempts", "result"] {
                if let Some(wanted) = expected.get(key) {
                    assert!(
                        contains(&seen[key], wanted),
                        "{file}: {name}: {key} is not {wanted}: {seen}"
                    );
                }
            }
        }
        for name in &case.expect.absent {
            assert!(steps[name].is_null(), "{file}: {name} was created");
        }
    }
    worker.stop().await;
}
