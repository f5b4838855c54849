//! A run that found all of its results, remembered as a whole: as long as nothing is different, the next one need not find units, plan and
//! compute a key per task only to learn the same. So are answers that are made of the same things, such as a matrix of jobs.
//!
//! What is compared is more than any key of a task holds: every file that counts, the versions of the tools of all languages, every variable
//! that some task can see, the program, the source of Tasker Core, and what planning looked for outside of these files. Anything else than the same makes the
//! run go the long way.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::key::{digest, sum_of_files, to_hex, Common};
use super::store::{millis, seconds, FOLDER, LOGS, NOTED, PART};
use super::versions;
use crate::environment::Environment;
use crate::error::Result;
use crate::file::write;
use crate::git::Files;
use crate::plan::{Outcome, TaskResult, Totals};
use crate::tools::Tools;

/// What a run could depend on, besides files.
pub struct Whole<'a> {
    pub root: &'a Path,
    /// The command with everything that chooses among units.
    pub what: String,
    pub tools: &'a Tools,
    pub environment: &'a Environment,
    /// See [`Common`].
    pub common: &'a Common,
    /// Paths that differ from a base, if only what they affect counts.
    pub changed: Option<Vec<Vec<u8>>>,
}

/// What planning looked at, besides files that count.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Looked {
    /// Languages of all units, sorted.
    pub languages: Vec<String>,
    /// Variables that units ask for, sorted.
    pub variables: Vec<String>,
    /// Places, each with whether something was there.
    pub places: Vec<(PathBuf, bool)>,
}

#[derive(Deserialize, Serialize)]
struct Record<T> {
    sum: String,
    /// Seconds since 1970. Later than a day after it the long way is gone once, which notes the time of use of each result.
    written: u64,
    looked: Looked,
    found: T,
}

#[derive(Deserialize, Serialize)]
struct Results {
    /// The time of the last change in the folder of logs: at the same time all are there.
    logs: Option<SystemTime>,
    known: Vec<Known>,
}

#[derive(Deserialize, Serialize)]
struct Known {
    id: String,
    unit: String,
    label: String,
    took_ms: u64,
    log: PathBuf,
    rerun: String,
    totals: Option<Totals>,
}

impl Whole<'_> {
    /// The results, if everything is as it was.
    pub fn recall(&self, files: &Files) -> Option<Vec<TaskResult>> {
        let Results { logs, known } = self.read(files)?;
        let are_there = logs.is_some() && logs == self.logs_changed()
            || known.iter().all(|known| known.log.is_file());
        are_there.then(|| known.into_iter().map(Known::result).collect())
    }

    /// An answer, if everything is as it was.
    pub fn recall_answer(&self, files: &Files) -> Option<String> {
        self.read(files)
    }

    /// Remembers a run whose results were all known.
    pub fn keep(&self, files: &Files, looked: Looked, results: &[TaskResult]) -> Result<()> {
        let found = Results {
            logs: self.logs_changed(),
            known: results.iter().map(Known::of).collect(),
        };
        self.write(files, looked, found)
    }

    pub fn keep_answer(&self, files: &Files, looked: Looked, answer: &str) -> Result<()> {
        self.write(files, looked, answer)
    }

    fn read<T: DeserializeOwned>(&self, files: &Files) -> Option<T> {
        let record: Record<T> = serde_json::from_slice(&std::fs::read(self.place()).ok()?).ok()?;
        let is_same = seconds(SystemTime::now()) < record.written + NOTED
            && (record.looked.places.iter()).all(|(place, was_there)| place.exists() == *was_there)
            && record.sum == self.sum(files, &record.looked);
        is_same.then_some(record.found)
    }

    fn write(&self, files: &Files, looked: Looked, found: impl Serialize) -> Result<()> {
        // What was planned from later files than these would be remembered wrongly.
        if Files::of(self.root).as_ref() != Some(files) {
            return Ok(());
        }
        let record = Record {
            sum: self.sum(files, &looked),
            written: seconds(SystemTime::now()),
            looked,
            found,
        };
        let text = serde_json::to_vec(&record).unwrap_or_default();
        write(&self.place(), &text)
    }

    fn logs_changed(&self) -> Option<SystemTime> {
        let folder = self.root.join(FOLDER).join(LOGS);
        std::fs::metadata(folder)
            .and_then(|meta| meta.modified())
            .ok()
    }

    fn place(&self) -> PathBuf {
        let name = to_hex(&digest([self.what.as_bytes()]));
        self.root.join(FOLDER).join(PART).join(name)
    }

    fn sum(&self, files: &Files, looked: &Looked) -> String {
        let mut sum = Sha256::new();
        sum.update(self.common.sum());
        let root = self.root.as_os_str().as_encoded_bytes();
        sum.update(digest([root, self.what.as_bytes()]));
        sum.update(sum_of_files(files));
        sum.update(digest(self.changed.iter().flatten().map(Vec::as_slice)));
        let languages = looked.languages.iter().map(String::as_str);
        let (tools, _) = versions::of_languages(self.root, self.tools, self.environment, languages);
        for (name, version) in tools {
            sum.update(digest([name.as_bytes()]));
            sum.update(version);
        }
        for (name, value) in self.environment.wanted(&looked.variables) {
            sum.update(digest([name, value].map(|text| text.as_encoded_bytes())));
        }
        to_hex(&sum.finalize().into())
    }
}

impl Known {
    fn of(result: &TaskResult) -> Self {
        Self {
            id: result.id.clone(),
            unit: result.unit.clone(),
            label: result.label.clone(),
            took_ms: millis(result.took),
            log: result.log.clone(),
            rerun: result.rerun.clone(),
            totals: result.totals,
        }
    }

    fn result(self) -> TaskResult {
        TaskResult {
            id: self.id,
            unit: self.unit,
            label: self.label,
            outcome: Outcome::Cached,
            took: Duration::from_millis(self.took_ms),
            log: self.log,
            rerun: self.rerun,
            blocked_by: None,
            error: None,
            fix: None,
            totals: self.totals,
        }
    }
}
