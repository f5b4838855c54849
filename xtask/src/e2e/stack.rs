//! The local stack for runs of examples and for benchmarks: `tasker-dev`, held as a child.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::lang::Planner;
use crate::process::{describe, ChildGroup, Invocation, Output};

/// The first start after an upgrade makes a data directory; a loaded machine may take its time.
const PATIENCE: Duration = Duration::from_secs(90);
/// `tasker-dev` itself bounds every part of its stop.
const STOP_PATIENCE: Duration = Duration::from_secs(40);

/// The folder of the local stack's unit.
pub const DEV_SERVER: &str = "ops/dev-server";

/// The program of the local stack and the variables that it needs.
pub struct DevServer {
    /// The program, which is built by then.
    pub program: PathBuf,
    pub env: Vec<(String, String)>,
}

/// Plans what makes the local stack's program ready.
pub fn dev_server(planner: &mut Planner<'_>) -> Result<DevServer> {
    let repo = planner.repo;
    let missing = |why: &str| Error::BadFile {
        file: DEV_SERVER.into(),
        line: None,
        why: why.to_owned(),
        fix: None,
    };
    let server = repo
        .unit(DEV_SERVER)
        .ok_or_else(|| missing("the local stack is not in this repository"))?;
    let env = planner.provide(server)?.env;
    let program = env
        .iter()
        .find(|(name, _)| name == "TASKER_DEV_BIN")
        .map(|(_, value)| PathBuf::from(value));
    let program = program.ok_or_else(|| missing("its unit provides no program"))?;
    Ok(DevServer { program, env })
}

/// The ready line of `tasker-dev up --json`.
#[derive(Clone, Debug, Deserialize, serde::Serialize)]
pub struct Ready {
    /// Where the REST API is.
    pub orchestration_url: String,
    /// Where the database is.
    pub database_url: String,
    pub postgres_version: String,
    /// Version of the PGMQ extension.
    pub pgmq_version: String,
    /// Version of Tasker Core.
    pub core_version: String,
    /// How long the start took, in milliseconds.
    pub startup_ms: u64,
    /// The same by phase, in milliseconds.
    pub phases_ms: std::collections::BTreeMap<String, u64>,
}

/// A running stack. Dropping it ends it.
#[derive(Debug)]
pub struct Stack {
    /// What it said when it was ready.
    pub ready: Ready,
    child: ChildGroup,
}

impl Stack {
    /// Starts `program up --json` with more arguments, and waits for its ready line.
    pub fn start(invocation: Invocation, log: &Path, interrupt: &Interrupt) -> Result<Self> {
        let mut child = ChildGroup::spawn("stack", &invocation, &Output::PipeAndLog(log))?;
        let lines = first_line(&mut child);
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(line) = lines.recv_timeout(Duration::from_millis(20)) {
                if let Ok(ready) = serde_json::from_str(&line) {
                    return Ok(Self { ready, child });
                }
            }
            if interrupt.is_set() {
                return Err(Error::Interrupted);
            }
            if let Some(status) = child.try_wait() {
                return Err(Error::ended(
                    "the local stack",
                    format!("ended with {}", describe(status)),
                    log,
                ));
            }
            if Instant::now() > deadline {
                let why = format!("was not ready within {} s", PATIENCE.as_secs());
                return Err(Error::ended("the local stack", why, log));
            }
        }
    }

    /// The command line, for a database of its own or for one that is already there.
    pub fn invocation(
        program: &Path,
        env: Vec<(String, String)>,
        database_url: Option<&str>,
    ) -> Invocation {
        let mut argv = vec![
            program.display().to_string(),
            "up".to_owned(),
            "--json".to_owned(),
        ];
        if let Some(url) = database_url {
            argv.extend(["--database-url".to_owned(), url.to_owned()]);
        }
        Invocation::new(PathBuf::from("/"), argv).envs(env)
    }

    /// Stops it in an orderly way.
    pub fn stop(mut self) {
        self.child.signal(Signal::SIGTERM);
        self.child.wait_for(STOP_PATIENCE);
    }
}

/// Reads one line on a thread of its own, because reading a pipe cannot be interrupted.
fn first_line(child: &mut ChildGroup) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(pipe) = child.take_stdout() {
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(pipe).read_line(&mut line);
            let _ = sender.send(line);
        });
    }
    receiver
}
