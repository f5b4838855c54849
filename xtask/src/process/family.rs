//! What a process has started, in whatever group it is by now, as POSIX's `ps` tells.

use std::path::Path;

use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;

use super::{capture, describe, ChildGroup, Invocation};
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;

/// SIGKILL to a child and to all that it has started; returns when the child is gone.
pub fn kill_all(child: &mut ChildGroup, interrupt: &Interrupt) -> Result<()> {
    if child.try_wait().is_none() {
        for pid in below(child.group, &read(interrupt)?) {
            // One that has just ended needs no signal.
            let _ = kill(pid, Signal::SIGKILL);
        }
        child.kill();
    }
    Ok(())
}

/// The children of a process.
pub fn children(of: Pid, interrupt: &Interrupt) -> Result<Vec<Pid>> {
    Ok(children_in(&read(interrupt)?, of))
}

/// A process and its parent.
type Row = (Pid, Pid);

/// Every process of this moment.
fn read(interrupt: &Interrupt) -> Result<Vec<Row>> {
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

fn children_in(all: &[Row], of: Pid) -> Vec<Pid> {
    let mine = all.iter().filter(|(_, parent)| *parent == of);
    mine.map(|(pid, _)| *pid).collect()
}

/// The children of a process, theirs, and so on.
fn below(of: Pid, all: &[Row]) -> Vec<Pid> {
    let mut found = children_in(all, of);
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        let more = children_in(all, *pid);
        found.extend(more);
        next += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{below, children_in, row, Pid};

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
        assert_eq!(children_in(&all, Pid::from_raw(7)), pids(&[8, 9]));
        assert_eq!(below(Pid::from_raw(7), &all), pids(&[8, 9, 10]));
        assert!(below(Pid::from_raw(11), &all).is_empty());
    }
}
