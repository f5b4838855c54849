//! The only code of a release that changes something: files, processes, tags, and what is behind addresses.
//!
//! Each effect stands between two boundaries. For tests, `XTASK_RELEASE_KILL_AT=n` ends the process with SIGKILL at the
//! n-th boundary, as if the machine had lost its power there.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::secrets;
use super::targets::{Programs, Targets};
use crate::error::{Error, Result};
use crate::file::write;
use crate::interrupt::Interrupt;
use crate::process::{open_log, Captured, ChildGroup, Invocation, Output};

/// The commit that is released.
#[derive(Clone, Debug)]
pub struct Head {
    pub commit: String,
    /// In seconds since 1970.
    pub time: i64,
}

/// What a release works with.
pub struct Context {
    pub root: PathBuf,
    /// The commit that is released.
    pub commit: String,
    /// Its time: everything that is packed gets this time.
    pub epoch: i64,
    /// This commit's folder in the ledger.
    pub folder: PathBuf,
    pub targets: Targets,
    pub programs: Programs,
    /// Ctrl-C.
    pub interrupt: Interrupt,
    /// Where the output of processes goes; nowhere when all is only looked at.
    pub logs: Option<PathBuf>,
    boundaries: AtomicUsize,
    kill_at: Option<usize>,
}

/// What a process may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// Only look; it sees no credentials.
    Read,
    /// Write below the ledger; it sees no credentials.
    Build,
    /// Publish; it sees the credentials in variables that begin so.
    Publish(&'static [&'static str]),
}

impl Context {
    /// A context; `folder` is that of the commit in the ledger.
    pub fn new(
        root: PathBuf,
        folder: PathBuf,
        head: Head,
        targets: Targets,
        programs: Programs,
        interrupt: Interrupt,
        logs: Option<PathBuf>,
    ) -> Self {
        Self {
            root,
            commit: head.commit,
            epoch: head.time,
            folder,
            targets,
            programs,
            interrupt,
            logs,
            boundaries: AtomicUsize::new(0),
            kill_at: std::env::var("XTASK_RELEASE_KILL_AT")
                .ok()
                .and_then(|text| text.parse().ok()),
        }
    }

    /// A clean clone at the commit, from which everything is packed.
    pub fn source(&self) -> PathBuf {
        self.folder.join("source")
    }

    /// How many boundaries were passed.
    pub fn boundaries(&self) -> usize {
        self.boundaries.load(Ordering::SeqCst)
    }

    /// A point at which a test may kill us.
    fn boundary(&self) {
        let passed = self.boundaries.fetch_add(1, Ordering::SeqCst) + 1;
        if Some(passed) == self.kill_at {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::SIGKILL);
        }
    }

    /// One effect, with its boundaries.
    pub fn effect<T>(&self, change: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.interrupt.is_set() {
            return Err(Error::Interrupted);
        }
        self.boundary();
        let done = change();
        self.boundary();
        done
    }

    pub fn sleep(&self, length: Duration) -> Result<()> {
        let until = Instant::now() + length;
        while Instant::now() < until {
            if self.interrupt.is_set() {
                return Err(Error::Interrupted);
            }
            std::thread::sleep(
                Duration::from_millis(20).min(until.saturating_duration_since(Instant::now())),
            );
        }
        Ok(())
    }

    /// Runs a process to its end; what it says goes to the unit's log, without secrets.
    pub fn run(&self, unit: &str, may: May, invocation: &Invocation) -> Result<Captured> {
        match may {
            May::Read | May::Build => self.start(unit, &[], invocation),
            May::Publish(prefixes) => self.effect(|| self.start(unit, prefixes, invocation)),
        }
    }

    /// Asks a registry that wants credentials for reading, too.
    pub fn ask(&self, unit: &str, prefixes: &[&str], invocation: &Invocation) -> Result<Captured> {
        self.start(unit, prefixes, invocation)
    }

    /// The same; a failure is an error with the end of what it said.
    pub fn succeed(&self, unit: &str, may: May, invocation: &Invocation) -> Result<String> {
        let ran = self.run(unit, may, invocation)?;
        if ran.status.success() {
            return Ok(ran.text);
        }
        Err(self.failed(unit, invocation, &ran))
    }

    /// The error of a process that failed.
    pub fn failed(&self, unit: &str, invocation: &Invocation, ran: &Captured) -> Error {
        let said = secrets::redact(&ran.text);
        let lines: Vec<&str> = said
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        Error::Ended {
            what: format!("{unit}: `{}`", invocation.command_line()),
            why: format!("failed with {}", crate::process::describe(ran.status)),
            tail: lines[lines.len().saturating_sub(12)..]
                .iter()
                .map(|line| (*line).to_owned())
                .collect(),
            log: self.log(unit).unwrap_or_default(),
        }
    }

    /// The log of a unit.
    pub fn log(&self, unit: &str) -> Option<PathBuf> {
        Some(
            self.logs
                .as_ref()?
                .join(format!("{}.log", unit.replace('/', "-"))),
        )
    }

    fn start(&self, unit: &str, prefixes: &[&str], invocation: &Invocation) -> Result<Captured> {
        let scratch =
            tempfile::NamedTempFile::new().map_err(Error::io("create", std::env::temp_dir()))?;
        let environment = secrets::environment(prefixes);
        let variables = environment
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()));
        let output = Output::Log(scratch.path());
        let mut child = ChildGroup::spawn_in(variables, unit, invocation, &output)?;
        let status = child.wait(&self.interrupt)?;
        let bytes = std::fs::read(scratch.path()).map_err(Error::io("read", scratch.path()))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some(log) = self.log(unit) {
            let line = secrets::redact(&format!("$ {}\n{text}\n", invocation.command_line()));
            open_log(&log)?
                .write_all(line.as_bytes())
                .map_err(Error::io("write", &log))?;
        }
        Ok(Captured { status, text })
    }

    /// Makes a folder appear at once with everything in it.
    pub fn folder_at_once(
        &self,
        folder: &Path,
        fill: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<()> {
        self.effect(|| {
            let parent = folder.parent().unwrap_or(&self.folder);
            std::fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
            let scratch = tempfile::Builder::new()
                .prefix(".packing-")
                .tempdir_in(parent)
                .map_err(Error::io("create a scratch folder in", parent))?;
            fill(scratch.path())?;
            if folder.exists() {
                std::fs::remove_dir_all(folder).map_err(Error::io("remove", folder))?;
            }
            std::fs::rename(scratch.keep(), folder).map_err(Error::io("create", folder))
        })
    }

    /// Writes a small file at once.
    pub fn write(&self, path: &Path, text: &str) -> Result<()> {
        self.effect(|| write(path, text))
    }
}
