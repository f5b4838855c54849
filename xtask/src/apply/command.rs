//! Commands with their output in a log.

use std::io::Write;
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::process::{describe, open_log, ChildGroup, Invocation, Output, GRACE};

/// A command that adds nothing to its log for this long hangs. Cargo may wait for half of it in silence, while another one builds in the
/// same folder.
const SILENCE: Duration = Duration::from_secs(20 * 60);
/// How often we look at the log.
const LOOK: Duration = Duration::from_millis(250);

/// Runs a command to its end with its output in the log.
pub fn run(unit: &str, invocation: &Invocation, log: &Path, interrupt: &Interrupt) -> Result<()> {
    let child = ChildGroup::spawn(unit, invocation, &Output::Log(log))?;
    finish(child, unit, invocation, log, interrupt)
}

pub fn finish(
    child: ChildGroup,
    unit: &str,
    invocation: &Invocation,
    log: &Path,
    interrupt: &Interrupt,
) -> Result<()> {
    let Some(status) = end_of(child, log, SILENCE, interrupt)? else {
        let minutes = SILENCE.as_secs() / 60;
        return Err(Error::CommandFailed {
            unit: unit.to_owned(),
            command: invocation.command_line(),
            status: format!("{minutes} minutes without output, so it was stopped"),
            log: Some(log.to_owned()),
        });
    };
    if status.success() {
        return Ok(());
    }
    Err(Error::CommandFailed {
        unit: unit.to_owned(),
        command: invocation.command_line(),
        status: describe(status),
        log: Some(log.to_owned()),
    })
}

/// How a command ended; none if it was stopped because its log did not grow for this long.
fn end_of(
    mut child: ChildGroup,
    log: &Path,
    silence: Duration,
    interrupt: &Interrupt,
) -> Result<Option<ExitStatus>> {
    let length = || std::fs::metadata(log).map_or(0, |data| data.len());
    let (mut before, mut since) = (length(), Instant::now());
    loop {
        if let Some(status) = child.wait_part(LOOK, interrupt)? {
            return Ok(Some(status));
        }
        let now = length();
        if now != before {
            (before, since) = (now, Instant::now());
        } else if since.elapsed() >= silence {
            // Python, Ruby and Bun answer this signal with where they are.
            child.signal(Signal::SIGABRT);
            child.wait_for(GRACE);
            child.stop(GRACE);
            return Ok(None);
        }
    }
}

pub fn note(log: &Path, line: &str) -> Result<()> {
    writeln!(open_log(log)?, "{line}").map_err(Error::io("write", log))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(folder: &Path, script: &str) -> (ChildGroup, std::path::PathBuf) {
        let log = folder.join("log");
        let invocation = Invocation::new(folder, ["sh", "-c", script]);
        let child = ChildGroup::spawn("a/unit", &invocation, &Output::Log(&log)).unwrap();
        (child, log)
    }

    #[test]
    fn a_command_that_hangs_says_where_and_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap 'echo here; exit 134' ABRT; echo begun; while :; do sleep 0.05; done";
        let (child, log) = child(folder.path(), script);
        let ended = end_of(child, &log, Duration::from_secs(2), &Interrupt::default()).unwrap();
        assert_eq!(ended, None);
        assert_eq!(std::fs::read_to_string(log).unwrap(), "begun\nhere\n");
    }

    #[test]
    fn a_command_that_takes_longer_but_prints_is_let_alone() {
        let folder = tempfile::tempdir().unwrap();
        let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do echo $i; sleep 0.5; done";
        let (child, log) = child(folder.path(), script);
        let ended = end_of(child, &log, Duration::from_secs(5), &Interrupt::default()).unwrap();
        assert!(ended.unwrap().success());
    }
}
