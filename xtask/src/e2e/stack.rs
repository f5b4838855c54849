//! The local stack for runs of examples and for benchmarks: `tasker-dev`, held as a child.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde::Deserialize;

use crate::docker::{Engine, Project};
use crate::error::{Error, Result};
use crate::http::Http;
use crate::interrupt::Interrupt;
use crate::lang::Planner;
use crate::process::{describe, ChildGroup, Invocation, Output};

/// The first start after an upgrade makes a data directory; a loaded machine may take its time.
const PATIENCE: Duration = Duration::from_secs(90);
/// `tasker-dev` itself bounds every part of its stop.
const STOP_PATIENCE: Duration = Duration::from_secs(40);

/// The stack of containers.
const COMPOSE_FILE: &str = "ops/docker/development/compose.yaml";
/// Of a database that lives for one run and is published on loopback only.
const PASSWORD: &str = "postgres";
/// A version that nobody told.
const UNKNOWN: &str = "(unknown)";

/// The file of its output, in the folder of a run's logs.
pub const STACK_LOG: &str = "stack.log";

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

/// What a stack is and where: the ready line of `tasker-dev up --json`, or the same about another one.
#[derive(Clone, Debug, Deserialize, serde::Serialize)]
pub struct Ready {
    /// `embedded`, `docker` or `external`.
    #[serde(default = "embedded")]
    pub kind: String,
    /// Where the REST API is.
    pub orchestration_url: String,
    /// Where the database is.
    pub database_url: String,
    pub postgres_version: String,
    /// Version of the PGMQ extension.
    pub pgmq_version: String,
    /// Version of Tasker Core.
    pub core_version: String,
    /// Whether tasker-recovery runs, so that several workers may use the delivery `Hybrid`.
    #[serde(default)]
    pub recovery: bool,
    /// How long the start took, in milliseconds.
    pub startup_ms: u64,
    /// The same by phase, in milliseconds.
    pub phases_ms: std::collections::BTreeMap<String, u64>,
}

fn embedded() -> String {
    "embedded".to_owned()
}

/// A running stack. Dropping it ends it, if it was started here.
#[derive(Debug)]
pub struct Stack {
    /// What it said when it was ready.
    pub ready: Ready,
    held: Held,
    /// How to start it again, if its data stays.
    again: Option<Again>,
}

/// What a stack that is killed is started with again.
#[derive(Debug)]
struct Again {
    invocation: Invocation,
    log: PathBuf,
    data: PathBuf,
}

/// What has to be ended.
#[derive(Debug)]
enum Held {
    Child(ChildGroup),
    Docker(Project),
    Nothing,
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
                    return Ok(Self::of(ready, Held::Child(child)));
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

