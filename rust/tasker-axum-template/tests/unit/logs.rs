use std::io::Write;
use std::sync::{Arc, Mutex};

use app::logs;
use serde_json::{json, Value};
use tracing::Level;

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn lines(level: Level, log: impl FnOnce()) -> Vec<Value> {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let subscriber = logs::subscriber(level, move || writer.clone(), None);
    tracing::subscriber::with_default(subscriber, log);
    let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn logs_are_json_with_ids_also_those_of_other_crates() {
    let found = lines(Level::INFO, || {
        let span =
            tracing::info_span!(target: "app", "request", request_id = "r-1", path = "/secret");
        span.in_scope(|| tracing::info!(target: "app::web", status = 202, "stored"));
        let span = tracing::info_span!(target: "tasker_contrib_axum::dispatch", "step", task_id = "t-1", step_id = "s-1", step = "scan", attempt = 1);
        span.in_scope(|| tracing::info!(target: "app::handlers", "scanned"));
        tracing::warn!(target: "sqlx", "from a {}", "crate");
        tracing::info!(target: "sqlx", "not shown");
        tracing::debug!(target: "app", "not shown");
    });
    let times = found.iter().map(|line| line["time"].as_str().unwrap());
    for time in times {
        chrono::DateTime::parse_from_rfc3339(time).unwrap();
    }
    let rest: Vec<Value> = found
        .into_iter()
        .map(|mut line| {
            line.as_object_mut().unwrap().remove("time");
            line
        })
        .collect();
    let expected = [
        json!({"level": "info", "target": "app::web", "message": "stored", "request_id": "r-1", "status": 202}),
        json!({"level": "info", "target": "app::handlers", "message": "scanned", "task_uuid": "t-1", "step_uuid": "s-1", "step": "scan", "attempt": 1}),
        json!({"level": "warn", "target": "sqlx", "message": "from a crate"}),
    ];
    assert_eq!(rest, expected);
}

#[test]
fn warnings_keep_their_ids_when_the_rest_is_silent() {
    let found = lines(Level::ERROR, || {
        let span = tracing::info_span!(target: "app", "request", request_id = "r-1");
        span.in_scope(|| {
            tracing::info!(target: "app", "not shown");
            tracing::error!(target: "app", "broken");
        });
        tracing::warn!(target: "sqlx", "not shown");
    });
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["request_id"], "r-1");
}
