//! The processes of an example's app, started as its user would start them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::spec::{fill, App, Example};
use super::stack::{Ready, STACK_LOG};
use crate::error::{Error, Result};
use crate::http::Http;
use crate::interrupt::Interrupt;
use crate::lang::Provided;
use crate::process::{describe, family, ChildGroup, Invocation, Output};

/// How long an app may take until it says that it is ready.
const READY_PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// How long a draining app may take to end.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// Whoever wants to know what is waited for; called again and again.
pub trait Wait {
    /// Something is not there yet.
    fn on(&mut self, what: &str);
}

/// What the commands of an app are filled with.
pub struct Surroundings {
    /// The unit, for messages.
    pub unit: String,
    pub folder: PathBuf,
    /// What its environment provides.
    pub provided: Provided,
    /// The port it has to serve on.
    pub port: u16,
    /// Ports of its further processes, by the names that its commands give them.
    pub ports: RefCell<BTreeMap<String, u16>>,
    /// A private folder of this run.
    pub work: PathBuf,
    pub example: PathBuf,
    pub stack: Ready,
    pub logs: PathBuf,
}

impl Surroundings {
    /// Where the app's own output goes.
    pub fn app_log(&self) -> PathBuf {
        self.logs.join("app.log")
    }

    /// Where the stack's output goes.
    pub fn stack_log(&self) -> PathBuf {
        self.logs.join(STACK_LOG)
    }

    /// The app's base URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The free port that `{port:NAME}` stands for, the same one each time.
    fn named_port(&self, name: &str) -> Option<u16> {
        let mut ports = self.ports.borrow_mut();
        if !ports.contains_key(name) {
            ports.insert(name.to_owned(), free_port().ok()?);
        }
        ports.get(name).copied()
    }

    /// Fills in `{port}`, `{port:NAME}`, `{work}`, `{example}`, `{logs}`, `{database_url}` and `{orchestration_url}`.
    pub fn fill(&self, text: &str) -> Result<String> {
        let value = |name: &str| {
            Some(match name {
                "port" => self.port.to_string(),
                "work" => self.work.display().to_string(),
                "example" => self.example.display().to_string(),
                "logs" => self.logs.display().to_string(),
                "database_url" => self.stack.database_url.clone(),
                "orchestration_url" => self.stack.orchestration_url.clone(),
                _ => {
                    return self
                        .named_port(name.strip_prefix("port:")?)
                        .map(|port| port.to_string())
                }
            })
        };
        fill(text, value).map_err(|name| Error::BadFile {
            file: self.example.join(super::spec::FILE),
            line: None,
            why: format!("`{{{name}}}` in {text:?} is unknown"),
            fix: Some(
                "use {port}, {port:NAME}, {work}, {example}, {logs}, {database_url} or {orchestration_url}"
                    .into(),
            ),
        })
    }

    /// A command of the app in its environment.
    pub fn invocation(&self, app: &App, argv: &[String]) -> Result<Invocation> {
        let argv = argv
            .iter()
            .map(|word| self.fill(word))
            .collect::<Result<Vec<_>>>()?;
        let mut invocation = self
            .provided
            .path
            .iter()
            .fold(Invocation::new(&self.folder, argv), |invocation, folder| {
                invocation.with_path(folder)
            })
            .envs(self.provided.env.clone())
            .env("DATABASE_URL", &self.stack.database_url)
            .env("TASKER_ORCHESTRATION_URL", &self.stack.orchestration_url)
            .env("PORT", self.port.to_string())
            .env("PYTHONUNBUFFERED", "1")
            // Empty counts as not set: without cached bytecode each process compiles everything that it imports, which takes seconds.
            .env("PYTHONDONTWRITEBYTECODE", "");
        if self.stack.recovery {
            invocation = invocation.env("TASKER_WORKER__DELIVERY", "Hybrid");
        }
        for (name, value) in &app.env {
            invocation = invocation.env(name, self.fill(value)?);
        }
        Ok(invocation)
    }
}

/// Runs the commands that must come before the app.
pub fn prepare(
    app: &App,
    around: &Surroundings,
    interrupt: &Interrupt,
    wait: &mut dyn Wait,
) -> Result<()> {
    for argv in &app.prepare {
        let invocation = around.invocation(app, argv)?;
        let log = around.logs.join("prepare.log");
        let mut child = ChildGroup::spawn(&around.unit, &invocation, &Output::Log(&log))?;
        let what = format!("`{}`", argv.join(" "));
        while child.wait_for(POLL).is_none() && !interrupt.is_set() {
            wait.on(&what);
        }
        let status = child.wait(interrupt)?;
        if !status.success() {
            let why = format!("failed with {}", describe(status));
            return Err(Error::ended(
                format!("`{}`", invocation.command_line()),
                why,
                &log,
            ));
        }
    }
    Ok(())
}

