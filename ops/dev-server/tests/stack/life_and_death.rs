//! Whatever ends a stack, nothing of it stays: no process, no open port, no directory.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use crate::harness::{is_open, pids_of, wait_for, Place};
use nix::fcntl::{fcntl, FcntlArg, FdFlag};
use nix::sys::signal::{kill, Signal};

#[test]
fn a_stop_signal_ends_everything_and_counts_as_success() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let place = Place::new();
        let mut stack = place.up(&[]);
        let ports = stack.ports();
        stack.signal(signal);
        let (status, words) = stack.wait();
        assert!(status.success(), "{signal}: {status} {words}");
        assert_eq!(words, "", "an orderly stop says nothing");
        place.assert_nothing_left();
        assert!(
            ports.iter().all(|port| !is_open(*port)),
            "{signal} left a port open"
        );
    }
}

#[test]
fn kill_9_leaves_nothing_behind() {
    let place = Place::new();
    let mut stack = place.up(&[]);
    let ports = stack.ports();
    stack.signal(Signal::SIGKILL);
    stack.wait();
    place.assert_nothing_left();
    assert!(ports.iter().all(|port| !is_open(*port)));
}

#[test]
fn after_kill_9_kept_data_comes_back_at_the_same_addresses() {
    let place = Place::new();
    let data = place.path("data").display().to_string();
    let mut stack = place.up(&["--data-dir", &data]);
    let ports = stack.ports();
    stack.signal(Signal::SIGKILL);
    stack.wait();
    // At once: the guard is still stopping PostgreSQL, which listens until then.
    let [api, database] = ports.map(|port| port.to_string());
    let arguments = ["--data-dir", &data, "--port", &api, "--pg-port", &database];
    let again = place.up(&arguments);
    assert_eq!(again.ports(), ports);
    again.stop();
}

#[test]
fn a_panic_leaves_nothing_behind() {
    let place = Place::new();
    let mut command = place.command(&["up", "--json"]);
    command.env("TASKER_DEV_PANIC", "1");
    let mut stack = place.up_with(command);
    let (status, words) = stack.wait();
    assert!(
        !status.success() && words.contains("panicked"),
        "{status}: {words}"
    );
    place.assert_nothing_left();
}

