//! A running PostgreSQL, from data directory to closed port.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::guard::{self, Order, Report};
use super::{extension, Programs, RunAs, PASSWORD, USER};
use crate::error::StackError;
use crate::ports;
use crate::rundir::RunDir;

/// Whether data must outlive the machine's next crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Ephemeral data: PostgreSQL never waits for the disk.
    None,
    /// Kept data.
    Full,
}

/// How long PostgreSQL may take to accept connections; crash recovery of a large data directory is the slow case.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// Tries with other free ports when somebody was faster.
const PORT_TRIES: usize = 5;

/// How long the processes of a killed predecessor may take to leave the memory they shared.
const DYING_PATIENCE: Duration = Duration::from_secs(10);

/// PostgreSQL under a guard. Dropping it lets the guard clean up.
#[derive(Debug)]
pub struct Cluster {
    /// The port it listens on, on 127.0.0.1.
    pub port: u16,
    pid: i32,
    guard: Child,
    // Closing this pipe is the order to stop.
    orders: Option<ChildStdin>,
    reports: Lines<BufReader<ChildStdout>>,
    log: PathBuf,
}

/// Makes an empty cluster in `pgdata`.
pub fn initialise(programs: &Programs, run_as: &RunAs, pgdata: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(pgdata)?;
    let password = pgdata.with_extension("password");
    fs::write(&password, PASSWORD)?;
    run_as.own(pgdata)?;
    run_as.own(&password)?;
    let mut command = Command::new(programs.bin.join("initdb"));
    command
        .arg("--pgdata")
        .arg(pgdata)
        .args(["--username", USER, "--auth", "scram-sha-256", "--pwfile"])
        .arg(&password)
        // C.UTF-8 exists everywhere and sorts the same everywhere; small WAL segments keep copies of the directory small.
        .args([
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
            "--wal-segsize",
            "1",
            "--no-sync",
            "--no-instructions",
        ])
        // Every pool connection pays for the iterations, and this password protects nothing.
        .args(["--set", "scram_iterations=64"])
        .current_dir("/")
        .stdin(Stdio::null());
    run_as.apply(&mut command, None);
    let output = command.output().context("run initdb")?;
    fs::remove_file(&password)?;
    if output.status.success() {
        return Ok(());
    }
    Err(StackError::Postgres {
        what: "could not create a data directory".to_owned(),
        log: String::from_utf8_lossy(&output.stderr)
            .trim_end()
            .to_owned(),
        fix: "check that the directory is writable and that the disk has space.",
    }
    .into())
}

impl Cluster {
    /// Starts PostgreSQL on `pgdata`; port 0 takes a free one. `remove` is removed after the end, whatever the end is.
    ///
    /// # Errors
    /// [`StackError::Postgres`] with the end of its log.
    pub async fn start(
        programs: &Programs,
        run_as: &RunAs,
        pgdata: &Path,
        port: u16,
        durability: Durability,
        run_dir: &RunDir,
        remove: Vec<PathBuf>,
    ) -> anyhow::Result<Self> {
        let mut cluster = Self::with_guard(run_dir)?;
        let begun = Instant::now();
        for attempt in 1.. {
            cluster.port = if port == 0 { ports::free()? } else { port };
            let order = Order {
                argv: arguments(programs, pgdata, cluster.port, durability, run_dir)?,
                log: cluster.log.clone(),
                run_as: run_as.clone(),
                remove: remove.clone(),
                lock: run_dir.lock_path(),
            };
            cluster.tell(&order).await?;
            let Some(end) = cluster.wait_until_ready(pgdata).await? else {
                return Ok(cluster);
            };
            let lost_port =
                port == 0 && attempt < PORT_TRIES && end.log.contains("Address already in use");
            let dying_predecessor = begun.elapsed() < DYING_PATIENCE
                && end.log.contains("pre-existing shared memory block");
            if dying_predecessor {
                tokio::time::sleep(Duration::from_millis(50)).await;
            } else if !lost_port {
                return Err(end.into_error("did not start").into());
            }
        }
        unreachable!("the last attempt returns")
    }