/// An app that runs. Dropping it ends it.
pub struct Running {
    server: ChildGroup,
    processes: BTreeMap<String, ChildGroup>,
    log: PathBuf,
}

impl Running {
    /// Starts every process of the app and waits until it is ready.
    pub fn start(
        example: &Example,
        app: &App,
        around: &Surroundings,
        interrupt: &Interrupt,
        wait: &mut dyn Wait,
    ) -> Result<Self> {
        let log = around.app_log();
        let mut running = Self {
            server: spawn(app, around, &app.start)?,
            processes: BTreeMap::new(),
            log,
        };
        for (name, argv) in &app.processes {
            let process = spawn(app, around, argv)?;
            running.processes.insert(name.clone(), process);
        }
        running.wait_until_ready(
            &format!("{}{}", around.url(), app.ready),
            &example.name,
            interrupt,
            wait,
        )?;
        Ok(running)
    }

    /// Waits until GET of a URL answers 200.
    pub fn wait_until_ready(
        &mut self,
        url: &str,
        example: &str,
        interrupt: &Interrupt,
        wait: &mut dyn Wait,
    ) -> Result<()> {
        let http = Http::new(Duration::from_secs(5));
        let deadline = Instant::now() + READY_PATIENCE;
        let mut last = format!("{url} does not answer");
        loop {
            match http.get(url) {
                Ok(answer) if answer.is_success() => return Ok(()),
                Ok(answer) => last = format!("{url} answered {} {}", answer.status, answer.body),
                Err(_) => {}
            }
            self.check_alive()?;
            if interrupt.is_set() {
                return Err(Error::Interrupted);
            }
            if Instant::now() > deadline {
                let why = format!(
                    "was not ready within {} s: {last}",
                    READY_PATIENCE.as_secs()
                );
                return Err(Error::ended(
                    format!("the app of {example}"),
                    why,
                    &self.log,
                ));
            }
            wait.on(&format!("the app: {last}"));
            std::thread::sleep(POLL);
        }
    }

    /// Fails if a process of the app has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        let named = self
            .processes
            .iter_mut()
            .map(|(name, process)| (format!("the app's process `{name}`"), process));
        for (what, process) in
            std::iter::once(("the app".to_owned(), &mut self.server)).chain(named)
        {
            if let Some(status) = process.try_wait() {
                return Err(Error::ended(
                    what,
                    format!("ended with {}", describe(status)),
                    &self.log,
                ));
            }
        }
        Ok(())
    }

    /// Kills a process with all that it has started, or the app itself if it has no name, and starts it again.
    pub fn kill(
        &mut self,
        name: Option<&str>,
        app: &App,
        around: &Surroundings,
        interrupt: &Interrupt,
    ) -> Result<()> {
        if let Some((_, place, argv)) = self.named(name, app) {
            family::kill_all(place, interrupt)?;
            *place = spawn(app, around, argv)?;
        }
        Ok(())
    }

    /// A process, or the app itself if it has no name: what it is called, and its command.
    fn named<'a>(
        &mut self,
        name: Option<&str>,
        app: &'a App,
    ) -> Option<(String, &mut ChildGroup, &'a Vec<String>)> {
        let Some(name) = name else {
            return Some(("the app".to_owned(), &mut self.server, &app.start));
        };
        let (process, argv) = (self.processes.get_mut(name)?, app.processes.get(name)?);
        Some((format!("the app's process `{name}`"), process, argv))
    }

    /// Starts a successor of a process, or of the app itself, asks the first one to end at once, and waits for its end.
    pub fn replace(&mut self, name: Option<&str>, app: &App, around: &Surroundings) -> Result<()> {
        let Some((what, place, argv)) = self.named(name, app) else {
            return Ok(());
        };
        let new = spawn(app, around, argv)?;
        let mut old = std::mem::replace(place, new);
        old.signal(Signal::SIGTERM);
        let why = match old.wait_for(STOP_PATIENCE) {
            Some(status) if status.success() => return Ok(()),
            Some(status) => format!("ended with {} after SIGTERM", describe(status)),
            None => format!("had not ended {} s after SIGTERM", STOP_PATIENCE.as_secs()),
        };
        Err(Error::ended(what, why, &self.log))
    }

    /// Asks every process to end, waits for the drain, and ends what is left.
    pub fn stop(mut self) {
        let all = || std::iter::once(&self.server).chain(self.processes.values());
        for process in all() {
            process.signal(Signal::SIGTERM);
        }
        self.server.wait_for(STOP_PATIENCE);
        for process in self.processes.values_mut() {
            process.wait_for(STOP_PATIENCE);
        }
    }
}

fn spawn(app: &App, around: &Surroundings, argv: &[String]) -> Result<ChildGroup> {
    let invocation = around.invocation(app, argv)?;
    ChildGroup::spawn(&around.unit, &invocation, &Output::Log(&around.app_log()))
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::io("find", Path::new("a free port")))
}
