//! What a scheduler creates, by a clock of its own.

use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{json, Value};

use super::*;

/// 2026-12-01T12:00:00Z.
const START: i64 = 1_796_126_400;
const HOUR: i64 = 3600;

#[derive(Clone, Default)]
struct Double {
    tasks: Arc<Mutex<Vec<Value>>>,
    refuses: Arc<Mutex<bool>>,
}

#[derive(serde::Deserialize)]
struct Asked {
    initiator: String,
}

/// A server that takes a context once, as Core does, and lists by initiator.
impl Double {
    async fn start() -> (Self, TaskerClient) {
        let double = Self::default();
        let app = Router::new()
            .route("/v1/tasks", get(Self::list).post(Self::create))
            .with_state(double.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let client = TaskerClient::builder(url).max_retries(0).build().unwrap();
        (double, client)
    }

    async fn list(State(double): State<Self>, Query(asked): Query<Asked>) -> Json<Value> {
        let tasks = double.tasks.lock().unwrap();
        let found: Vec<_> = tasks
            .iter()
            .filter(|task| task["initiator"] == asked.initiator)
            .collect();
        Json(json!({"tasks": found, "pagination": {}}))
    }

    async fn create(
        State(double): State<Self>,
        Json(mut task): Json<Value>,
    ) -> (StatusCode, Json<Value>) {
        let mut tasks = double.tasks.lock().unwrap();
        let no = |code: &str| Json(json!({"error": {"code": code, "message": "no"}}));
        if *double.refuses.lock().unwrap() {
            return (StatusCode::UNPROCESSABLE_ENTITY, no("INVALID"));
        }
        if tasks
            .iter()
            .any(|other| other["context"] == task["context"])
        {
            return (StatusCode::CONFLICT, no("CONFLICT"));
        }
        task["task_uuid"] = json!(uuid::Uuid::new_v4());
        task["status"] = json!("pending");
        tasks.push(task.clone());
        (StatusCode::OK, Json(task))
    }

    fn slots(&self) -> Vec<String> {
        let tasks = self.tasks.lock().unwrap();
        let slot =
            |task: &Value| task["context"]["scheduled_for"].as_str().unwrap()[5..16].to_owned();
        tasks.iter().map(slot).collect()
    }
}

struct World {
    server: Double,
    client: TaskerClient,
    folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let (server, client) = Double::start().await;
        let folder = tempfile::tempdir().unwrap();
        Self {
            server,
            client,
            folder,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("schedules.yaml")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }

    fn scheduler(&self, keys: &str) -> Scheduler {
        self.write(&format!("s: {{task: ns/t, {keys}}}"));
        let schedules = load(self.path()).unwrap();
        let mut scheduler = Scheduler {
            client: self.client.clone(),
            path: self.path(),
            stamp: None,
            progress: Vec::new(),
        };
        scheduler.take(schedules, START);
        scheduler
    }

