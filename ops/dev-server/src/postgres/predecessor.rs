//! The PostgreSQL that used a data directory before us.
//!
//! After `kill -9` of tasker-dev its guard is still stopping PostgreSQL when the next start comes, so that one waits. What a crash left is
//! only a file that names a process; when that process is dead, or is another program by now, the file is in the way and goes.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::error::StackError;

/// Longer than a guard gives PostgreSQL.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for the end of a predecessor and removes what a crashed one left.
///
/// # Errors
/// [`StackError::DataDirInUse`] if it does not end.
pub async fn wait_for_end(pgdata: &Path) -> anyhow::Result<()> {
    let file = pgdata.join("postmaster.pid");
    let deadline = Instant::now() + PATIENCE;
    while let Some(pid) = named_in(&file) {
        if !is_postgres(pid) {
            fs::remove_file(&file)?;
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(StackError::DataDirInUse {
                path: pgdata.to_owned(),
                pid: pid.to_string(),
            }
            .into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

fn named_in(file: &Path) -> Option<Pid> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().next()?.trim().parse().ok().map(Pid::from_raw)
}

#[cfg(target_os = "linux")]
fn is_postgres(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // `pid (name) state …`: a zombie is dead, its parent has just not looked yet.
    let Some((name, rest)) = stat
        .split_once(" (")
        .and_then(|(_, rest)| rest.split_once(") "))
    else {
        return false;
    };
    name == "postgres" && !rest.starts_with(['Z', 'X']) && kill(pid, None).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn is_postgres(pid: Pid) -> bool {
    kill(pid, None).is_ok()
}

#[cfg(test)]
mod tests {
    use super::wait_for_end;

    #[tokio::test]
    async fn a_file_that_names_another_program_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("postmaster.pid");
        std::fs::write(&file, format!("{}\n/data\n", std::process::id())).unwrap();
        wait_for_end(folder.path()).await.unwrap();
        assert!(!file.exists());
    }
}
