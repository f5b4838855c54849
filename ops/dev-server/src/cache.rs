//! Where things live that are made once and used by every later start.

use std::env;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use anyhow::Context as _;
use nix::unistd::geteuid;

/// The cache folder: `TASKER_DEV_CACHE`, else `/var/cache/tasker-dev` for root (PostgreSQL's unprivileged user cannot enter root's home),
/// else `tasker-dev` in the user's cache folder.
pub fn folder() -> anyhow::Result<PathBuf> {
    let path = if let Some(given) = env::var_os("TASKER_DEV_CACHE") {
        PathBuf::from(given)
    } else if geteuid().is_root() {
        PathBuf::from("/var/cache/tasker-dev")
    } else if let Some(cache) = env::var_os("XDG_CACHE_HOME") {
        PathBuf::from(cache).join("tasker-dev")
    } else {
        PathBuf::from(
            env::var_os("HOME")
                .context("neither HOME nor TASKER_DEV_CACHE is set: no place for a cache")?,
        )
        .join(".cache/tasker-dev")
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(&path)
        .with_context(|| {
            format!(
                "create the cache folder {} (set TASKER_DEV_CACHE for another place)",
                path.display()
            )
        })?;
    Ok(path)
}