    fn with_guard(run_dir: &RunDir) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe().context("find our own program")?);
        std::os::unix::process::CommandExt::arg0(&mut command, "tasker-dev-guard");
        let mut guard = tokio::process::Command::from(command)
            .arg("__guard")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .current_dir("/")
            .spawn()
            .context("start the guard process")?;
        let stdout = guard
            .stdout
            .take()
            .context("the guard's output is a pipe")?;
        Ok(Self {
            port: 0,
            pid: 0,
            orders: guard.stdin.take(),
            reports: BufReader::new(stdout).lines(),
            log: run_dir.path().join("postgresql.log"),
            guard,
        })
    }

    /// Gives the guard an order and waits until it has started PostgreSQL.
    async fn tell(&mut self, order: &Order) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        let orders = self.orders.as_mut().context("the guard takes orders")?;
        orders
            .write_all(&line)
            .await
            .context("tell the guard what to hold")?;
        match next_report(&mut self.reports).await? {
            Some(Report::Started { pid }) => {
                self.pid = pid;
                Ok(())
            }
            Some(Report::Failed { why }) => anyhow::bail!("PostgreSQL could not be started: {why}"),
            other => anyhow::bail!("the guard of PostgreSQL ended too early ({other:?})"),
        }
    }

    /// Waits until PostgreSQL accepts connections, or gives its end.
    ///
    /// PostgreSQL writes its state into `postmaster.pid`; a connection attempt would be noise in its log. The file of one that was
    /// killed stays behind and says "ready" too, with another process id.
    async fn wait_until_ready(&mut self, pgdata: &Path) -> anyhow::Result<Option<End>> {
        let status = pgdata.join("postmaster.pid");
        let ready = async {
            while !fs::read_to_string(&status).is_ok_and(|text| says_ready(&text, self.pid)) {
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        };
        tokio::select! {
            () = ready => Ok(None),
            end = ended(&mut self.reports) => Ok(Some(end)),
            () = tokio::time::sleep(START_PATIENCE) => {
                let end = End { how: format!("no connections accepted within {} s", START_PATIENCE.as_secs()), log: guard::end_of_log(&self.log) };
                Err(end.into_error("did not start").into())
            }
        }
    }

    /// Waits until PostgreSQL ends without having been told to.
    pub async fn unexpected_end(&mut self) -> StackError {
        ended(&mut self.reports)
            .await
            .into_error("exited unexpectedly")
    }

    /// Stops PostgreSQL and returns when it and its guard are gone.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.orders.take());
        self.guard
            .wait()
            .await
            .context("wait for PostgreSQL's end")?;
        Ok(())
    }
}

/// The first line of `postmaster.pid` is the process, the eighth its state.
fn says_ready(text: &str, pid: i32) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.next() == Some(pid.to_string().as_str()) && lines.nth(6) == Some("ready")
}

async fn next_report(
    reports: &mut Lines<BufReader<ChildStdout>>,
) -> anyhow::Result<Option<Report>> {
    let Some(line) = reports.next_line().await? else {
        return Ok(None);
    };
    Ok(Some(serde_json::from_str(&line)?))
}

/// How PostgreSQL ended by itself.
struct End {
    how: String,
    log: String,
}

impl End {
    fn into_error(self, what: &str) -> StackError {
        let log = if self.log.is_empty() {
            "(none)"
        } else {
            &self.log
        };
        StackError::Postgres {
            what: format!("{what} ({})", self.how),
            log: log.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"),
            fix: "see the log lines above; with --data-dir, make sure that nothing else writes to that directory.",
        }
    }
}

async fn ended(reports: &mut Lines<BufReader<ChildStdout>>) -> End {
    match next_report(reports).await {
        Ok(Some(Report::Ended { how, log })) => End { how, log },
        Ok(Some(Report::Failed { why })) => End {
            how: why,
            log: String::new(),
        },
        _ => End {
            how: "its guard process was killed".to_owned(),
            log: String::new(),
        },
    }
}

fn arguments(
    programs: &Programs,
    pgdata: &Path,
    port: u16,
    durability: Durability,
    run_dir: &RunDir,
) -> anyhow::Result<Vec<String>> {
    let extensions = extension::install(&run_dir.path().join("share"))?;
    let port = format!("port={port}");
    let extensions = format!("extension_control_path={extensions}");
    let mut settings = vec![
        port.as_str(),
        extensions.as_str(),
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        // The server's two pools, a handful of workers and a person with psql.
        "max_connections=400",
        "shared_buffers=64MB",
        "jit=off",
        "log_min_messages=warning",
        "log_checkpoints=off",
        "logging_collector=off",
    ];
    if durability == Durability::None {
        settings.extend([
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
        ]);
    }
    let mut argv = vec![
        path_text(&programs.bin.join("postgres"))?,
        "-D".to_owned(),
        path_text(pgdata)?,
    ];
    for setting in settings {
        argv.extend(["-c".to_owned(), setting.to_owned()]);
    }
    Ok(argv)
}

fn path_text(path: &Path) -> anyhow::Result<String> {
    let text = path
        .to_str()
        .with_context(|| format!("the path {} is not UTF-8", path.display()))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::says_ready;

    #[test]
    fn the_file_of_a_killed_postgresql_is_not_ready() {
        let text = "4711\n/data\n1700000000\n5432\n\n127.0.0.1\n  1 2\nready   \n";
        assert!(says_ready(text, 4711));
        assert!(!says_ready(text, 4712), "another process wrote it");
        assert!(!says_ready(&text.replace("ready", "starting"), 4711));
    }
}
