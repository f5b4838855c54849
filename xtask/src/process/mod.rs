//! Child processes that cannot outlive us.
//!
//! Each child leads its own process group, so that stopping it also stops what it started (test runners, servers,
//! compilers). A [`ChildGroup`] kills its group when it is dropped: after an error, a panic or Ctrl-C nothing remains. After a
//! `kill -9` of xtask itself, [`guard`] does it.
//! `xshell` and `duct` start children in our own group, where one Ctrl-C reaches some of them twice and others never;
//! that is why this is `std::process` with groups.

pub mod family;
pub mod guard;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{killpg, Signal};
use nix::unistd::Pid;

use crate::environment::leads_git_elsewhere;
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;

pub use guard::GRACE;

/// How often a waiting thread looks at its child and at the interrupt flag.
const POLL: Duration = Duration::from_millis(10);

/// What to run: plain data, so that plans can be printed and compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    pub argv: Vec<String>,
    /// The folder to run in.
    pub cwd: PathBuf,
    pub env: Vec<(String, String)>,
    /// Folders to put in front of PATH, first one first.
    pub path: Vec<PathBuf>,
}

impl Invocation {
    /// A command line to run in `cwd`.
    pub fn new<S: Into<String>>(
        cwd: impl Into<PathBuf>,
        argv: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            cwd: cwd.into(),
            ..Self::default()
        }
    }

    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    pub fn envs(mut self, vars: impl IntoIterator<Item = (String, String)>) -> Self {
        self.env.extend(vars);
        self
    }

    /// Puts a folder in front of PATH.
    pub fn with_path(mut self, folder: impl Into<PathBuf>) -> Self {
        self.path.push(folder.into());
        self
    }

    /// The command line as one would type it.
    pub fn command_line(&self) -> String {
        self.argv
            .iter()
            .map(|word| quote(word))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The command for `std`, in a process group of its own, without standard input.
    ///
    /// `cargo run` describes the xtask package in variables such as CARGO_PKG_NAME. They are taken away, because build
    /// scripts of other packages would see them change and rebuild.
    pub fn to_command(&self) -> Command {
        let mut command = Command::new(self.program());
        command
            .args(&self.argv[1..])
            .current_dir(&self.cwd)
            .stdin(Stdio::null())
            .process_group(0);
        for (name, _) in std::env::vars_os() {
            if describes_xtask(&name) || leads_git_elsewhere(&name) {
                command.env_remove(name);
            }
        }
        self.set_variables(&mut command);
        command
    }

    fn set_variables(&self, command: &mut Command) {
        if !self.path.is_empty() {
            command.env("PATH", self.search_path());
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
    }

    /// The program, looked up in `path` first: `std` would search only our own PATH.
    fn program(&self) -> PathBuf {
        let name = Path::new(&self.argv[0]);
        if name.components().count() > 1 {
            return name.to_owned();
        }
        // Folder by folder: an empty list would mean the current one.
        let mut folders = self.path.iter();
        folders
            .find_map(|folder| which::which_in(name, Some(folder), &self.cwd).ok())
            .unwrap_or_else(|| name.to_owned())
    }

    fn search_path(&self) -> OsString {
        let own = std::env::var_os("PATH").unwrap_or_default();
        let folders = self.path.iter().cloned().chain(std::env::split_paths(&own));
        std::env::join_paths(folders).unwrap_or(own)
    }
}

fn describes_xtask(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || [
            "CARGO_CRATE_NAME",
            "CARGO_PRIMARY_PACKAGE",
            "OUT_DIR",
            "XTASK_LAUNCHER",
        ]
        .contains(&name.as_ref())
}

/// Quotes a word for a POSIX shell if it needs it.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Where a child's output goes.
pub enum Output<'a> {
    /// Both streams into this file, which is continued if it exists.
    Log(&'a Path),
    /// Standard output through a pipe (read it with [`ChildGroup::take_stdout`]), standard error into this file.
    PipeAndLog(&'a Path),
}

/// A running child and everything it started.
#[derive(Debug)]
pub struct ChildGroup {
    child: Child,
    group: Pid,
    finished: Option<ExitStatus>,
}

impl ChildGroup {
    /// Starts a command; `unit` is only for the error message.
    pub fn spawn(unit: &str, invocation: &Invocation, output: &Output<'_>) -> Result<Self> {
        Self::start(unit, invocation, invocation.to_command(), output)
    }

    /// The same in an environment that holds only these variables and those of the invocation.
    pub fn spawn_in<'e>(
        environment: impl IntoIterator<Item = (&'e OsStr, &'e OsStr)>,
        unit: &str,
        invocation: &Invocation,
        output: &Output<'_>,
    ) -> Result<Self> {
        let mut command = invocation.to_command();
        command.env_clear().envs(environment);
        invocation.set_variables(&mut command);
        Self::start(unit, invocation, command, output)
    }

    /// The same for a command that reads `input`, with a file for each stream.
    pub fn spawn_with_input(
        unit: &str,
        invocation: &Invocation,
        input: &str,
        stdout: &Path,
        stderr: &Path,
    ) -> Result<Self> {
        let mut command = invocation.to_command();
        command.stdin(Stdio::piped());
        command.stdout(open_log(stdout)?).stderr(open_log(stderr)?);
        let mut group = Self::launch(unit, invocation, command)?;
        if let Some(mut stdin) = group.child.stdin.take() {
            // A program that ended early says why itself.
            let _ = stdin.write_all(input.as_bytes());
        }
        Ok(group)
    }

    fn start(
        unit: &str,
        invocation: &Invocation,
        mut command: Command,
        output: &Output<'_>,
    ) -> Result<Self> {
        match output {
            Output::Log(log) => {
                let file = open_log(log)?;
                let twin = file.try_clone().map_err(Error::io("write", *log))?;
                command.stdout(file).stderr(twin);
            }
            Output::PipeAndLog(log) => {
                command.stdout(Stdio::piped()).stderr(open_log(log)?);
            }
        }
        Self::launch(unit, invocation, command)
    }

    fn launch(unit: &str, invocation: &Invocation, mut command: Command) -> Result<Self> {
        let child = command.spawn().map_err(|error| Error::CannotStart {
            unit: unit.to_owned(),
            command: invocation.command_line(),
            why: match error.kind() {
                std::io::ErrorKind::NotFound if !invocation.cwd.is_dir() => {
                    format!("the folder {} does not exist", invocation.cwd.display())
                }
                std::io::ErrorKind::NotFound => {
                    format!("`{}` is not installed", invocation.argv[0])
                }
                _ => error.to_string(),
            },
        })?;
        let group = Pid::from_raw(i32::try_from(child.id()).expect("process ids fit in i32"));
        guard::watch(group);
        Ok(Self {
            child,
            group,
            finished: None,
        })
    }

    /// The child's process id, which is also its group's.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The pipe of [`Output::PipeAndLog`]; only the first call gets it.
    pub fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// The exit status if the child has ended. What it left running in its group is killed first.
    pub fn try_wait(&mut self) -> Option<ExitStatus> {
        if self.finished.is_none() && self.leader_has_ended() {
            self.end();
        }
        self.finished
    }

    /// Kills what is left of the group and reaps its leader.
    fn end(&mut self) {
        let _ = killpg(self.group, Signal::SIGKILL);
        // Before the number is free.
        guard::forget(self.group);
        self.finished = self.child.wait().ok();
    }

    /// Looks without reaping: as long as the leader is a zombie its id cannot be given to a stranger's group.
    #[cfg(target_os = "linux")]
    fn leader_has_ended(&mut self) -> bool {
        use nix::sys::wait::{waitid, Id, WaitPidFlag, WaitStatus};
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        !matches!(
            waitid(Id::Pid(self.group), flags),
            Ok(WaitStatus::StillAlive)
        )
    }

    /// Without `waitid` the leader is reaped first; the window in which its id could be reused is a few microseconds.
    #[cfg(not(target_os = "linux"))]
    fn leader_has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for the end; on an interrupt stops the group and returns [`Error::Interrupted`].
    pub fn wait(&mut self, interrupt: &Interrupt) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.wait_part(POLL, interrupt)? {
                return Ok(status);
            }
        }
    }

    /// The same for at most this long; none if it goes on.
    pub fn wait_part(
        &mut self,
        limit: Duration,
        interrupt: &Interrupt,
    ) -> Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.try_wait();
            if interrupt.is_set() {
                // A child that died of the same Ctrl-C is not a failure of its own.
                self.stop(GRACE);
                return Err(Error::Interrupted);
            }
            if status.is_some() || Instant::now() >= deadline {
                return Ok(status);
            }
            std::thread::sleep(POLL);
        }
    }

    /// Waits at most this long for the end.
    pub fn wait_for(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.try_wait();
            if status.is_some() || Instant::now() >= deadline {
                return status;
            }
            std::thread::sleep(POLL);
        }
    }

    /// Sends a signal to the child alone, not to its group.
    pub fn signal(&self, signal: Signal) {
        if self.finished.is_none() {
            let _ = nix::sys::signal::kill(self.group, signal);
        }
    }

    /// SIGTERM to the group, SIGKILL after `grace`; returns when the child is gone.
    pub fn stop(&mut self, grace: Duration) {
        if self.try_wait().is_some() {
            return;
        }
        let _ = killpg(self.group, Signal::SIGTERM);
        if self.wait_for(grace).is_none() {
            self.kill();
        }
    }

    /// SIGKILL to the group; returns when the child is gone.
    pub fn kill(&mut self) {
        if self.finished.is_none() {
            self.end();
        }
    }
}

