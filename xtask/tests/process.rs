//! Children and what they start end with us.

mod common;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::Duration;

use common::{is_alive, wait_until};
use tempfile::TempDir;
use xtask::error::Error;
use xtask::interrupt::Interrupt;
use xtask::process::{ChildGroup, Invocation, Output};

struct Scratch(TempDir);

impl Scratch {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("logs/child.log")
    }

    fn start(&self, script: &str) -> ChildGroup {
        let invocation = Invocation::new(self.0.path(), ["sh", "-c", script]);
        ChildGroup::spawn("unit", &invocation, &Output::Log(&self.log())).unwrap()
    }

    /// The process id that the script wrote.
    fn pid(&self) -> i32 {
        let file = self.0.path().join("pid");
        let read = || {
            std::fs::read_to_string(&file)
                .ok()
                .and_then(|text| text.trim().parse().ok())
        };
        wait_until("the script writes its grandchild's id", || read().is_some());
        read().unwrap()
    }
}

/// Starts a grandchild in the background, which stays if nobody stops it.
const GRANDCHILD: &str = "sleep 600 & echo $! > pid.new; mv pid.new pid";

#[test]
fn dropping_a_child_kills_its_grandchildren() {
    let scratch = Scratch::new();
    let child = scratch.start(&format!("trap '' TERM; {GRANDCHILD}; wait"));
    let (child_pid, grandchild) = (i32::try_from(child.id()).unwrap(), scratch.pid());
    assert!(is_alive(child_pid) && is_alive(grandchild));
    drop(child);
    wait_until("both are gone", || {
        !is_alive(child_pid) && !is_alive(grandchild)
    });
}

#[test]
fn what_an_ended_child_left_behind_is_killed_too() {
    let scratch = Scratch::new();
    let mut child = scratch.start(&format!("{GRANDCHILD}; exit 3"));
    let status = child.wait(&Interrupt::default()).unwrap();
    assert_eq!(status.code(), Some(3));
    let grandchild = scratch.pid();
    wait_until("the grandchild is gone", || !is_alive(grandchild));
}

#[test]
fn stopping_is_polite_first() {
    let scratch = Scratch::new();
    let mut child =
        scratch.start("trap 'echo bye; exit 0' TERM; echo 1 > pid; while :; do sleep 0.05; done");
    scratch.pid();
    child.stop(Duration::from_secs(30));
    // Some shells also report the `sleep` that was stopped with them.
    assert!(std::fs::read_to_string(scratch.log())
        .unwrap()
        .ends_with("bye\n"));
    assert!(child.try_wait().unwrap().success());
}

#[test]
fn an_interrupt_ends_the_wait() {
    let scratch = Scratch::new();
    let mut child = scratch.start(&format!("{GRANDCHILD}; wait"));
    let grandchild = scratch.pid();
    let interrupt = Interrupt::default();
    interrupt.set();
    assert!(matches!(child.wait(&interrupt), Err(Error::Interrupted)));
    wait_until("the grandchild is gone", || !is_alive(grandchild));
}

#[test]
fn standard_output_can_be_read_while_errors_go_to_the_log() {
    let scratch = Scratch::new();
    let invocation = Invocation::new(
        scratch.0.path(),
        ["sh", "-c", "echo ready; echo trouble >&2"],
    );
    let mut child =
        ChildGroup::spawn("unit", &invocation, &Output::PipeAndLog(&scratch.log())).unwrap();
    let mut line = String::new();
    BufReader::new(child.take_stdout().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "ready\n");
    assert!(child.wait(&Interrupt::default()).unwrap().success());
    assert_eq!(std::fs::read_to_string(scratch.log()).unwrap(), "trouble\n");
}

#[test]
fn programs_are_found_in_the_given_folders_first_and_xtasks_own_variables_stay_here() {
    let scratch = Scratch::new();
    let tool = scratch.0.path().join("ls");
    std::fs::write(
        &tool,
        "#!/bin/sh\necho \"mine ${CARGO_PKG_NAME:-none} $GIVEN\"\n",
    )
    .unwrap();
    std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    // cargo sets CARGO_PKG_NAME for this test as `cargo run` does for xtask.
    assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
    let invocation = Invocation::new(scratch.0.path(), ["ls"])
        .with_path(scratch.0.path())
        .env("GIVEN", "given");
    let mut child = ChildGroup::spawn("unit", &invocation, &Output::Log(&scratch.log())).unwrap();
    assert!(child.wait(&Interrupt::default()).unwrap().success());
    assert_eq!(
        std::fs::read_to_string(scratch.log()).unwrap(),
        "mine none given\n"
    );
}

#[test]
fn a_program_or_folder_that_does_not_exist_is_named() {
    let scratch = Scratch::new();
    let start = |invocation: &Invocation| {
        let log = scratch.log();
        ChildGroup::spawn("python/x", invocation, &Output::Log(&log))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        start(&Invocation::new(
            scratch.0.path(),
            ["no-such-tool", "--all"]
        )),
        "python/x: cannot start `no-such-tool --all`: `no-such-tool` is not installed"
    );
    assert!(start(&Invocation::new("/no/such/folder", ["ls"]))
        .ends_with("the folder /no/such/folder does not exist"));
}
