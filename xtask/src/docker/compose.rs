//! A Compose project of one run: its own name, free ports, and gone afterwards, however xtask ends.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::{docker, explain, Engine};
use crate::error::{Error, Result};
use crate::process::{open_log, ChildGroup, Invocation, Output};

/// Projects of runs are called `tasker-e2e-<process id>-<number>`.
const PREFIX: &str = "tasker-e2e-";
/// Compose puts it on everything that it makes.
const LABEL: &str = "com.docker.compose.project";

/// Waits until xtask is gone or done, then removes what the project still has, until there is nothing. By label: neither the Compose file nor
/// Compose is needed.
const REMOVE: &str = r#"
cat >/dev/null
while
    found=
    for kind in container network volume; do
        things=$(docker $kind ls $([ $kind = container ] && echo --all) --quiet --filter "label=$1") && [ -n "$things" ] || continue
        found=1
        docker $kind rm --force $([ $kind = container ] && echo --volumes) $things
    done
    [ -n "$found" ] && [ "$SECONDS_LEFT" -gt 0 ]
do
    # A `docker compose up` that was killed, too, may have had something in hand.
    SECONDS_LEFT=$((SECONDS_LEFT - 1))
    sleep 1
done
"#;

/// A project that is up, or coming up. Dropping it removes all of it.
#[derive(Debug)]
pub struct Project {
    engine: Engine,
    name: String,
    file: PathBuf,
    env: Vec<(String, String)>,
    logs: PathBuf,
    remover: Option<Child>,
}

impl Project {
    /// Brings the services of a Compose file up and waits until they are healthy. The variables replace those of the user and of a file `.env`.
    pub fn up(
        engine: &Engine,
        file: &Path,
        env: Vec<(String, String)>,
        logs: &Path,
    ) -> Result<Self> {
        let name = format!("{PREFIX}{}-{}", std::process::id(), number());
        let mut project = Self {
            remover: Some(remover(&name)?),
            engine: engine.clone(),
            name,
            file: file.to_owned(),
            env,
            logs: logs.to_owned(),
        };
        project.start()?;
        Ok(project)
    }

    fn start(&mut self) -> Result<()> {
        let log = self.logs.join("stack.log");
        let words = [
            "up",
            "--detach",
            "--wait",
            "--wait-timeout",
            "300",
            "--quiet-pull",
        ];
        let mut child =
            ChildGroup::spawn("docker compose", &self.compose(&words), &Output::Log(&log))?;
        if child.wait(&self.engine.interrupt)?.success() {
            return Ok(());
        }
        self.keep_logs();
        Err(explain("the Docker stack", &log))
    }

    /// `HOST:PORT` of a service's port on this machine.
    pub fn address(&self, service: &str, port: u16) -> Result<String> {
        let port = port.to_string();
        let asked = self.ask(&["port", service, &port])?;
        let address = asked.trim().to_owned();
        if address.is_empty() {
            let why = format!("the service {service} publishes no port {port}");
            return Err(docker(why, format!("see {}", self.file.display())));
        }
        Ok(address)
    }

    /// What a service has said so far.
    pub fn said(&self, service: &str) -> Result<String> {
        self.ask(&["logs", "--no-color", "--no-log-prefix", service])
    }

    fn ask(&self, words: &[&str]) -> Result<String> {
        let captured = crate::process::capture(
            "docker compose",
            &self.compose(words),
            &self.engine.interrupt,
        )?;
        Ok(captured.text)
    }

    fn compose(&self, words: &[&str]) -> Invocation {
        let file = self.file.display().to_string();
        let fixed = [
            "docker",
            "compose",
            "--project-name",
            &self.name,
            "--file",
            &file,
            "--progress",
            "plain",
        ];
        Invocation::new(
            &self.engine.root,
            fixed.into_iter().chain(words.iter().copied()),
        )
        // A `.env` beside the file is the user's.
        .env("COMPOSE_DISABLE_ENV_FILE", "1")
        .envs(self.env.clone())
    }

    /// Writes a log for each service. A run that was interrupted keeps them, too, so this asks with a flag of its own.
    fn keep_logs(&self) {
        let services = self.quietly(&["ps", "--all", "--services"]);
        for service in services.lines().filter(|line| !line.trim().is_empty()) {
            let text = self.quietly(&["logs", "--no-color", "--no-log-prefix", service]);
            if let Ok(mut log) = open_log(&self.logs.join(format!("{service}.log"))) {
                let _ = log.write_all(text.as_bytes());
            }
        }
    }

    fn quietly(&self, words: &[&str]) -> String {
        let output = self
            .compose(words)
            .to_command()
            .stderr(Stdio::null())
            .output();
        output.map_or_else(
            |_| String::new(),
            |output| String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        self.keep_logs();
        if let Ok(log) = open_log(&self.logs.join("stack.log")) {
            let mut down = self
                .compose(&["down", "--volumes", "--remove-orphans", "--timeout", "10"])
                .to_command();
            let _ = down.stdout(Stdio::null()).stderr(log).status();
        }
        if let Some(mut remover) = self.remover.take() {
            drop(remover.stdin.take());
            let _ = remover.wait();
        }
    }
}

/// A process of its own group that holds the other end of a pipe: it notices the end of xtask even after `kill -9`.
fn remover(project: &str) -> Result<Child> {
    Command::new("sh")
        .args(["-c", REMOVE, "tasker-e2e-remover"])
        .arg(format!("{LABEL}={project}"))
        .env("SECONDS_LEFT", "60")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(Error::io("start", "sh"))
}

fn number() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Removes projects of runs that are gone; gives their names.
pub fn prune(engine: &Engine, dry_run: bool) -> Result<Vec<String>> {
    let mut left = Vec::new();
    for what in [&["ps", "--all"][..], &["network", "ls"], &["volume", "ls"]] {
        let format = format!("{{{{.Label \"{LABEL}\"}}}}");
        let words = [
            what,
            &[
                "--filter",
                "label=com.docker.compose.project",
                "--format",
                &format,
            ],
        ]
        .concat();
        let asked = engine.ask(&words)?;
        left.extend(
            asked
                .text
                .lines()
                .filter(|name| is_left(name))
                .map(str::to_owned),
        );
    }
    left.sort();
    left.dedup();
    for project in left.iter().filter(|_| !dry_run) {
        let mut remover = remover(project)?;
        drop(remover.stdin.take());
        remover.wait().map_err(Error::io("wait for", "docker"))?;
    }
    Ok(left)
}

/// Whether a project's name is one of ours whose process is gone.
fn is_left(project: &str) -> bool {
    let owner = project
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split('-').next()?.parse().ok());
    owner.is_some_and(|pid| kill(Pid::from_raw(pid), None).is_err())
}

#[cfg(test)]
mod tests {
    use super::is_left;

    #[test]
    fn only_projects_of_runs_that_are_gone_are_left_over() {
        assert!(!is_left(&format!("tasker-e2e-{}-1", std::process::id())));
        assert!(is_left("tasker-e2e-2147483646-1"));
        for other in [
            "tasker",
            "tasker-development",
            "tasker-e2e-",
            "tasker-e2e-mine-1",
            "",
        ] {
            assert!(!is_left(other), "{other}");
        }
    }
}