impl Drop for ChildGroup {
    fn drop(&mut self) {
        if self.try_wait().is_none() {
            self.kill();
        }
    }
}

/// Exit status in words: `exit code 1`, `signal 9`.
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown status".to_owned(),
    }
}

/// Opens a log for appending, making its folder.
pub fn open_log(log: &Path) -> Result<File> {
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    File::options()
        .create(true)
        .append(true)
        .open(log)
        .map_err(Error::io("write", log))
}

/// Runs a short command to its end and returns its standard output; both streams are in the error if it fails.
///
/// For questions such as `node --version`; work goes through a log.
pub fn capture(unit: &str, invocation: &Invocation, interrupt: &Interrupt) -> Result<Captured> {
    let scratch =
        tempfile::NamedTempFile::new().map_err(Error::io("create", std::env::temp_dir()))?;
    let mut child = ChildGroup::spawn(unit, invocation, &Output::Log(scratch.path()))?;
    let status = child.wait(interrupt)?;
    let text = std::fs::read(scratch.path()).map_err(Error::io("read", scratch.path()))?;
    Ok(Captured {
        status,
        text: String::from_utf8_lossy(&text).into_owned(),
    })
}

/// What a short command said.
#[derive(Debug)]
pub struct Captured {
    pub status: ExitStatus,
    /// Both streams, as they came.
    pub text: String,
}
