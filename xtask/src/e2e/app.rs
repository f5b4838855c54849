//! The processes of an example's app, started as its user would start them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::spec::{fill, App, Example};
use crate::error::{Error, Result};
use crate::http::Http;
use crate::interrupt::Interrupt;
use crate::process::{describe, ChildGroup, Invocation, Output};
use crate::stack::Ready;

/// How long an app may take until it says that it is ready.
const READY_PATIENCE: Duration = Duration::from_secs(60);
/// How long a draining app may take to end.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// What the commands of an app are filled with.
pub struct Surroundings {
    /// The unit, for messages.
    pub unit: String,
    /// The app's folder.
    pub folder: PathBuf,
    /// Its environment's programs.
    pub bin: PathBuf,
    /// The port it has to serve on.
    pub port: u16,
    /// A private folder of this run.
    pub work: PathBuf,
    /// The example's folder.
    pub example: PathBuf,
    /// The stack.
    pub stack: Ready,
    /// Where logs go.
    pub logs: PathBuf,
}

impl Surroundings {
    /// Where the app's own output goes.
    pub fn app_log(&self) -> PathBuf {
        self.logs.join("app.log")
    }

    /// The app's base URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Fills in `{port}`, `{work}`, `{example}`, `{database_url}` and `{orchestration_url}`.
    ///
    /// # Errors
    /// [`Error::BadFile`] for another name.
    pub fn fill(&self, text: &str) -> Result<String> {
        let value = |name: &str| {
            Some(match name {
                "port" => self.port.to_string(),
                "work" => self.work.display().to_string(),
                "example" => self.example.display().to_string(),
                "database_url" => self.stack.database_url.clone(),
                "orchestration_url" => self.stack.orchestration_url.clone(),
                _ => return None,
            })
        };
        fill(text, value).map_err(|name| Error::BadFile {
            file: self.example.join(super::spec::FILE),
            line: None,
            why: format!("`{{{name}}}` in {text:?} stands for nothing"),
            fix: Some(
                "use {port}, {work}, {example}, {database_url} or {orchestration_url}".into(),
            ),
        })
    }

    fn invocation(&self, app: &App, argv: &[String]) -> Result<Invocation> {
        let argv = argv
            .iter()
            .map(|word| self.fill(word))
            .collect::<Result<Vec<_>>>()?;
        let mut invocation = Invocation::new(&self.folder, argv)
            .with_path(&self.bin)
            .env("DATABASE_URL", &self.stack.database_url)
            .env("TASKER_ORCHESTRATION_URL", &self.stack.orchestration_url)
            .env("PORT", self.port.to_string())
            .env("PYTHONUNBUFFERED", "1");
        for (name, value) in &app.env {
            invocation = invocation.env(name, self.fill(value)?);
        }
        Ok(invocation)
    }
}

/// Runs the commands that must come before the app.
pub fn prepare(app: &App, around: &Surroundings, interrupt: &Interrupt) -> Result<()> {
    for argv in &app.prepare {
        let invocation = around.invocation(app, argv)?;
        let log = around.logs.join("prepare.log");
        let status =
            ChildGroup::spawn(&around.unit, &invocation, &Output::Log(&log))?.wait(interrupt)?;
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
    processes: Vec<ChildGroup>,
    log: PathBuf,
}

impl Running {
    /// Starts every process of the app and waits until it is ready.
    pub fn start(
        example: &Example,
        app: &App,
        around: &Surroundings,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let log = around.app_log();
        let mut running = Self {
            processes: Vec::new(),
            log: log.clone(),
        };
        for argv in std::iter::once(&app.start).chain(&app.processes) {
            let invocation = around.invocation(app, argv)?;
            running.processes.push(ChildGroup::spawn(
                &around.unit,
                &invocation,
                &Output::Log(&log),
            )?);
        }
        running.wait_until_ready(
            &format!("{}{}", around.url(), app.ready),
            &example.name,
            interrupt,
        )?;
        Ok(running)
    }

    fn wait_until_ready(&mut self, url: &str, example: &str, interrupt: &Interrupt) -> Result<()> {
        let http = Http::new(Duration::from_secs(5));
        let deadline = Instant::now() + READY_PATIENCE;
        let mut last = "it did not listen".to_owned();
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
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Fails if a process of the app has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        for process in &mut self.processes {
            if let Some(status) = process.try_wait() {
                return Err(Error::ended(
                    "the app",
                    format!("ended with {}", describe(status)),
                    &self.log,
                ));
            }
        }
        Ok(())
    }

    /// Asks every process to end, waits for the drain, and ends what is left.
    pub fn stop(mut self) {
        for process in &self.processes {
            process.signal(Signal::SIGTERM);
        }
        for process in &mut self.processes {
            process.wait_for(STOP_PATIENCE);
        }
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::io("find", Path::new("a free port")))
}
