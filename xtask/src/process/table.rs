//! The processes of the machine and their parents, as POSIX's `ps` tells them.

use std::path::Path;

use nix::unistd::Pid;

use super::{capture, describe, Invocation};
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;

/// A process and its parent.
pub type Row = (Pid, Pid);

/// Every process of this moment.
pub fn read(interrupt: &Interrupt) -> Result<Vec<Row>> {
    let invocation = Invocation::new(Path::new("/"), ["ps", "-A", "-o", "pid=,ppid="]);
    let said = capture("xtask", &invocation, interrupt)?;
    if !said.status.success() {
        return Err(Error::CommandFailed {
            unit: "xtask".to_owned(),
            command: invocation.command_line(),
            status: describe(said.status),
            log: None,
        });
    }
    Ok(said.text.lines().filter_map(row).collect())
}

fn row(line: &str) -> Option<Row> {
    let (pid, parent) = line.trim().split_once(char::is_whitespace)?;
    let number = |text: &str| text.trim().parse().ok().map(Pid::from_raw);
    Some((number(pid)?, number(parent)?))
}

/// The children of a process.
pub fn children(of: Pid, all: &[Row]) -> Vec<Pid> {
    let mine = all.iter().filter(|(_, parent)| *parent == of);
    mine.map(|(pid, _)| *pid).collect()
}

/// The children of a process, theirs, and so on.
pub fn below(of: Pid, all: &[Row]) -> Vec<Pid> {
    let mut found = children(of, all);
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        let more = children(*pid, all);
        found.extend(more);
        next += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{below, children, row, Pid};

    #[test]
    fn what_a_process_has_started_is_found_through_its_children() {
        let said = "    1     0\n  7 1\n 8   7\n 9 7\n 10 9\n 11 1\n";
        let all: Vec<_> = said.lines().filter_map(row).collect();
        assert_eq!(all.len(), 6);
        let pids = |numbers: &[i32]| -> Vec<Pid> {
            numbers
                .iter()
                .map(|number| Pid::from_raw(*number))
                .collect()
        };
        assert_eq!(children(Pid::from_raw(7), &all), pids(&[8, 9]));
        assert_eq!(below(Pid::from_raw(7), &all), pids(&[8, 9, 10]));
        assert!(below(Pid::from_raw(11), &all).is_empty());
    }
}
