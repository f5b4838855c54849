//! A data directory that stays: whose it is, which PostgreSQL made it, and who uses it now.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::error::StackError;

const MARKER: &str = "tasker-dev.json";
const LOCK: &str = "tasker-dev.lock";
const PGDATA: &str = "pgdata";

/// What we note in a directory of ours.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Marker {
    /// Major version of the PostgreSQL that made the data.
    postgres_major: String,
}

/// A data directory that this process alone uses.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Takes the directory, which is created if it does not exist.
    ///
    /// # Errors
    /// [`StackError::ForeignDataDir`] or [`StackError::DataDirInUse`]; nothing was changed then.
    pub fn take(path: &Path) -> anyhow::Result<Self> {
        let path = std::path::absolute(path)?;
        if !path.join(LOCK).exists() && !is_empty(&path)? {
            return Err(StackError::ForeignDataDir { path }.into());
        }
        if let Err(why) = fs::create_dir_all(&path) {
            return Err(StackError::UnusableDataDir { path, why }.into());
        }
        let lock = lock(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Where PostgreSQL's files are or will be.
    pub fn pgdata(&self) -> PathBuf {
        self.path.join(PGDATA)
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it holds data, made by a PostgreSQL whose files this one can read.
    ///
    /// # Errors
    /// [`StackError::DataDirVersion`].
    pub fn holds_data(&self, major: &str) -> anyhow::Result<bool> {
        let Ok(text) = fs::read(self.path.join(MARKER)) else {
            // A first start that was interrupted before it was done leaves no marker, so that the next one begins again.
            if self.pgdata().exists() {
                fs::remove_dir_all(self.pgdata())?;
            }
            return Ok(false);
        };
        let marker: Marker =
            serde_json::from_slice(&text).with_context(|| format!("read {MARKER}"))?;
        if marker.postgres_major == major {
            return Ok(true);
        }
        Err(StackError::DataDirVersion {
            path: self.path.clone(),
            theirs: marker.postgres_major,
            ours: major.to_owned(),
        }
        .into())
    }

    /// Notes that the data is complete.
    pub fn mark(&self, major: &str) -> anyhow::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
        serde_json::to_writer(
            &mut file,
            &Marker {
                postgres_major: major.to_owned(),
            },
        )?;
        file.persist(self.path.join(MARKER))?;
        Ok(())
    }

    /// Removes the data and the mark.
    pub fn empty(&self) -> anyhow::Result<()> {
        let marker = self.path.join(MARKER);
        if marker.exists() {
            fs::remove_file(marker)?;
        }
        if self.pgdata().exists() {
            fs::remove_dir_all(self.pgdata())?;
        }
        Ok(())
    }
}

fn is_empty(path: &Path) -> anyhow::Result<bool> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(why) => Err(StackError::UnusableDataDir {
            path: path.to_owned(),
            why,
        }
        .into()),
    }
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid)?;
            return Err(StackError::DataDirInUse {
                path: path.to_owned(),
                pid: pid.trim().to_owned(),
            }
            .into());
        }
        Err(TryLockError::Error(error)) => return Err(error).context("lock the data directory"),
    }
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", std::process::id())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::{DataDir, LOCK};
    use crate::error::StackError;

    fn error_of(result: anyhow::Result<DataDir>) -> StackError {
        result.unwrap_err().downcast().unwrap()
    }

    #[test]
    fn somebody_elses_directory_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thesis.tex"), "years of work").unwrap();
        assert!(matches!(
            error_of(DataDir::take(folder.path())),
            StackError::ForeignDataDir { .. }
        ));
        assert!(!folder.path().join(LOCK).exists());
    }

    #[test]
    fn a_directory_has_one_user_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::take(folder.path()).unwrap();
        match error_of(DataDir::take(folder.path())) {
            StackError::DataDirInUse { pid, .. } => assert_eq!(pid, std::process::id().to_string()),
            other => panic!("unexpected: {other}"),
        }
        drop(first);
        DataDir::take(folder.path()).unwrap();
    }

    #[test]
    fn data_of_another_major_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::take(folder.path()).unwrap();
        dir.mark("18").unwrap();
        assert!(dir.holds_data("18").unwrap());
        let error: StackError = dir.holds_data("19").unwrap_err().downcast().unwrap();
        assert!(
            error.to_string().contains("made by PostgreSQL 18"),
            "{error}"
        );
    }

    #[test]
    fn an_unfinished_first_start_is_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::take(folder.path()).unwrap();
        std::fs::create_dir(dir.pgdata()).unwrap();
        assert!(!dir.holds_data("18").unwrap());
        assert!(!dir.pgdata().exists());
    }
}
