//! `example.toml`: the apps of an example, and its scenarios.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::{closest, Error, Result};
use crate::file::{line_with, read, read_toml, relative};

pub const FILE: &str = "example.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    pub name: String,
    /// What it shows, in a line.
    pub summary: String,
    /// One app per framework.
    pub apps: BTreeMap<String, App>,
    pub http: Http,
    /// How a user's own file gets in.
    pub input: Option<Input>,
    /// What `--chaos` runs.
    pub chaos: Option<Chaos>,
    /// What is run, in this order.
    pub scenarios: Vec<Scenario>,
    /// The example's folder, absolute.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// How one app is started.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Its folder in the example.
    pub folder: String,
    /// Commands that must succeed before it starts, such as migrations.
    #[serde(default)]
    pub prepare: Vec<Vec<String>>,
    /// The command that serves HTTP.
    pub start: Vec<String>,
    /// Further processes by name, such as workers of their own.
    #[serde(default)]
    pub processes: BTreeMap<String, Vec<String>>,
    /// A path that answers 200 when the app is ready.
    pub ready: String,
    /// Further variables of its environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// The endpoints that every app of the example has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// POST of a scenario's body; answers JSON with `task_uuid`.
    pub create: String,
    /// GET of a task with its steps; `{task_uuid}` stands for its id.
    pub task: String,
}

/// How `--input FILE` reaches the app.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The scenario that is run on the file.
    pub scenario: String,
    /// The folder that it is copied into.
    pub copy_to: String,
    /// The key of the body that gets its name.
    pub body: String,
}

/// A command of the app that creates tasks and says what became of them, while processes are killed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chaos {
    pub about: String,
    /// The command; `{tasks}` is how many tasks it has to create. It must succeed.
    pub run: Vec<String>,
    /// The file with what `run` must print as JSON.
    pub answer: String,
    /// The process that executes steps; the app itself if it has no name.
    pub process: Option<String>,
    /// The URL that answers 200 when that process is back; the app's `ready` if there is none.
    pub ready: Option<String>,
    /// The longest time that `run` may take, in seconds.
    pub timeout_seconds: u64,
}

/// What stands for the number of tasks in `chaos.run`.
const TASKS: &str = "{tasks}";

impl Chaos {
    /// The command for so many tasks.
    pub fn command(&self, tasks: u32) -> Vec<String> {
        let number = tasks.to_string();
        let words = self.run.iter();
        words.map(|word| word.replace(TASKS, &number)).collect()
    }
}

/// One way through the example.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub name: String,
    pub about: String,
    /// The file with the body to POST.
    pub body: Option<String>,
    /// Instead of `body`: a command of the app that drives the scenario itself. It must succeed.
    pub run: Option<Vec<String>>,
    /// The file with what `run` must print as JSON.
    pub answer: Option<String>,
    /// A process that is asked to end, and replaced, while `run` goes on.
    pub restart: Option<Restart>,
    /// The longest time a task, or `run`, may take, in seconds.
    pub timeout_seconds: u64,
    /// How many times the same body is posted.
    #[serde(default = "once")]
    pub repeat: u32,
    /// How each task must end.
    pub expect: Option<Expect>,
    /// What must be true afterwards.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Pictures that it leaves in the folder of the logs; the report shows them.
    #[serde(default)]
    pub pictures: Vec<String>,
}

impl Scenario {
    /// The JSON files that it names.
    fn files(&self) -> impl Iterator<Item = &String> {
        let steps = self
            .expect
            .iter()
            .filter_map(|expect| expect.steps.as_ref());
        let checks = self.checks.iter().filter_map(|check| check.json.as_ref());
        self.body
            .iter()
            .chain(&self.answer)
            .chain(steps)
            .chain(checks)
    }

    /// What is wrong with the combination of its keys.
    fn contradiction(&self) -> Option<&'static str> {
        match (&self.body, &self.run) {
            (Some(_), Some(_)) => Some("has `body` and `run`; it is driven by one of them"),
            (None, None) => Some("needs `body`, a file to POST, or `run`, a command"),
            (Some(_), None) if self.expect.is_none() => {
                Some("needs `[scenarios.expect]`: how its tasks must end")
            }
            (Some(_), None) if self.answer.is_some() || self.restart.is_some() => {
                Some("has `answer` or `restart`, which belong to `run`")
            }
            (None, Some(_)) if self.expect.is_some() || self.repeat != 1 => {
                Some("has `expect` or `repeat`, which belong to `body`")
            }
            _ => self.checks.iter().find_map(Check::contradiction),
        }
    }
}

/// A process that is asked to end in the middle of a scenario; a new one takes its place at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// Its name in the app's `processes`; the app itself if it has none.
    pub process: Option<String>,
    /// The moment: when GET of this path answers 200.
    pub when: String,
}

fn once() -> u32 {
    1
}

/// How a task must end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Its state, or any of several.
    pub status: OneOrMore,
    /// The file that says how each step must end.
    pub steps: Option<String>,
}

/// A word or a list of words.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    pub fn words(&self) -> Vec<&str> {
        match self {
            Self::One(word) => vec![word],
            Self::More(words) => words.iter().map(String::as_str).collect(),
        }
    }
}

/// What is looked at after a scenario's tasks have ended: an answer to a GET, or what a command prints.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The path; `{task_uuid}` and `{body.KEY}` are filled in.
    pub get: Option<String>,
    /// The status code that `get` must have.
    pub status: Option<u16>,
    /// A command of the app, filled in like `get`; it must succeed.
    pub run: Option<Vec<String>>,
    /// The file with what the answer, or the JSON that the command prints, must contain.
    pub json: Option<String>,
}

