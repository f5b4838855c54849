//! Kept results on disk: one file that lists them, a log per key, what the last success of each task was made from, and lists of files for
//! `--explain`. Every file appears in one rename, so that two xtasks at once do no harm: at worst one of them forgets what the other has
//! just kept, and that runs again.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::key::{digest, to_hex, Key};
use crate::error::{Error, Result};
use crate::file::write;
use crate::plan::Totals;

/// Relative to the repository.
pub const FOLDER: &str = "target/xtask/cache";
/// How large the cache may become, in bytes. What was used longest ago goes first.
pub const BOUND: u64 = 256 * 1024 * 1024;

pub struct Entry {
    pub totals: Option<Totals>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    pub log: PathBuf,
}

/// Runs that are remembered as a whole, relative to the cache's folder.
pub const PART: &str = "whole";
/// The folder of logs, relative to the cache's folder.
pub const LOGS: &str = "results";
/// The list of kept results, relative to the cache's folder.
const RESULTS: &str = "results.json";
/// The time of last use is written down only if the last one noted is older than this, in seconds: a run that finds everything writes nothing.
pub const NOTED: u64 = 24 * 60 * 60;

#[derive(Clone, Deserialize, Serialize)]
struct Record {
    totals: Option<Totals>,
    took_ms: u64,
    /// Seconds since 1970.
    used: u64,
}

type Records = HashMap<String, Record>;

/// The files of a cache.
pub struct Store {
    folder: PathBuf,
    records: Records,
}

impl Store {
    /// The cache of a repository, which need not exist yet. A list that cannot be read is an empty one.
    pub fn of(root: &Path) -> Self {
        let folder = root.join(FOLDER);
        Self {
            records: read_records(&folder),
            folder,
        }
    }

    /// The result with this key. What has lost its log is none.
    pub fn get(&self, key: &str) -> Option<Entry> {
        let record = self.records.get(key)?;
        let log = self.log(key);
        log.is_file().then_some(Entry {
            totals: record.totals,
            took_ms: record.took_ms,
            log,
        })
    }

    /// Notes that results with these keys are used now.
    pub fn touch<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let now = seconds(SystemTime::now());
        let is_old = |key: &&str| {
            let record = self.records.get(*key);
            record.is_some_and(|record| record.used + NOTED < now)
        };
        let old: Vec<&str> = keys.into_iter().filter(is_old).collect();
        if old.is_empty() {
            return Ok(());
        }
        self.change(|records| {
            for key in old {
                if let Some(record) = records.get_mut(key) {
                    record.used = now;
                }
            }
        })
    }

    /// Changes the list as it is now: another xtask may have kept something meanwhile.
    fn change(&self, how: impl FnOnce(&mut Records)) -> Result<()> {
        let mut records = read_records(&self.folder);
        how(&mut records);
        write(&self.folder.join(RESULTS), to_json(&records))
    }

    /// What the last success of a task was made from: names of parts and their digests.
    pub fn last(&self, task: &str) -> Option<BTreeMap<String, String>> {
        serde_json::from_slice(&fs::read(self.place("last", &name_of(task))).ok()?).ok()
    }

    /// The list of files with this digest.
    pub fn file_list(&self, digest: &str) -> Option<String> {
        fs::read_to_string(self.place("files", digest)).ok()
    }

    /// Keeps a result's log, what it was made from and, by `list`, the files behind each part of that; [`Store::list`] adds it to those that
    /// are found.
    pub fn put(
        &self,
        task: &str,
        key: &Key,
        list: impl Fn(&str) -> Option<String>,
        log: &Path,
    ) -> Result<()> {
        for (name, digest) in key.file_parts() {
            let place = self.place("files", &digest);
            if !place.is_file() {
                write(&place, list(name).unwrap_or_default().as_bytes())?;
            }
        }
        let parts: BTreeMap<&str, String> = key.parts().collect();
        write(&self.place("last", &name_of(task)), to_json(&parts))?;
        write(&self.log(&key.hex()), fs::read(log).unwrap_or_default())
    }

    /// Lists results whose logs are kept: keys, counts, and milliseconds.
    pub fn list(&self, kept: Vec<(String, Option<Totals>, u64)>) -> Result<()> {
        let used = seconds(SystemTime::now());
        self.change(|records| {
            records.extend(kept.into_iter().map(|(key, totals, took_ms)| {
                let record = Record {
                    totals,
                    took_ms,
                    used,
                };
                (key, record)
            }));
        })
    }

    /// Removes what was used longest ago until the rest is within the bound, in bytes.
    pub fn prune(&self, bound: u64) -> Result<()> {
        let records = read_records(&self.folder);
        let mut files = Vec::new();
        for part in [LOGS, "last", "files", PART] {
            let Ok(entries) = fs::read_dir(self.folder.join(part)) else {
                continue;
            };
            for entry in entries.flatten() {
                if let Ok(meta) = entry.metadata() {
                    let key = entry.file_name();
                    let key = key.to_string_lossy();
                    let record = records.get(key.trim_end_matches(".log"));
                    let written = seconds(meta.modified().unwrap_or(SystemTime::UNIX_EPOCH));
                    let used = record.map_or(written, |record| record.used);
                    files.push((used, meta.len(), entry.path()));
                }
            }
        }
        let mut size: u64 = files.iter().map(|(_, length, _)| length).sum();
        if size <= bound {
            return Ok(());
        }
        files.sort();
        for (_, length, path) in files {
            if size <= bound {
                break;
            }
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", path)(error))
                }
                _ => size -= length,
            }
        }
        self.change(|records| records.retain(|key, _| self.log(key).is_file()))
    }

    fn log(&self, key: &str) -> PathBuf {
        self.place(LOGS, &format!("{key}.log"))
    }

    fn place(&self, part: &str, name: &str) -> PathBuf {
        self.folder.join(part).join(name)
    }
}

/// Removes everything that was kept.
pub fn clean(root: &Path) -> Result<()> {
    let folder = root.join(FOLDER);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", folder)(error))
        }
        _ => Ok(()),
    }
}

/// A file name for a task's id, which has slashes.
fn name_of(task: &str) -> String {
    to_hex(&digest([task.as_bytes()]))
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    // Plain data with text keys always has a JSON form.
    serde_json::to_vec(value).unwrap_or_default()
}

fn read_records(folder: &Path) -> Records {
    let text = fs::read(folder.join(RESULTS)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Since 1970.
pub fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first_and_only_as_much_as_must() {
        let scratch = tempfile::TempDir::new().expect("a folder");
        let store = Store::of(scratch.path());
        let now = SystemTime::now();
        for (age, name) in [(30, "old"), (20, "older than new"), (10, "new")] {
            let place = store.place("results", name);
            write(&place, [b'x'; 100]).expect("written");
            let file = fs::File::options().write(true).open(&place).expect("there");
            file.set_modified(now - Duration::from_secs(age))
                .expect("set");
        }
        let names = || -> Vec<String> {
            let entries = fs::read_dir(store.folder.join("results")).expect("there");
            let mut names: Vec<_> = entries
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        store.prune(300).expect("pruned");
        assert_eq!(names(), ["new", "old", "older than new"]);
        store.prune(250).expect("pruned");
        assert_eq!(names(), ["new", "older than new"]);
        store.prune(0).expect("pruned");
        assert_eq!(names(), [""; 0]);
    }
}
