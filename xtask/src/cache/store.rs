//! Kept results on disk: a small file and a log per key, what the last success of each task was made from, and lists of files for
//! `--explain`. Every file appears in one rename, so that two xtasks at once do no harm.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::key::{digest, to_hex, Key};
use crate::error::{Error, Result};
use crate::run::Totals;

/// Relative to the repository.
pub const FOLDER: &str = "target/xtask/cache";
/// How large the cache may become, in bytes. What was used longest ago goes first.
pub const BOUND: u64 = 256 * 1024 * 1024;

/// A kept result.
pub struct Entry {
    /// What its tool counted.
    pub totals: Option<Totals>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Its log.
    pub log: PathBuf,
}

#[derive(Deserialize, Serialize)]
struct Record {
    totals: Option<Totals>,
    took_ms: u64,
}

/// The files of a cache.
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The cache of a repository, which need not exist yet.
    pub fn of(root: &Path) -> Self {
        Self {
            folder: root.join(FOLDER),
        }
    }

    /// The result with this key. What is damaged or has lost its log is none.
    pub fn get(&self, key: &str) -> Option<Entry> {
        let place = self.place("results", key);
        let file = fs::File::open(&place).ok()?;
        let record: Record = serde_json::from_slice(&read_all(&file)?).ok()?;
        let log = place.with_extension("log");
        if !log.is_file() {
            return None;
        }
        // The time of last use. If it cannot be written, the entry only goes sooner.
        let _ = file.set_modified(SystemTime::now());
        Some(Entry {
            totals: record.totals,
            took_ms: record.took_ms,
            log,
        })
    }

    /// What the last success of a task was made from: names of parts and their digests.
    pub fn last(&self, task: &str) -> Option<BTreeMap<String, String>> {
        serde_json::from_slice(&fs::read(self.place("last", &name_of(task))).ok()?).ok()
    }

    /// The list of files with this digest.
    pub fn file_list(&self, digest: &str) -> Option<String> {
        fs::read_to_string(self.place("files", digest)).ok()
    }

    /// Keeps a result, with the lists of files that its key was made from.
    pub fn put(
        &self,
        task: &str,
        key: &Key,
        lists: impl Iterator<Item = (String, String)>,
        entry: &Entry,
    ) -> Result<()> {
        for (digest, list) in lists {
            let place = self.place("files", &digest);
            if !place.is_file() {
                write(&place, list.as_bytes())?;
            }
        }
        let parts: BTreeMap<&str, String> = key.parts().collect();
        write(&self.place("last", &name_of(task)), &to_json(&parts))?;
        let place = self.place("results", &key.hex());
        // The log first: an entry without it is none.
        write(
            &place.with_extension("log"),
            &fs::read(&entry.log).unwrap_or_default(),
        )?;
        write(
            &place,
            &to_json(&Record {
                totals: entry.totals,
                took_ms: entry.took_ms,
            }),
        )
    }

    /// Removes what was used longest ago until the rest is within the bound, in bytes.
    pub fn prune(&self, bound: u64) -> Result<()> {
        let mut files = Vec::new();
        for part in ["results", "last", "files"] {
            let Ok(entries) = fs::read_dir(self.folder.join(part)) else {
                continue;
            };
            for entry in entries.flatten() {
                if let Ok(meta) = entry.metadata() {
                    files.push((
                        meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                        meta.len(),
                        entry.path(),
                    ));
                }
            }
        }
        let mut size: u64 = files.iter().map(|(_, length, _)| length).sum();
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
        Ok(())
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

fn read_all(mut file: &fs::File) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut file, &mut bytes).ok()?;
    Some(bytes)
}

fn write(path: &Path, contents: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let mut scratch = tempfile::NamedTempFile::new_in(folder).map_err(Error::io("write", path))?;
    scratch
        .write_all(contents)
        .map_err(Error::io("write", path))?;
    scratch
        .persist(path)
        .map_err(|error| Error::io("write", path)(error.error))?;
    Ok(())
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
            write(&place, &[b'x'; 100]).expect("written");
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