impl Check {
    fn contradiction(&self) -> Option<&'static str> {
        match (&self.get, self.status, &self.run) {
            (Some(_), Some(_), None) | (None, None, Some(_)) => None,
            _ => Some("has a check that is neither `get` with `status` nor `run`"),
        }
    }
}

impl Example {
    /// Reads and checks an example; `root` shortens names in messages.
    pub fn load(root: &Path, folder: &Path) -> Result<Self> {
        let file = folder.join(FILE);
        if !file.is_file() {
            return Err(Error::BadFile {
                file: relative(root, &file).to_owned(),
                line: None,
                why: "there is no such file, so this folder is not an example".into(),
                fix: Some(
                    "name a folder with an example.toml, such as examples/etl-pipeline".into(),
                ),
            });
        }
        let mut example: Self = read_toml(root, &file)?;
        example.folder = folder.to_owned();
        example.check(root, &file)?;
        Ok(example)
    }

    fn check(&self, root: &Path, file: &Path) -> Result<()> {
        let text = read(file)?;
        let bad = |near: &str, why: String| Error::BadFile {
            file: relative(root, file).to_owned(),
            line: line_with(&text, near),
            why,
            fix: None,
        };
        let mut names = BTreeSet::new();
        for scenario in &self.scenarios {
            if !names.insert(scenario.name.as_str()) {
                return Err(bad(
                    &scenario.name,
                    format!("two scenarios are called `{}`", scenario.name),
                ));
            }
            if let Some(why) = scenario.contradiction() {
                let near = format!("name = {:?}", scenario.name);
                return Err(bad(&near, format!("scenario `{}` {why}", scenario.name)));
            }
            for path in scenario.files() {
                self.json_file(root, path)?;
            }
            let restart = scenario.restart.as_ref();
            if let Some(process) = restart.and_then(|restart| restart.process.as_ref()) {
                self.has_process("restart.process", process)
                    .map_err(|why| bad("[scenarios.restart]", why))?;
            }
            if let Some(picture) = scenario.pictures.iter().find(|name| !is_file_name(name)) {
                let why = format!(
                    "`{picture}` in `pictures` is not a file name: pictures lie in the folder of the logs"
                );
                return Err(bad(picture, why));
            }
        }
        if let Some(chaos) = &self.chaos {
            self.check_chaos(chaos).map_err(|why| bad("[chaos]", why))?;
            self.json_file(root, &chaos.answer)?;
        }
        match &self.input {
            Some(input) if !self.posts(&input.scenario) => Err(bad(
                "[input]",
                format!(
                    "`input.scenario` names no scenario with a `body`: `{}`",
                    input.scenario
                ),
            )),
            _ => Ok(()),
        }
    }

    fn check_chaos(&self, chaos: &Chaos) -> std::result::Result<(), String> {
        if !chaos.run.iter().any(|word| word.contains(TASKS)) {
            return Err(format!(
                "`chaos.run` has no {TASKS}, which stands for how many tasks it creates"
            ));
        }
        let mut process = chaos.process.iter();
        process.try_for_each(|name| self.has_process("chaos.process", name))
    }

    fn posts(&self, name: &str) -> bool {
        let mut all = self.scenarios.iter();
        all.any(|scenario| scenario.name == name && scenario.body.is_some())
    }

    fn has_process(&self, key: &str, name: &str) -> std::result::Result<(), String> {
        let missing = self
            .apps
            .iter()
            .find(|(_, app)| !app.processes.contains_key(name));
        missing.map_or(Ok(()), |(app, _)| {
            Err(format!(
                "`{key}` is `{name}`, but the app `{app}` has no process of that name"
            ))
        })
    }

    /// Reads a JSON file of the example.
    pub fn json_file(&self, root: &Path, path: &str) -> Result<Value> {
        let file = self.folder.join(path);
        let text = read(&file)?;
        serde_json::from_str(&text).map_err(|error| Error::BadFile {
            file: relative(root, &file).to_owned(),
            line: Some(error.line()),
            why: error.to_string(),
            fix: None,
        })
    }

    /// The same for a file that must hold an object.
    pub fn json_object(&self, root: &Path, path: &str) -> Result<Map<String, Value>> {
        match self.json_file(root, path)? {
            Value::Object(map) => Ok(map),
            _ => Err(Error::BadFile {
                file: relative(root, &self.folder.join(path)).to_owned(),
                line: Some(1),
                why: "must hold a JSON object".into(),
                fix: None,
            }),
        }
    }

    /// The scenarios of these names, or all.
    pub fn select(&self, names: &[String]) -> Result<Vec<Scenario>> {
        let known: Vec<&str> = self
            .scenarios
            .iter()
            .map(|scenario| scenario.name.as_str())
            .collect();
        for name in names {
            if !known.contains(&name.as_str()) {
                return Err(Error::unknown(
                    "scenario",
                    name,
                    closest(name, known.iter().copied()),
                    &known,
                ));
            }
        }
        let wanted = |scenario: &&Scenario| names.is_empty() || names.contains(&scenario.name);
        Ok(self.scenarios.iter().filter(wanted).cloned().collect())
    }
}

fn is_file_name(name: &str) -> bool {
    Path::new(name).file_name() == Some(name.as_ref())
}

/// Replaces each `{name}` by its value.
pub fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else {
            break;
        };
        filled.push_str(before);
        filled.push_str(&value(name).ok_or_else(|| name.to_owned())?);
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn names_are_replaced_and_unknown_ones_reported() {
        let value = |name: &str| (name == "port").then(|| "80".to_owned());
        assert_eq!(
            fill("--port={port}/{port}", value),
            Ok("--port=80/80".to_owned())
        );
        assert_eq!(fill("{host}:{port}", value), Err("host".to_owned()));
        assert_eq!(fill("no names {", value), Ok("no names {".to_owned()));
    }
}