    /// The Compose file of `ops/docker/development`, with free ports.
    pub fn docker(engine: &Engine, root: &Path, tag: &str, logs: &Path) -> Result<Self> {
        let begun = Instant::now();
        let env = [
            ("POSTGRES_PORT", "0"),
            ("TASKER_PORT", "0"),
            ("POSTGRES_PASSWORD", PASSWORD),
            ("TASKER_POSTGRES_IMAGE", &format!("tasker-postgres:{tag}")),
            ("TASKER_SERVER_IMAGE", &format!("tasker-server:{tag}")),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let project = Project::up(engine, &root.join(COMPOSE_FILE), env.into(), logs)?;
        let said = project.said("migrate")?;
        let version = |label: &str| version_after(&said, label);
        let ready = Ready {
            kind: "docker".to_owned(),
            orchestration_url: format!("http://{}", project.address("server", 8080)?),
            database_url: format!(
                "postgresql://postgres:{PASSWORD}@{}/tasker",
                project.address("postgres", 5432)?
            ),
            postgres_version: version("PostgreSQL "),
            pgmq_version: version("PGMQ "),
            core_version: version("Tasker Core "),
            recovery: true,
            startup_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            phases_ms: std::collections::BTreeMap::new(),
        };
        Ok(Self::of(ready, Held::Docker(project)))
    }

    /// A server that is there, and its database, which the app uses, too.
    pub fn external(url: &str, database_url: Option<String>) -> Result<Self> {
        let refuse = |why: String, fix: &str| Error::Docker {
            why,
            fix: fix.to_owned(),
        };
        let url = url.trim_end_matches('/');
        let database_url = database_url.ok_or_else(|| {
            refuse(
                format!("--stack {url} is a server, and apps need its database, too"),
                "set DATABASE_URL to the server's database",
            )
        })?;
        let fix = "check the address, and that the server is running";
        let answer = Http::new(Duration::from_secs(5))
            .get(&format!("{url}/health/detailed"))
            .map_err(|why| refuse(format!("--stack {url} does not answer: {why}"), fix))?;
        let version = answer.body["info"]["version"].as_str();
        let core = version.ok_or_else(|| {
            refuse(
                format!("--stack {url} is not a Tasker server: /health/detailed names no version"),
                fix,
            )
        })?;
        let ready = Ready {
            kind: "external".to_owned(),
            orchestration_url: url.to_owned(),
            database_url,
            postgres_version: UNKNOWN.to_owned(),
            pgmq_version: UNKNOWN.to_owned(),
            core_version: core.to_owned(),
            recovery: false,
            startup_ms: 0,
            phases_ms: std::collections::BTreeMap::new(),
        };
        Ok(Self::of(ready, Held::Nothing))
    }

    fn of(ready: Ready, held: Held) -> Self {
        let again = None;
        Self { ready, held, again }
    }

    /// Starts it with its data in a folder, so that it can be killed and comes back.
    ///
    /// `--data-dir` leaves PostgreSQL its defaults, among them `synchronous_commit = on`: what was committed outlives a kill of one of its processes. The
    /// throw-away data of other runs is written with `off`, and a kill would take the last commits along.
    pub fn kept(
        program: &Path,
        env: Vec<(String, String)>,
        data: &Path,
        log: &Path,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let mut invocation = Self::invocation(program, env, None);
        let folder = data.display().to_string();
        invocation.argv.extend(["--data-dir".to_owned(), folder]);
        let mut stack = Self::start(invocation.clone(), log, interrupt)?;
        for (option, url) in [
            ("--port", &stack.ready.orchestration_url),
            ("--pg-port", &stack.ready.database_url),
        ] {
            let words = [option.to_owned(), port_of(url).to_owned()];
            invocation.argv.extend(words);
        }
        stack.again = Some(Again {
            invocation,
            log: log.to_owned(),
            data: data.to_owned(),
        });
        Ok(stack)
    }

    /// Kills the program (its guard then ends PostgreSQL) and starts it again, at the same addresses and with the same data. Does nothing to a stack whose
    /// data is thrown away.
    pub fn kill(&mut self, interrupt: &Interrupt) -> Result<()> {
        let (Held::Child(child), Some(again)) = (&mut self.held, self.again.take()) else {
            return Ok(());
        };
        child.signal(Signal::SIGKILL);
        child.wait_for(STOP_PATIENCE);
        let new = Self::start(again.invocation.clone(), &again.log, interrupt);
        self.again = Some(again);
        let mut new = new?;
        self.ready = new.ready.clone();
        self.held = std::mem::replace(&mut new.held, Held::Nothing);
        Ok(())
    }

    /// The folder that its data stays in.
    pub fn data(&self) -> Option<&Path> {
        self.again.as_ref().map(|again| again.data.as_path())
    }

    /// Fails if its program has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        let (Held::Child(child), Some(again)) = (&mut self.held, &self.again) else {
            return Ok(());
        };
        match child.try_wait() {
            None => Ok(()),
            Some(status) => Err(Error::ended(
                "the local stack",
                format!("ended with {}", describe(status)),
                &again.log,
            )),
        }
    }

    /// Stops it in an orderly way.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Child(mut child) => {
                child.signal(Signal::SIGTERM);
                child.wait_for(STOP_PATIENCE);
            }
            Held::Docker(project) => drop(project),
            Held::Nothing => {}
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // Its data is in a folder of ours, which can be removed when PostgreSQL is gone.
        if self.again.is_some() {
            self.end();
        }
    }
}

/// The port in `scheme://…@host:port/…`.
pub fn port_of(url: &str) -> &str {
    let (_, behind) = url.rsplit_once(':').unwrap_or_default();
    behind.split('/').next().unwrap_or_default()
}

/// The word after a label in what `tasker-dev migrate` says.
fn version_after(said: &str, label: &str) -> String {
    let rest = said.rsplit_once(label).map_or("", |(_, rest)| rest);
    let word: String = rest
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "._-".contains(*c))
        .collect();
    if word.is_empty() {
        UNKNOWN.to_owned()
    } else {
        word
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

#[cfg(test)]
mod tests {
    use super::{port_of, version_after};

    #[test]
    fn the_port_is_read_from_both_urls() {
        let database = "postgresql://tasker:tasker@127.0.0.1:42111/tasker";
        assert_eq!(port_of(database), "42111");
        assert_eq!(port_of("http://127.0.0.1:39133"), "39133");
    }

    #[test]
    fn versions_are_read_from_what_migrate_says() {
        let said = "postgresql://postgres:***@postgres:5432/tasker is migrated: 8 migrations ran (Tasker Core 0.1.8, PostgreSQL 18.4, PGMQ 1.11.1, an extension).\n";
        assert_eq!(version_after(said, "Tasker Core "), "0.1.8");
        assert_eq!(version_after(said, "PostgreSQL "), "18.4");
        assert_eq!(version_after(said, "PGMQ "), "1.11.1");
        assert_eq!(version_after("nothing", "PGMQ "), "(unknown)");
    }
}
