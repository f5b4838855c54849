//! What ends xtask's children when xtask is killed in a way that it cannot see: a second process of this program that reads a pipe.
//!
//! Each process group is announced before it is waited for and taken back when it has ended. The pipe closes when xtask is gone, however it went; what
//! was not taken back until then is stopped. The kernel's parent-death signal would reach the first process of each group alone,
//! and only on Linux.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{killpg, Signal};
use nix::unistd::Pid;

/// How long a group may take to stop after SIGTERM before SIGKILL.
pub const GRACE: Duration = Duration::from_secs(5);
/// The argument that makes the program a guard.
const ARGUMENT: &str = "__guard";
/// How often the guard looks whether what it has stopped is gone.
const POLL: Duration = Duration::from_millis(20);

static PIPE: OnceLock<Option<Mutex<ChildStdin>>> = OnceLock::new();
/// Whether this program can be its own guard. A program of tests that uses this library cannot.
static CAN_GUARD: AtomicBool = AtomicBool::new(false);

/// The first thing that `main` calls. With the guard's argument this guards until xtask is gone, and gives true; else children are guarded from here on.
pub fn answered(args: impl IntoIterator<Item = OsString>) -> bool {
    let is_guard = args.into_iter().nth(1).is_some_and(|word| word == ARGUMENT);
    if is_guard {
        run();
    } else {
        CAN_GUARD.store(true, Ordering::Relaxed);
    }
    is_guard
}

/// Says that a group has started. The first call starts the guard; without one everything works but this.
pub fn watch(group: Pid) {
    tell('+', group);
}

/// Says that a group has ended, so that its number can be somebody else's.
pub fn forget(group: Pid) {
    tell('-', group);
}

fn tell(sign: char, group: Pid) {
    if let Some(pipe) = PIPE.get_or_init(start) {
        let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
        // A guard that is gone guards nothing; the run goes on.
        let _ = writeln!(pipe, "{sign}{group}");
    }
}

fn start() -> Option<Mutex<ChildStdin>> {
    if !CAN_GUARD.load(Ordering::Relaxed) {
        return None;
    }
    let guard = Command::new(std::env::current_exe().ok()?)
        .arg(ARGUMENT)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C is for xtask.
        .process_group(0)
        .spawn();
    guard.ok()?.stdin.map(Mutex::new)
}

/// The guard: reads until xtask is gone, then stops what is left.
fn run() {
    let mut groups = BTreeSet::new();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let (sign, number) = line.split_at_checked(1).unwrap_or_default();
        // A group of one's own has a number above 1; 0 and 1 would be others'.
        if let Some(number) = number.parse().ok().filter(|number: &i32| *number > 1) {
            if sign == "+" {
                groups.insert(number);
            } else {
                groups.remove(&number);
            }
        }
    }
    let deadline = Instant::now() + GRACE;
    let all = |signal| {
        let sent = groups
            .iter()
            .map(|group| killpg(Pid::from_raw(*group), signal));
        sent.filter(Result::is_ok).count()
    };
    all(Some(Signal::SIGTERM));
    while all(None) > 0 {
        if Instant::now() >= deadline {
            all(Some(Signal::SIGKILL));
            return;
        }
        std::thread::sleep(POLL);
    }
}
