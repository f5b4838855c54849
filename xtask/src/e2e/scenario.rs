//! One scenario: create its tasks through the app, wait for their end, compare.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

use super::app::{Running, Surroundings};
use super::chaos::Havoc;
use super::command;
use super::expect::{differences, step_differences};
use super::spec::{fill, App, Check, Example, Scenario};
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
/// A task is asked for at most so often, because each answer takes processor time from the app's own work.
const POLL_AT_MOST: Duration = Duration::from_millis(250);
/// A check that takes longer is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came out of one scenario.
#[derive(Debug, Serialize)]
pub struct Outcome {
    pub name: String,
    pub about: String,
    /// From the first creation to the last check, in milliseconds.
    pub duration_ms: u64,
    /// Its tasks, in the order of creation.
    pub tasks: Vec<Task>,
    /// What the checks' endpoints answered.
    pub answers: Vec<Answered>,
    /// Whether a user's own file was run, so that nothing exact can be expected of the answers.
    pub is_own_input: bool,
    /// Pictures that it has left, by their names in the folder of the logs.
    pub pictures: Vec<String>,
    /// What was killed, if it was a run of `--chaos`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chaos: Option<Havoc>,
    /// Everything that was not as expected; empty is success.
    pub differences: Vec<String>,
}

/// The answer to one GET.
#[derive(Debug, Serialize)]
pub struct Answered {
    /// What was asked for.
    pub path: String,
    pub status: u16,
    pub body: Value,
}

/// One task of a scenario.
#[derive(Debug, Serialize)]
pub struct Task {
    pub task_uuid: String,
    pub status: String,
    /// Its steps in the order in which they ran.
    pub steps: Vec<Step>,
}

impl Outcome {
    /// Nothing has happened yet.
    pub fn new(name: &str, about: &str) -> Self {
        Self {
            name: name.to_owned(),
            about: about.to_owned(),
            duration_ms: 0,
            tasks: Vec::new(),
            answers: Vec::new(),
            is_own_input: false,
            pictures: Vec::new(),
            chaos: None,
            differences: Vec::new(),
        }
    }

    /// Whether everything was as expected.
    pub fn is_ok(&self) -> bool {
        self.differences.is_empty()
    }
}

/// What a scenario runs against.
pub struct Runner<'a> {
    /// The repository, for messages.
    pub root: &'a std::path::Path,
    pub example: &'a Example,
    pub app: &'a App,
    pub around: &'a Surroundings,
    pub http: Http,
    /// Ctrl-C.
    pub interrupt: &'a Interrupt,
    /// Whether a user's own file is run, so that only the end state can be expected.
    pub own_input: Option<String>,
}

