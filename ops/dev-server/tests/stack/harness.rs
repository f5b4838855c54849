//! Starts the real program in a temporary directory of its own and looks at what it leaves behind.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use serde_json::Value;

/// Generous: a loaded machine must not fail a test.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A temporary directory that PostgreSQL's unprivileged user can pass through, and everything that runs below it.
pub struct Place {
    pub folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("tasker-dev-test-")
            .permissions(fs::Permissions::from_mode(0o711))
            .tempdir()
            .unwrap();
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tasker-dev"));
        command
            .args(arguments)
            .env("TMPDIR", self.folder.path())
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts a stack and waits for its ready line.
    pub fn up(&self, arguments: &[&str]) -> Stack {
        let mut all = vec!["up", "--json"];
        all.extend(arguments);
        self.up_with(self.command(&all))
    }

    pub fn up_with(&self, mut command: Command) -> Stack {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        match serde_json::from_str(&line) {
            Ok(ready) => Stack { child, ready },
            Err(_) => {
                let mut words = String::new();
                child
                    .stderr
                    .take()
                    .unwrap()
                    .read_to_string(&mut words)
                    .unwrap();
                panic!("no ready line, but {line:?} and {words}");
            }
        }
    }

    /// Processes that carry this place in their arguments or environment.
    pub fn processes(&self) -> Vec<String> {
        let needle = self.folder.path().to_str().unwrap();
        let mentions = |path: PathBuf| {
            fs::read(path).is_ok_and(|text| String::from_utf8_lossy(&text).contains(needle))
        };
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().parse::<u32>().is_ok())
            })
            .filter(|path| !path.ends_with(std::process::id().to_string()))
            .filter(|path| mentions(path.join("cmdline")) || mentions(path.join("environ")))
            .map(|path| {
                fs::read_to_string(path.join("cmdline"))
                    .unwrap_or_default()
                    .replace('\0', " ")
            })
            .filter(|line| !line.is_empty())
            .collect()
    }

    /// Directories of runs, alive or dead.
    pub fn run_dirs(&self) -> Vec<PathBuf> {
        fs::read_dir(self.folder.path())
            .unwrap()
            .filter_map(Result::ok)
            .filter(|entry| {
                entry
                    .file_name()
                    .to_string_lossy()
                    .starts_with("tasker-dev-")
            })
            .flat_map(|entry| fs::read_dir(entry.path()).unwrap())
            .map(|entry| entry.unwrap().path())
            .collect()
    }

    /// Waits until nothing of the stacks started here is left.
    pub fn assert_nothing_left(&self) {
        wait_for("processes to end", || self.processes().is_empty());
        wait_for("run directories to go", || self.run_dirs().is_empty());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // PostgreSQL's files may belong to another user, but we may remove what lies in our directory only as root or as that user.
        let _ = fs::remove_dir_all(self.folder.path());
    }
}

/// A running stack.
pub struct Stack {
    pub child: Child,
    pub ready: Value,
}

impl Stack {
    pub fn url(&self, key: &str) -> &str {
        self.ready[key].as_str().unwrap()
    }

    pub fn ports(&self) -> [u16; 2] {
        ["orchestration_url", "database_url"]
            .map(|key| url::Url::parse(self.url(key)).unwrap().port().unwrap())
    }

    pub fn signal(&self, signal: Signal) {
        kill(
            Pid::from_raw(i32::try_from(self.child.id()).unwrap()),
            signal,
        )
        .unwrap();
    }

    /// Waits for the end; what was said on stderr comes with it.
    pub fn wait(&mut self) -> (ExitStatus, String) {
        let mut words = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut words).unwrap();
        }
        (self.child.wait().unwrap(), words)
    }

    pub fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        let (status, words) = self.wait();
        assert!(status.success(), "{status}: {words}");
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a condition instead of a time.
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether anybody accepts connections.
pub fn is_open(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// The end of a process id's name in the process table.
pub fn pids_of(place: &Place, word: &str) -> Vec<Pid> {
    let needle = place.folder.path().to_str().unwrap().to_owned();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse::<i32>().ok()?,
                entry.path(),
            ))
        })
        .filter(|(_, path)| {
            let read = |name: &str| {
                fs::read(path.join(name))
                    .map(|text| String::from_utf8_lossy(&text).into_owned())
                    .unwrap_or_default()
            };
            read("cmdline").starts_with(word)
                && (read("environ").contains(&needle) || read("cmdline").contains(&needle))
        })
        .map(|(pid, _)| Pid::from_raw(pid))
        .collect()
}

/// A directory with programs that claim to be some other PostgreSQL.
pub fn fake_postgres(folder: &Path, version: &str) -> PathBuf {
    let bin = folder.join("old-postgres");
    fs::create_dir(&bin).unwrap();
    for program in ["initdb", "postgres"] {
        let path = bin.join(program);
        fs::write(
            &path,
            format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n"),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    bin
}
