//! Ctrl-C and signals leave no process behind, nor does `kill -9`.

mod common;

use std::process::Stdio;

use common::{is_alive, wait_until, Fixture, Guard, Ran};
use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;

/// Kills what a failed test would leave behind.
struct Cleaner(Vec<i32>);

impl Drop for Cleaner {
    fn drop(&mut self) {
        for pid in self.0.iter().filter(|pid| is_alive(**pid)) {
            let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
        }
    }
}

/// A run with a child that hangs, and the child's and the grandchild's numbers.
fn hanging(fixture: &Fixture) -> (Guard, Vec<i32>) {
    fixture.write("python/greeter/tests/HANG", "");
    let mut command = fixture.xtask(&["test", "--unit", "greeter"]);
    let running = Guard(
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let pids = || -> Vec<i32> {
        let text = std::fs::read_to_string(fixture.root.join("python/greeter/tests/pids"))
            .unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    };
    wait_until("a child and a grandchild run", || pids().len() == 2);
    let pids = pids();
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    (running, pids)
}

fn no_process_remains_after(signal: Signal) {
    let fixture = Fixture::new();
    let (mut running, pids) = hanging(&fixture);
    let _cleaner = Cleaner(pids.clone());

    kill(Pid::from_raw(running.0.id().try_into().unwrap()), signal).unwrap();
    wait_until("xtask ends", || running.0.try_wait().unwrap().is_some());
    let mut child = std::mem::replace(
        &mut running.0,
        std::process::Command::new("true").spawn().unwrap(),
    );
    let status = child.wait().unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(status.code(), Some(130), "{ran:?}");
    assert!(
        ran.err
            .contains("error: interrupted; every started process was stopped"),
        "{ran:?}"
    );
    assert!(ran.out.contains(" stop python/greeter:pytest"), "{ran:?}");
    assert!(
        ran.out
            .contains("\nstopped while running: python/greeter:pytest "),
        "{ran:?}"
    );
    // Killing is sent when xtask ends; the kernel may take a moment with it.
    wait_until("child and grandchild are gone", || {
        pids.iter().all(|pid| !is_alive(*pid))
    });
}

#[test]
fn after_ctrl_c() {
    no_process_remains_after(Signal::SIGINT);
}

#[test]
fn after_sigterm() {
    no_process_remains_after(Signal::SIGTERM);
}

#[test]
fn after_the_terminal_was_closed() {
    no_process_remains_after(Signal::SIGHUP);
}

#[test]
fn after_kill_9_too() {
    let fixture = Fixture::new();
    let (mut running, pids) = hanging(&fixture);
    let _cleaner = Cleaner(pids.clone());
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    wait_until("child and grandchild are gone", || {
        pids.iter().all(|pid| !is_alive(*pid))
    });
}