    fn problems(&self, text: &str) -> String {
        self.write(text);
        let error = load(self.path()).unwrap_err().to_string();
        error.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

#[test]
fn slots_are_those_of_all_languages() {
    let cases = include_str!("../../../../xtask/contract/schedule-cases/cases.json");
    let cases: Vec<Value> = serde_json::from_str(cases).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schedules.yaml");
    for case in cases {
        let mut keys = json!({"task": "ns/t"});
        for key in ["cron", "every", "time_zone"] {
            // Of an interval there is none.
            let belongs = key != "time_zone" || case.get("cron").is_some();
            if let Some(value) = case.get(key).filter(|_| belongs) {
                keys[key] = value.clone();
            }
        }
        std::fs::write(&path, json!({"s": keys}).to_string()).unwrap();
        let schedule = load(&path).unwrap().remove(0);
        let after: jiff::Timestamp = case["after"].as_str().unwrap().parse().unwrap();
        let wanted = case["slots"].as_array().unwrap();
        let found: Vec<_> = schedule
            .slots(after.as_second())
            .take(wanted.len())
            .map(|slot| Value::String(text(slot)))
            .collect();
        assert_eq!(&found, wanted, "{}", case["name"]);
    }
}

#[tokio::test]
async fn a_task_has_its_slot_and_its_schedule() {
    let world = World::new().await;
    let mut scheduler =
        world.scheduler(r#"cron: "0 6 * * *", context: {region: eu}, missed: skip"#);
    assert_eq!(scheduler.run_once(START).await, Some(START + 18 * HOUR));
    assert_eq!(world.server.slots(), [""; 0]);
    let next = scheduler.run_once(START + 18 * HOUR).await;
    assert_eq!(next, Some(START + 42 * HOUR));
    let task = world.server.tasks.lock().unwrap()[0].clone();
    assert_eq!(
        task["context"],
        json!({"region": "eu", "scheduled_for": "2026-12-02T06:00:00Z"})
    );
    assert_eq!(task["initiator"], "schedule:s");
}

#[tokio::test]
async fn missed_slots_at_the_start() {
    for (missed, slots) in [
        ("skip", vec![]),
        ("one", vec!["12-01T10:00"]),
        ("all", vec!["12-01T02:00", "12-01T06:00", "12-01T10:00"]),
    ] {
        let world = World::new().await;
        let keys = format!(r#"cron: "0 2-22/4 * * *", missed: {missed}, missed_within: 11h"#);
        world.scheduler(&keys).run_once(START).await;
        assert_eq!(world.server.slots(), slots, "{missed}");
    }
}

#[tokio::test]
async fn two_schedulers_create_one_task_for_a_slot() {
    let world = World::new().await;
    let mut two = [world.scheduler("every: 1h"), world.scheduler("every: 1h")];
    for hour in 0..3 {
        for scheduler in &mut two {
            scheduler.run_once(START + hour * HOUR).await;
        }
    }
    assert_eq!(
        world.server.slots(),
        ["12-01T12:00", "12-01T13:00", "12-01T14:00"]
    );
}

#[tokio::test]
async fn a_changed_context_does_not_repeat_what_is_done() {
    let world = World::new().await;
    for region in ["eu", "us"] {
        let keys = format!("every: 1h, context: {{region: {region}}}");
        world.scheduler(&keys).run_once(START + 60).await;
    }
    assert_eq!(world.server.slots(), ["12-01T12:00"]);
}

#[tokio::test]
async fn what_the_server_refuses_is_tried_again_until_the_slot_is_too_old() {
    let world = World::new().await;
    let mut scheduler = world.scheduler("every: 1h, missed: all, missed_within: 90m");
    *world.server.refuses.lock().unwrap() = true;
    assert_eq!(scheduler.run_once(START).await, Some(START + 2));
    assert_eq!(scheduler.run_once(START + 1).await, Some(START + 2));
    assert_eq!(scheduler.run_once(START + 2).await, Some(START + 6));
    *world.server.refuses.lock().unwrap() = false;
    scheduler.run_once(START + 2 * HOUR).await;
    assert_eq!(world.server.slots(), ["12-01T13:00", "12-01T14:00"]);
}

#[tokio::test]
async fn a_pause_makes_nothing_up_and_other_times_begin_with_the_next_slot() {
    let world = World::new().await;
    let mut scheduler = world.scheduler("every: 1h, paused: true, missed: all");
    assert_eq!(scheduler.run_once(START).await, None);
    let later = START + 3 * HOUR + 60;
    world.write("s: {task: ns/t, every: 1h, missed: all}");
    scheduler.refresh(later);
    assert_eq!(scheduler.run_once(later).await, Some(START + 4 * HOUR));
    world.write(r#"s: {task: ns/t, cron: "0 11 * * *"}"#);
    scheduler.refresh(later);
    assert_eq!(scheduler.run_once(later).await, Some(START + 23 * HOUR));
    assert_eq!(world.server.slots(), [""; 0]);
}

#[tokio::test]
async fn a_file_with_a_mistake_changes_nothing() {
    let world = World::new().await;
    let mut scheduler = world.scheduler("every: 1h");
    world.write("s: {task: ns/t, every: x}");
    scheduler.refresh(START);
    std::fs::remove_file(world.path()).unwrap();
    scheduler.refresh(START);
    assert_eq!(scheduler.schedules().count(), 1);
}

#[tokio::test]
async fn it_runs_until_it_is_told_to_stop() {
    let world = World::new().await;
    world.write("s: {task: ns/t, every: 1s}");
    let scheduler = Scheduler::new(world.client.clone(), world.path()).unwrap();
    let created = async {
        while world.server.slots().len() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    scheduler.run(created).await;
    let slots = world.server.slots();
    assert_eq!(slots.len(), 3);
    let [schedule] = &load(world.path()).unwrap()[..] else {
        panic!("one")
    };
    let mut by_hand = schedule.clone();
    by_hand.context.insert("by".to_owned(), json!("hand"));
    create_now(&world.client, &by_hand).await.unwrap();
    assert_eq!(world.server.slots().len(), 4);
}

#[tokio::test]
async fn a_mistake_is_one_message() {
    let world = World::new().await;
    for (keys, problem) in [
        (
            r#"cron: "0 6 * *""#,
            ".cron: `0 6 * *` must have five fields",
        ),
        (
            r#"cron: "99 6 * * *""#,
            ".cron: `99 6 * * *` is not a cron line: ",
        ),
        (r#"cron: "0 0 30 2 *""#, ".cron: `0 0 30 2 *` is never due"),
        ("every: 15", ".every: must be a text, not 15"),
        (
            "every: fortnight",
            ".every: `fortnight` is not a time span; write for example 90s",
        ),
        ("every: 0s", ".every: `0s` is not a time span"),
        ("every: é", ".every: `é` is not a time span"),
        (
            "every: 1h, corn: x",
            ".corn: unknown key; did you mean `cron`?",
        ),
        (
            r#"cron: "0 6 * * *", every: 1h"#,
            ": give either cron or every",
        ),
        ("missed: one", ": give either cron or every"),
        ("every: 1h, time_zone: UTC", ".time_zone: belongs to cron"),
        (
            r#"cron: "0 6 * * *", time_zone: Europe/Pairs"#,
            ".time_zone: `Europe/Pairs` is not a time zone",
        ),
        (
            "every: 1h, missed: two",
            ".missed: must be skip, one or all, not `two`",
        ),
        (
            "every: 1h, version: 1.0",
            ".version: must be a text, not 1.0",
        ),
        (
            "every: 1h, context: [1]",
            ".context: must be an object, not [1]",
        ),
        (
            "every: 1h, paused: maybe",
            ".paused: must be true or false, not \"maybe\"",
        ),
        (
            "every: 1h, context: {scheduled_for: x}",
            ".context: scheduled_for is the slot's time",
        ),
    ] {
        let found = world.problems(&format!("s: {{task: ns/t, {keys}}}"));
        assert!(
            found.contains(&format!("schedules.yaml: s{problem}")),
            "{found}"
        );
        assert_eq!(found.matches("schedules.yaml: ").count(), 1, "{found}");
    }
    let found = world.problems("a: {task: t, every: 1h}\nc: 7\n");
    assert!(
        found.contains("schedules.yaml: a.task: `t` must be namespace/name"),
        "{found}"
    );
    assert!(
        found.contains("schedules.yaml: c: must have keys"),
        "{found}"
    );
    assert!(world.problems("a: [").contains("is not YAML"));
    assert!(world
        .problems("7")
        .contains("must have a schedule's name at the top"));
    std::fs::remove_file(world.path()).unwrap();
    assert!(load(world.path())
        .unwrap_err()
        .to_string()
        .contains("cannot be read"));
}