#[test]
fn a_closed_terminal_ends_everything() {
    let place = Place::new();
    let terminal = nix::pty::openpty(None, None).unwrap();
    let (ours, theirs): (OwnedFd, OwnedFd) = (terminal.master, terminal.slave);
    // The terminal is closed when the last holder of this end is gone, so the child must not hold it.
    fcntl(&ours, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
    let mut command = place.command(&["up"]);
    command
        .stdin(Stdio::from(theirs.try_clone().unwrap()))
        .stdout(Stdio::from(theirs.try_clone().unwrap()))
        .stderr(Stdio::from(theirs.try_clone().unwrap()));
    let raw = theirs.as_raw_fd();
    // SAFETY: two system calls between fork and exec.
    unsafe {
        command.pre_exec(move || {
            nix::unistd::setsid()?;
            nix::libc::ioctl(raw, nix::libc::TIOCSCTTY as _, 0);
            Ok(())
        });
    }
    let mut child = command.spawn().unwrap();
    drop((command, theirs));
    let mut said = String::new();
    wait_for("the banner", || {
        let mut text = [0_u8; 4096];
        let length = nix::unistd::read(&ours, &mut text).unwrap_or(0);
        said.push_str(&String::from_utf8_lossy(&text[..length]));
        said.contains("Stop it with Ctrl-C")
    });
    drop(ours);
    child.wait().unwrap();
    place.assert_nothing_left();
}

#[test]
fn the_end_of_standard_input_ends_everything_if_that_was_asked_for() {
    let place = Place::new();
    let mut command = place.command(&["up", "--json", "--until-stdin-ends"]);
    // Whoever started it holds the other end, as long as it lives.
    let mut holder = std::process::Command::new("sleep")
        .arg("1000")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    command.stdin(holder.stdout.take().unwrap());
    let mut stack = place.up_with(command);
    holder.kill().unwrap();
    holder.wait().unwrap();
    let (status, words) = stack.wait();
    assert!(status.success(), "{status} {words}");
    place.assert_nothing_left();
}

#[test]
fn when_the_guard_is_killed_too_the_kernel_and_the_next_start_clean_up() {
    let place = Place::new();
    let stack = place.up(&[]);
    let [_, database] = stack.ports();
    // Stopped, it cannot notice its guard's death and tidy up in the moment before it is killed.
    stack.signal(Signal::SIGSTOP);
    for pid in pids_of(&place, "tasker-dev-guard") {
        kill(pid, Signal::SIGKILL).unwrap();
    }
    stack.signal(Signal::SIGKILL);
    wait_for("PostgreSQL to end", || {
        !is_open(database) && place.processes().is_empty()
    });
    assert_eq!(place.run_dirs().len(), 1, "nobody was left to remove it");
    // The kernel closes a killed process' files, and with them the lock, a moment after the process has left the table.
    let lock = std::fs::File::open(place.run_dirs()[0].join("lock")).unwrap();
    lock.lock().unwrap();
    drop(lock);
    let next = place.up(&[]);
    assert_eq!(
        place.run_dirs().len(),
        1,
        "the next start removed it and made its own"
    );
    next.stop();
    place.assert_nothing_left();
}

#[test]
fn the_death_of_postgresql_is_reported_and_ends_the_stack() {
    let place = Place::new();
    let mut stack = place.up(&[]);
    let postmaster = pids_of(&place, "").into_iter().find(|pid| {
        std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.contains("/bin/postgres\0-D"))
    });
    kill(postmaster.expect("PostgreSQL runs"), Signal::SIGKILL).unwrap();
    let (status, words) = stack.wait();
    assert_eq!(status.code(), Some(1));
    assert!(
        words.contains("PostgreSQL exited unexpectedly (killed by signal"),
        "{words}"
    );
    place.assert_nothing_left();
}

#[test]
fn two_stacks_run_side_by_side_and_one_can_be_named() {
    let place = Place::new();
    let (one, two) = (place.up(&[]), place.up(&[]));
    assert_ne!(one.ports(), two.ports());
    let output = place.run(&["config", "worker"]);
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8(output.stderr).unwrap();
    let [port, database] = one.ports();
    let line = format!("  tasker-dev config worker --port {port} ");
    assert!(
        words.contains("2 stacks are running") && words.contains(&line),
        "{words}"
    );

    let of_one = |output: std::process::Output| {
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(&format!(":{database}/tasker")), "{text}");
    };
    of_one(place.run(&["config", "worker", "--port", &port.to_string()]));
    let mut command = place.command(&["config", "worker"]);
    command.env("TASKER_ORCHESTRATION_URL", one.url("orchestration_url"));
    of_one(command.output().unwrap());
    one.stop();
    two.stop();
    place.assert_nothing_left();
}

#[test]
fn a_stack_of_another_checkout_or_of_a_test_is_in_nobodys_way() {
    let place = Place::new();
    let (here, there) = (place.path("here"), place.path("there"));
    for folder in [&here, &there] {
        std::fs::create_dir_all(folder.join(".git")).unwrap();
    }
    let start = |folder: &std::path::Path| {
        let mut command = place.command(&["up", "--json"]);
        command.current_dir(folder);
        place.up_with(command)
    };
    let (mine, theirs) = (start(&here), start(&there));
    // The test's process holds the other end of this pipe.
    let (input, _end) = std::io::pipe().unwrap();
    let mut command = place.command(&["up", "--json", "--until-stdin-ends"]);
    command.current_dir(&here).stdin(input);
    let held = place.up_with(command);

    let mut command = place.command(&["config", "worker"]);
    let output = command.current_dir(&here).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(mine.url("database_url")), "{text}");
    for stack in [mine, theirs, held] {
        stack.stop();
    }
    place.assert_nothing_left();
}
