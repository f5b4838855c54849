//! The private directory of one running stack, and how others find it.
//!
//! All of them lie in one folder of the user's below the system's temporary directory. Each holds a lock for as long as the stack or its
//! guard lives; a directory whose lock is free was left by a stack that was killed together with its guard, and the next start removes it.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nix::unistd::geteuid;

use crate::error::StackError;

const LOCK: &str = "lock";
const INSTANCE: &str = "instance.json";

/// What a running stack tells other commands about itself.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Instance {
    /// The process that runs it.
    pub pid: u32,
    /// Where its REST API is.
    pub orchestration_url: String,
    /// Where its database is.
    pub database_url: String,
    /// The data directory, unless it is a temporary one.
    pub data_dir: Option<PathBuf>,
    /// The working folder of who started it.
    #[serde(default)]
    pub started_in: PathBuf,
    /// A program started it for itself and ends it: a test, for example.
    #[serde(default)]
    pub held: bool,
}

impl Instance {
    /// The port of its REST API.
    pub fn port(&self) -> Option<u16> {
        url::Url::parse(&self.orchestration_url).ok()?.port()
    }
}

/// The directory of this process' stack. Removed when dropped, unless the guard was faster.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    _lock: File,
}

impl RunDir {
    /// Removes what dead stacks left and makes a new directory.
    pub fn create() -> anyhow::Result<Self> {
        let parent = parent()?;
        sweep(&parent);
        let path = tempfile::Builder::new()
            .prefix("run-")
            .tempdir_in(&parent)?
            .keep();
        // PostgreSQL may run as another user, who has to pass but not to list.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o711))?;
        // Locked before it has its name, so that nobody ever sees it unlocked.
        let lock = tempfile::NamedTempFile::new_in(&path)?;
        lock.as_file()
            .lock_shared()
            .context("lock our own directory")?;
        let lock = lock.persist(path.join(LOCK))?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file whose lock says that the stack lives.
    pub fn lock_path(&self) -> PathBuf {
        self.path.join(LOCK)
    }

    /// Tells other commands about this stack.
    pub fn announce(&self, instance: &Instance) -> anyhow::Result<()> {
        let place = self.path.join(INSTANCE);
        let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
        serde_json::to_writer(&mut file, instance)?;
        file.persist(place)?;
        Ok(())
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The stacks of this user that run now.
pub fn running() -> anyhow::Result<Vec<Instance>> {
    let parent = parent()?;
    let mut found: Vec<Instance> = directories(&parent)
        .filter(|path| is_locked(path))
        .filter_map(|path| fs::read(path.join(INSTANCE)).ok())
        .filter_map(|text| serde_json::from_slice(&text).ok())
        .collect();
    found.sort_by_key(|instance| instance.pid);
    Ok(found)
}

fn parent() -> anyhow::Result<PathBuf> {
    let user = geteuid();
    let path = std::env::temp_dir().join(format!("tasker-dev-{user}"));
    match fs::DirBuilder::new().mode(0o711).create(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("create {}", path.display()));
        }
        _ => {}
    }
    // Others can create names in the temporary directory, so ours is not ours until we looked.
    let meta = fs::symlink_metadata(&path)?;
    let why = if !meta.is_dir() {
        "it is not a directory"
    } else if meta.uid() != user.as_raw() {
        "it belongs to another user"
    } else if meta.mode() & 0o022 != 0 {
        "others may write to it"
    } else {
        return Ok(path);
    };
    Err(StackError::UnsafeDirectory { path, why }.into())
}

fn directories(parent: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("run-"))
        .map(|entry| entry.path())
}

fn is_locked(path: &Path) -> bool {
    File::open(path.join(LOCK))
        .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

fn sweep(parent: &Path) {
    for path in directories(parent) {
        // Without a lock file it is being made right now, or was never finished; an hour tells them apart.
        let age = fs::metadata(&path)
            .and_then(|meta| meta.modified())
            .ok()
            .and_then(|time| time.elapsed().ok());
        let unfinished = !path.join(LOCK).exists() && age.is_none_or(|age| age.as_secs() < 3600);
        if !unfinished && !is_locked(&path) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}
