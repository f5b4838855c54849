//! The file of schedules: read whole, or refused with all of its problems.

use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::schedule::{cron, span, Missed, Schedule, Timing};
use crate::nearest::hint;
use crate::Error;

const KEYS: [&str; 9] = [
    "task",
    "version",
    "cron",
    "every",
    "time_zone",
    "context",
    "missed",
    "missed_within",
    "paused",
];
const A_MINUTE: Duration = Duration::from_secs(60);
const A_DAY: &str = "1d";

/// The schedules of a YAML file.
///
/// # Errors
///
/// [`Error::Config`] with every problem of the file.
pub fn load(path: impl AsRef<Path>) -> Result<Vec<Schedule>, Error> {
    let path = path.as_ref();
    let wrong = |why: String| Error::Config(vec![format!("{}: {why}", path.display())]);
    let text = std::fs::read_to_string(path).map_err(|error| {
        wrong(format!(
            "cannot be read ({error}); make it, or name another"
        ))
    })?;
    let entries: Value =
        serde_yaml::from_str(&text).map_err(|error| wrong(format!("is not YAML: {error}")))?;
    let Value::Object(entries) = entries else {
        let why = "must have a schedule's name at the top, with keys below";
        return Err(wrong(why.to_owned()));
    };
    let (mut schedules, mut problems) = (Vec::new(), Vec::new());
    for (name, entry) in entries {
        let mut entry = Entry::new(&name, entry);
        let schedule = entry.read();
        problems.extend(
            entry
                .problems
                .into_iter()
                .map(|problem| format!("{}: {name}{problem}", path.display())),
        );
        schedules.extend(schedule);
    }
    if problems.is_empty() {
        Ok(schedules)
    } else {
        Err(Error::Config(problems))
    }
}

/// One schedule of the file, while it is read. A problem begins with `.key: `, or with `: `.
struct Entry<'a> {
    name: &'a str,
    keys: Map<String, Value>,
    problems: Vec<String>,
}

impl<'a> Entry<'a> {
    fn new(name: &'a str, value: Value) -> Self {
        let (keys, problems) = match value {
            Value::Object(keys) => (keys, Vec::new()),
            _ => {
                let why = ": must have keys, such as task and cron".to_owned();
                (Map::new(), vec![why])
            }
        };
        Self {
            name,
            keys,
            problems,
        }
    }

    fn read(&mut self) -> Option<Schedule> {
        if !self.problems.is_empty() {
            return None;
        }
        for key in self.keys.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            let problem = format!(".{key}: unknown key{}", hint(key, KEYS.iter().copied()));
            self.problems.push(problem);
        }
        let task = self.text("task", "");
        let place = task
            .split_once('/')
            .filter(|(namespace, name)| {
                !namespace.is_empty() && !name.is_empty() && !name.contains('/')
            })
            .map(|(namespace, name)| (namespace.to_owned(), name.to_owned()));
        if place.is_none() {
            self.wrong("task", format!("`{task}` must be namespace/name"));
        }
        let timing = self.timing();
        let missed = self.missed();
        let within = self.text("missed_within", A_DAY);
        let window = self.checked("missed_within", span(&within));
        let context = self.context();
        let schedule = Schedule {
            name: self.name.to_owned(),
            version: self.text("version", "1.0.0"),
            paused: self.typed("paused", "true or false").unwrap_or(false),
            namespace: place.as_ref()?.0.clone(),
            task: place?.1,
            timing: timing?,
            window: if missed == Missed::Skip {
                A_MINUTE
            } else {
                window?
            },
            missed,
            context,
        };
        self.problems.is_empty().then_some(schedule)
    }

    fn timing(&mut self) -> Option<Timing> {
        let line = self.typed::<String>("cron", "a text");
        let every = self.typed::<String>("every", "a text");
        let zone = self.typed::<String>("time_zone", "a text");
        if self.keys.contains_key("cron") == self.keys.contains_key("every") {
            self.problems.push(": give either cron or every".to_owned());
            return None;
        }
        if let Some(every) = every {
            if zone.is_some() {
                let why = "belongs to cron; every counts real time";
                self.wrong("time_zone", why.to_owned());
            }
            return self.checked("every", span(&every)).map(Timing::Every);
        }
        let name = zone.unwrap_or_else(|| "UTC".to_owned());
        let zone = TimeZone::get(&name)
            .map_err(|_| format!("`{name}` is not a time zone; write for example Europe/Paris"));
        let zone = self.checked("time_zone", zone);
        let cron = self.checked("cron", cron(&line?));
        Some(Timing::Cron(Box::new(cron?), zone?))
    }

    fn missed(&mut self) -> Missed {
        match self.text("missed", "one").as_str() {
            "skip" => Missed::Skip,
            "one" => Missed::One,
            "all" => Missed::All,
            other => {
                let why = format!("must be skip, one or all, not `{other}`");
                self.wrong("missed", why);
                Missed::One
            }
        }
    }

    fn context(&mut self) -> Map<String, Value> {
        let context = self
            .typed::<Map<String, Value>>("context", "an object")
            .unwrap_or_default();
        if context.contains_key("scheduled_for") {
            let why = "scheduled_for is the slot's time, which the scheduler adds";
            self.wrong("context", why.to_owned());
        }
        context
    }

    fn text(&mut self, key: &str, standard: &str) -> String {
        self.typed(key, "a text")
            .unwrap_or_else(|| standard.to_owned())
    }

    fn typed<T: for<'de> Deserialize<'de>>(&mut self, key: &str, what: &str) -> Option<T> {
        let value = self.keys.get(key)?.clone();
        let found = serde_json::from_value(value.clone())
            .map_err(|_| format!("must be {what}, not {value}"));
        self.checked(key, found)
    }

    fn checked<T>(&mut self, key: &str, found: Result<T, String>) -> Option<T> {
        found.map_err(|why| self.wrong(key, why)).ok()
    }

    fn wrong(&mut self, key: &str, why: String) {
        let problem = format!(".{key}: {why}");
        // A key that is read twice has one problem.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}
