//! Commands with their output in a log.

use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::process::{describe, open_log, ChildGroup, Invocation, Output};

/// Runs a command to its end with its output in the log.
pub fn run(unit: &str, invocation: &Invocation, log: &Path, interrupt: &Interrupt) -> Result<()> {
    let child = ChildGroup::spawn(unit, invocation, &Output::Log(log))?;
    finish(child, unit, invocation, log, interrupt)
}

pub fn finish(
    mut child: ChildGroup,
    unit: &str,
    invocation: &Invocation,
    log: &Path,
    interrupt: &Interrupt,
) -> Result<()> {
    let status = child.wait(interrupt)?;
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

pub fn note(log: &Path, line: &str) -> Result<()> {
    writeln!(open_log(log)?, "{line}").map_err(Error::io("write", log))
}
