//! Folders of runs: each run has one for its logs, and old ones go.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Relative to the repository.
pub const FOLDER: &str = "target/xtask/runs";
/// How many runs are kept, the newest ones.
pub const KEPT: usize = 20;

/// The name of a run that starts now: names sort by time.
pub fn new_id() -> String {
    let now = time::OffsetDateTime::now_utc();
    format!(
        "{:04}{:02}{:02}-{:02}{:02}{:02}.{:03}-{}",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second(),
        now.millisecond(),
        std::process::id()
    )
}

/// Makes a run's folder, and removes those of the oldest runs.
pub fn create(root: &Path, id: &str) -> Result<PathBuf> {
    let all = root.join(FOLDER);
    let folder = all.join(id);
    std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    let mut runs: Vec<PathBuf> = std::fs::read_dir(&all)
        .map_err(Error::io("read", &all))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_dir())
        .collect();
    runs.sort();
    for old in runs.iter().take(runs.len().saturating_sub(KEPT)) {
        // Another xtask may be removing the same one.
        let _ = std::fs::remove_dir_all(old);
    }
    Ok(folder)
}
