//! One scenario: create its tasks through the app, wait for their end, compare.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

use super::app::Running;
use super::expect::{differences, step_differences};
use super::spec::{fill, Example, Scenario};
use super::timeline::{self, Step};
use crate::error::{Error, Result};
use crate::http::{Answer, Http};
use crate::interrupt::Interrupt;

/// States in which a task stays. From `blocked_by_failures` it can go on only to `error` or by an operator's hand.
const ENDS: [&str; 5] = [
    "complete",
    "error",
    "cancelled",
    "resolved_manually",
    "blocked_by_failures",
];
const POLL: Duration = Duration::from_millis(25);

/// What came out of one scenario.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// From the first creation to the last check, in milliseconds.
    pub duration_ms: u64,
    /// Its tasks, in the order of creation.
    pub tasks: Vec<Task>,
    /// What the checks' endpoints answered for a user's own file, where nothing exact can be expected.
    pub answers: Vec<Answered>,
    /// Everything that was not as expected; empty is success.
    pub differences: Vec<String>,
}

/// The answer to one GET.
#[derive(Debug, Serialize)]
pub struct Answered {
    /// What was asked for.
    pub path: String,
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Value,
}

/// One task of a scenario.
#[derive(Debug, Serialize)]
pub struct Task {
    /// Its id.
    pub task_uuid: String,
    /// Its last state.
    pub status: String,
    /// Its steps in the order in which they ran.
    pub steps: Vec<Step>,
}

impl Outcome {
    /// Whether everything was as expected.
    pub fn is_ok(&self) -> bool {
        self.differences.is_empty()
    }
}

/// What a scenario runs against.
pub struct Runner<'a> {
    /// The repository, for messages.
    pub root: &'a std::path::Path,
    /// The example.
    pub example: &'a Example,
    /// The app's base URL.
    pub url: String,
    /// The client.
    pub http: Http,
    /// Ctrl-C.
    pub interrupt: &'a Interrupt,
    /// Whether a user's own file is run, so that only the end state can be expected.
    pub own_input: Option<String>,
}

