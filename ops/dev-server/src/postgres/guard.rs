//! The guard: a small process between tasker-dev and PostgreSQL that cleans up whatever happens to tasker-dev.
//!
//! It holds PostgreSQL as its child and one end of a pipe from tasker-dev. When that pipe closes, be it an orderly stop, a panic or
//! `kill -9`, it stops PostgreSQL and removes what was temporary. It lives in a session of its own, so that neither Ctrl-C nor a closed
//! terminal reaches it. Should the guard itself be killed, the kernel tells PostgreSQL (Linux), and the next start removes the rest.

use std::fs;
use std::io::{BufRead as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sys::signal::{kill, signal, SigHandler, Signal};
use nix::unistd::Pid;

use super::RunAs;

/// What the guard is to hold; sent as one line of JSON on its standard input.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Order {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Where PostgreSQL writes its log.
    pub log: PathBuf,
    /// As whom it runs.
    pub run_as: RunAs,
    /// Removed after PostgreSQL has ended.
    pub remove: Vec<PathBuf>,
    /// Kept open, so that its lock lasts as long as the guard.
    pub lock: PathBuf,
}

/// What the guard says on its standard output, one line of JSON each.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// PostgreSQL runs.
    Started {
        /// Its process id.
        pid: i32,
    },
    /// PostgreSQL ended by itself.
    Ended {
        /// How, in words.
        how: String,
        /// The last lines of its log, which is removed with the rest.
        log: String,
    },
    /// PostgreSQL could not be started.
    Failed {
        /// Why.
        why: String,
    },
}

/// How long a fast shutdown may take before it becomes an immediate one.
const FAST_SHUTDOWN: Duration = Duration::from_secs(20);
/// How long an immediate one may take before the process is killed.
const IMMEDIATE_SHUTDOWN: Duration = Duration::from_secs(5);

/// How much of PostgreSQL's log a message quotes.
const SHOWN_LINES: usize = 8;

/// The guard's whole life: one order after the other, until the pipe closes.
pub fn run() -> anyhow::Result<()> {
    detach();
    let mut remove = Vec::new();
    let mut lock = None;
    while let Some(order) = next_order()? {
        // Held to the end; a start that failed is followed by another order with the same lock.
        lock = lock.or_else(|| {
            fs::File::open(&order.lock)
                .and_then(|file| file.lock_shared().map(|()| file))
                .ok()
        });
        remove.clone_from(&order.remove);
        match start(&order) {
            Ok(mut postgres) => {
                report(&Report::Started {
                    pid: pid_of(&postgres).as_raw(),
                });
                match wait_for_end(&mut postgres)? {
                    Some(status) => report(&Report::Ended {
                        how: in_words(status),
                        log: end_of_log(&order.log),
                    }),
                    None => {
                        stop(&mut postgres);
                        break;
                    }
                }
            }
            Err(error) => report(&Report::Failed {
                why: error.to_string(),
            }),
        }
    }
    for path in &remove {
        let _ = fs::remove_dir_all(path);
    }
    Ok(())
}

/// The next line of the pipe, or nothing when it is closed.
fn next_order() -> anyhow::Result<Option<Order>> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("read an order")?;
    if line.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(&line)
        .map(Some)
        .context("understand an order")
}

fn detach() {
    // Fails only if we lead a session already.
    let _ = nix::unistd::setsid();
    for ignored in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGPIPE,
    ] {
        // SAFETY: ignoring a signal installs no handler code.
        let _ = unsafe { signal(ignored, SigHandler::SigIgn) };
    }
}

fn start(order: &Order) -> anyhow::Result<Child> {
    let log = fs::File::create(&order.log)?;
    let mut command = Command::new(&order.argv[0]);
    command
        .args(&order.argv[1..])
        .current_dir("/")
        // PostgreSQL needs nothing of ours, and PG* variables would change what it does.
        .env_clear()
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    order.run_as.apply(&mut command, Some(Signal::SIGINT));
    command
        .spawn()
        .with_context(|| format!("start {}", order.argv[0]))
}

/// Waits until PostgreSQL ends (its status) or tasker-dev goes away (nothing).
fn wait_for_end(postgres: &mut Child) -> anyhow::Result<Option<ExitStatus>> {
    let stdin = std::io::stdin();
    loop {
        if let Some(status) = postgres.try_wait()? {
            return Ok(Some(status));
        }
        let mut watched = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        // Wakes at once when the pipe closes; the period bounds how late an end of PostgreSQL is noticed.
        match poll(&mut watched, PollTimeout::from(50u16)) {
            Ok(0) | Err(nix::errno::Errno::EINTR) => {}
            _ => return Ok(None),
        }
    }
}

fn stop(postgres: &mut Child) {
    for (signal, patience) in [
        (Signal::SIGINT, FAST_SHUTDOWN),
        (Signal::SIGQUIT, IMMEDIATE_SHUTDOWN),
        (Signal::SIGKILL, IMMEDIATE_SHUTDOWN),
    ] {
        let _ = kill(pid_of(postgres), signal);
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if !matches!(postgres.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("process ids fit"))
}

fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "no exit code".to_owned(),
    }
}

/// The last lines, which name the reason of a failed start.
pub fn end_of_log(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

fn report(report: &Report) {
    // Nobody may be listening any more, and that is no reason to stop cleaning up.
    let text = serde_json::to_string(report).expect("reports are plain data");
    let _ = writeln!(std::io::stdout(), "{text}");
}