impl Runner<'_> {
    pub fn run(&self, scenario: &Scenario, app: &mut Running) -> Result<Outcome> {
        let started = Instant::now();
        let mut outcome = Outcome::new(&scenario.name, &scenario.about);
        if let Some(name) = &self.own_input {
            outcome.is_own_input = true;
            outcome.about = format!("{name}; only the end state is compared");
        }
        match (&scenario.body, &scenario.run) {
            (Some(body), _) => self.tasks(scenario, body, app, &mut outcome)?,
            (None, Some(argv)) => self.driven(scenario, argv, app, &mut outcome)?,
            (None, None) => {}
        }
        for name in &scenario.pictures {
            if self.around.logs.join(name).is_file() {
                outcome.pictures.push(name.clone());
            } else if outcome.is_ok() {
                outcome
                    .differences
                    .push(format!("the picture {name} is not in {{logs}}"));
            }
        }
        outcome.duration_ms = millis(started.elapsed());
        Ok(outcome)
    }

    /// Posts the body, waits for the tasks, compares, checks.
    fn tasks(
        &self,
        scenario: &Scenario,
        body: &str,
        app: &mut Running,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let body = self.body(body)?;
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
            self.compare(scenario, &task, outcome)?;
        }
        if let Some(id) = outcome.tasks.last().map(|task| task.task_uuid.clone()) {
            for check in &scenario.checks {
                if self.own_input.is_some() {
                    outcome.answers.extend(self.ask(check, &body, &id)?);
                } else {
                    self.check(check, &body, &id, outcome)?;
                }
            }
        }
        Ok(())
    }

    /// Lets a command of the app do it, and replaces a process in the middle if the scenario says so.
    fn driven(
        &self,
        scenario: &Scenario,
        argv: &[String],
        app: &mut Running,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let mut due = scenario.restart.as_ref();
        let limit = Duration::from_secs(scenario.timeout_seconds);
        let mut meanwhile = || {
            if let Some(restart) = due {
                let reached = self
                    .http
                    .get(&format!("{}{}", self.around.url(), restart.when));
                if reached.is_ok_and(|answer| answer.status == 200) {
                    due = None;
                    return app.replace(restart.process.as_deref(), self.app, self.around);
                }
            }
            app.check_alive()
        };
        let ran = command::run(
            argv,
            self.app,
            self.around,
            limit,
            self.interrupt,
            &mut meanwhile,
        )?;
        if let Some(restart) = due {
            outcome.differences.push(format!(
                "GET {} never answered 200, so `{}` was not replaced",
                restart.when,
                restart.process.as_deref().unwrap_or("the app")
            ));
        }
        self.compare_answer(ran, scenario.answer.as_ref(), outcome)?;
        for check in &scenario.checks {
            self.check(check, &Map::new(), "", outcome)?;
        }
        Ok(())
    }

    /// Compares what a command has printed with a file.
    pub fn compare_answer(
        &self,
        ran: Result<Value, String>,
        file: Option<&String>,
        outcome: &mut Outcome,
    ) -> Result<()> {
        match (ran, file) {
            (Err(why), _) => outcome.differences.push(why),
            (Ok(answer), Some(file)) => outcome.differences.extend(differences(
                "answer",
                &self.example.json_file(self.root, file)?,
                &answer,
            )),
            (Ok(_), None) => {}
        }
        Ok(())
    }

    /// What the app says about a user's own file.
    fn ask(&self, check: &Check, body: &Map<String, Value>, id: &str) -> Result<Option<Answered>> {
        let Some(path) = &check.get else {
            return Ok(None);
        };
        let path = self.path(path, body, id)?;
        let answer = self.http.get(&format!("{}{path}", self.around.url())).ok();
        Ok(answer.map(|answer| Answered {
            path,
            status: answer.status,
            body: answer.body,
        }))
    }

    fn body(&self, file: &str) -> Result<Map<String, Value>> {
        let mut body = self.example.json_object(self.root, file)?;
        if let (Some(name), Some(input)) = (&self.own_input, &self.example.input) {
            body.insert(input.body.clone(), name.clone().into());
        }
        Ok(body)
    }

    fn create(&self, body: &Map<String, Value>) -> Result<String, String> {
        let path = &self.example.http.create;
        let answer = self
            .http
            .post(
                &format!("{}{path}", self.around.url()),
                &Value::Object(body.clone()),
            )
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
        let url = format!("{}{path}", self.around.url());
        let deadline = Instant::now() + Duration::from_secs(scenario.timeout_seconds);
        loop {
            let asked = Instant::now();
            let answer = self.http.get(&url);
            let pause = pause_after(asked.elapsed());
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
            std::thread::sleep(pause);
        }
    }

    fn compare(&self, scenario: &Scenario, task: &Value, outcome: &mut Outcome) -> Result<()> {
        let no_steps = Vec::new();
        let steps = task["steps"].as_array().unwrap_or(&no_steps);
        let status = task["status"].as_str().unwrap_or("unknown").to_owned();
        let Some(expect) = &scenario.expect else {
            return Ok(());
        };
        let accepted = expect.status.words();
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
        if let (Some(file), None) = (&expect.steps, &self.own_input) {
            let expected = self.example.json_object(self.root, file)?;
            outcome
                .differences
                .extend(step_differences(&expected, steps));
        }
        outcome.tasks.push(Task {
            task_uuid: task["task_uuid"].as_str().unwrap_or_default().to_owned(),
            status,
            steps: self.timeline(task, steps),
        });
        Ok(())
    }

    /// When each step ran; the server knows the attempts before the last one of those that were retried.
    fn timeline(&self, task: &Value, steps: &[Value]) -> Vec<Step> {
        let mut timeline = timeline::of(task, steps);
        for step in timeline.iter_mut().filter(|step| step.attempts > 1) {
            let told = steps.iter().find(|told| told["name"] == step.name.as_str());
            let id = told.and_then(|told| {
                ["step_uuid", "workflow_step_uuid"]
                    .iter()
                    .find_map(|key| told[key].as_str())
            });
            let (Some(id), Some(task_id)) = (id, task["task_uuid"].as_str()) else {
                continue;
            };
            let server = &self.around.stack.orchestration_url;
            let url = format!("{server}/v1/tasks/{task_id}/workflow_steps/{id}/audit");
            if let Ok(answer) = self.http.get(&url) {
                step.earlier = timeline::earlier(task, &answer.body);
            }
        }
        timeline
    }

    /// Compares an answer, or what a command prints, and notes what the app answered.
    fn check(
        &self,
        check: &Check,
        body: &Map<String, Value>,
        id: &str,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let found = self.differences_of(check, body, id, &mut outcome.answers)?;
        outcome.differences.extend(found);
        Ok(())
    }

    fn differences_of(
        &self,
        check: &Check,
        body: &Map<String, Value>,
        id: &str,
        answers: &mut Vec<Answered>,
    ) -> Result<Vec<String>> {
        let (place, answer) = match (&check.get, &check.run) {
            (Some(path), _) => {
                let path = self.path(path, body, id)?;
                let answer = match self.http.get(&format!("{}{path}", self.around.url())) {
                    Ok(answer) => answer,
                    Err(why) => return Ok(vec![format!("GET {path}: {why}")]),
                };
                answers.push(Answered {
                    path: path.clone(),
                    status: answer.status,
                    body: answer.body.clone(),
                });
                if check.status.is_some_and(|status| status != answer.status) {
                    return Ok(vec![format!(
                        "GET {path}: expected {}, found {} {}",
                        check.status.unwrap_or_default(),
                        answer.status,
                        answer.body
                    )]);
                }
                (format!("GET {path}: "), answer.body)
            }
            (None, argv) => {
                let argv = argv.as_deref().unwrap_or_default();
                // Names of the body first, the run's own ones when it starts.
                let argv: Vec<String> = argv
                    .iter()
                    .map(
                        |word| match word.contains("{body.") || word.contains("{task_uuid}") {
                            true => self.path(word, body, id),
                            false => Ok(word.clone()),
                        },
                    )
                    .collect::<Result<_>>()?;
                let place = format!("`{}`: ", argv.join(" "));
                match command::run(
                    &argv,
                    self.app,
                    self.around,
                    PATIENCE,
                    self.interrupt,
                    &mut || Ok(()),
                )? {
                    Ok(answer) => (place, answer),
                    Err(why) => return Ok(vec![why]),
                }
            }
        };
        match &check.json {
            Some(file) => Ok(differences(
                &place,
                &self.example.json_file(self.root, file)?,
                &answer,
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
            why: format!("`{{{name}}}` in {template:?} is unknown"),
            fix: Some("use {task_uuid} or {body.KEY} with a key of the scenario's body".into()),
        })
    }
}

/// A time for reports.
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The slower the answer, the longer the pause: asking takes at most a quarter of the time.
fn pause_after(answered: Duration) -> Duration {
    (answered * 3).clamp(POLL, POLL_AT_MOST)
}

#[cfg(test)]
mod tests {
    use super::{pause_after, Duration};

    #[test]
    fn a_slow_app_is_asked_less_often() {
        let pauses = [1, 20, 1000].map(|ms| pause_after(Duration::from_millis(ms)).as_millis());
        assert_eq!(pauses, [25, 60, 250]);
    }
}