impl Runner<'_> {
    /// Runs one scenario.
    ///
    /// # Errors
    /// When it cannot be run at all: the app died, or Ctrl-C. What is not as expected is in the outcome.
    pub fn run(&self, scenario: &Scenario, app: &mut Running) -> Result<Outcome> {
        let started = Instant::now();
        let body = self.body(scenario)?;
        let mut outcome = Outcome {
            name: scenario.name.clone(),
            about: scenario.about.clone(),
            duration_ms: 0,
            tasks: Vec::new(),
            answers: Vec::new(),
            differences: Vec::new(),
        };
        if let Some(name) = &self.own_input {
            outcome.about = format!("{name}; only the end state is compared");
        }
        for _ in 0..scenario.repeat {
            let id = match self.create(&body) {
                Ok(id) => id,
                Err(why) => {
                    app.check_alive()?;
                    outcome.differences.push(why);
                    break;
                }
            };
            let task = self.wait(scenario, &id, app)?;
            self.compare(scenario, &task, &mut outcome)?;
        }
        if let Some(id) = outcome.tasks.last().map(|task| task.task_uuid.clone()) {
            for check in &scenario.checks {
                if self.own_input.is_some() {
                    outcome.answers.extend(self.ask(check, &body, &id)?);
                } else {
                    outcome.differences.extend(self.check(check, &body, &id)?);
                }
            }
        }
        outcome.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(outcome)
    }

    /// What the app says about a user's own file.
    fn ask(
        &self,
        check: &super::spec::Check,
        body: &Map<String, Value>,
        id: &str,
    ) -> Result<Option<Answered>> {
        let path = self.path(&check.get, body, id)?;
        let answer = self.http.get(&format!("{}{path}", self.url)).ok();
        Ok(answer.map(|answer| Answered {
            path,
            status: answer.status,
            body: answer.body,
        }))
    }

    fn body(&self, scenario: &Scenario) -> Result<Map<String, Value>> {
        let mut body = self.example.json_object(self.root, &scenario.body)?;
        if let (Some(name), Some(input)) = (&self.own_input, &self.example.input) {
            body.insert(input.body.clone(), name.clone().into());
        }
        Ok(body)
    }

    fn create(&self, body: &Map<String, Value>) -> Result<String, String> {
        let path = &self.example.http.create;
        let answer = self
            .http
            .post(&format!("{}{path}", self.url), &Value::Object(body.clone()))
            .map_err(|why| format!("POST {path}: {why}"))?;
        match answer.body["task_uuid"].as_str() {
            Some(id) if answer.is_success() => Ok(id.to_owned()),
            _ => Err(format!(
                "POST {path} answered {} {}, and no task_uuid",
                answer.status, answer.body
            )),
        }
    }

    /// Polls the task through the app until it stays in a state, or its time is over.
    fn wait(&self, scenario: &Scenario, id: &str, app: &mut Running) -> Result<Value> {
        let path = self.path(&self.example.http.task, &Map::new(), id)?;
        let url = format!("{}{path}", self.url);
        let deadline = Instant::now() + Duration::from_secs(scenario.timeout_seconds);
        loop {
            let answer = self.http.get(&url);
            let ended = |answer: &Answer| {
                answer.body["status"]
                    .as_str()
                    .is_some_and(|status| ENDS.contains(&status))
            };
            match answer {
                Ok(answer) if ended(&answer) => return Ok(answer.body),
                Ok(answer) if Instant::now() > deadline => return Ok(answer.body),
                Err(why) if Instant::now() > deadline => return Ok(Value::String(why)),
                _ => {}
            }
            app.check_alive()?;
            if self.interrupt.is_set() {
                return Err(Error::Interrupted);
            }
            std::thread::sleep(POLL);
        }
    }

    fn compare(&self, scenario: &Scenario, task: &Value, outcome: &mut Outcome) -> Result<()> {
        let no_steps = Vec::new();
        let steps = task["steps"].as_array().unwrap_or(&no_steps);
        let status = task["status"].as_str().unwrap_or("unknown").to_owned();
        let accepted = scenario.expect.status.words();
        if !accepted.contains(&status.as_str()) {
            let after = if ENDS.contains(&status.as_str()) {
                String::new()
            } else {
                format!(" after {} s", scenario.timeout_seconds)
            };
            outcome.differences.push(format!(
                "task: expected {}, found {status}{after}",
                accepted.join(" or ")
            ));
        }
        if let (Some(file), None) = (&scenario.expect.steps, &self.own_input) {
            let expected = self.example.json_object(self.root, file)?;
            outcome
                .differences
                .extend(step_differences(&expected, steps));
        }
        outcome.tasks.push(Task {
            task_uuid: task["task_uuid"].as_str().unwrap_or_default().to_owned(),
            status,
            steps: timeline::of(task, steps),
        });
        Ok(())
    }

    fn check(
        &self,
        check: &super::spec::Check,
        body: &Map<String, Value>,
        id: &str,
    ) -> Result<Vec<String>> {
        let path = self.path(&check.get, body, id)?;
        let answer = match self.http.get(&format!("{}{path}", self.url)) {
            Ok(answer) => answer,
            Err(why) => return Ok(vec![format!("GET {path}: {why}")]),
        };
        if answer.status != check.status {
            return Ok(vec![format!(
                "GET {path}: expected {}, found {} {}",
                check.status, answer.status, answer.body
            )]);
        }
        match &check.json {
            Some(file) => Ok(differences(
                &format!("GET {path}: "),
                &self.example.json_file(self.root, file)?,
                &answer.body,
            )),
            None => Ok(Vec::new()),
        }
    }

    fn path(&self, template: &str, body: &Map<String, Value>, id: &str) -> Result<String> {
        let value = |name: &str| match name.strip_prefix("body.") {
            Some(key) => body.get(key).map(|value| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            }),
            None => (name == "task_uuid").then(|| id.to_owned()),
        };
        fill(template, value).map_err(|name| Error::BadFile {
            file: self.example.folder.join(super::spec::FILE),
            line: None,
            why: format!("`{{{name}}}` in {template:?} stands for nothing"),
            fix: Some("use {task_uuid} or {body.KEY} with a key of the scenario's body".into()),
        })
    }
}
