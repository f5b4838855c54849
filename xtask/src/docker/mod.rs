//! Docker on this machine: whether it can be used, the repository's images, and Compose projects that do not outlive a run.

mod compose;
mod images;

pub use compose::{prune, Project};
pub use images::{given, version_of, Build, Image};

use std::path::{Path, PathBuf};

use semver::Version;

use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::process::{capture, Captured, Invocation};

/// From here on `up --wait` understands a service that ends well.
const OLDEST_COMPOSE: Version = Version::new(2, 20, 0);

/// An engine that answers. It is the user's: nothing here starts, stops or configures one.
#[derive(Clone, Debug)]
pub struct Engine {
    root: PathBuf,
    interrupt: Interrupt,
}

impl Engine {
    /// Looks whether Docker can be used.
    ///
    /// # Errors
    /// [`Error::Docker`] with what is missing.
    pub fn find(root: &Path, interrupt: &Interrupt) -> Result<Self> {
        let engine = Self {
            root: root.to_owned(),
            interrupt: interrupt.clone(),
        };
        if which::which("docker").is_err() {
            return Err(docker(
                "the program `docker` is not installed",
                "install Docker Engine (Debian: apt-get install docker.io), or use --stack embedded",
            ));
        }
        engine.refuse_remote()?;
        let asked = engine.ask(&["version", "--format", "{{.Server.Version}}"])?;
        if !asked.status.success() {
            return Err(unusable(&asked.text));
        }
        engine.refuse_podman()?;
        engine.check_compose()?;
        Ok(engine)
    }

    /// Podman answers on Docker's socket, too, but not everything: images here are built by BuildKit, and stacks wait for health checks.
    fn refuse_podman(&self) -> Result<()> {
        let format = "{{range .Server.Components}}{{.Name}};{{end}}";
        let asked = self.ask(&["version", "--format", format])?;
        if !asked.text.contains("Podman Engine") {
            return Ok(());
        }
        Err(docker(
            "the engine behind Docker's socket is Podman, which has no BuildKit to build the images with, and checks a container's health only where systemd does it",
            "use a Docker engine (unset DOCKER_HOST, or `docker context use default`), or --stack embedded",
        ))
    }

    /// What is published on loopback is on the engine's machine; apps and checks run on this one.
    fn refuse_remote(&self) -> Result<()> {
        let host = match std::env::var("DOCKER_HOST") {
            Ok(host) if !host.is_empty() => host,
            _ => {
                let format = "{{.Endpoints.docker.Host}}";
                let asked = self.ask(&["context", "inspect", "--format", format])?;
                asked.text.trim().to_owned()
            }
        };
        let is_remote = ["tcp://", "ssh://", "http://", "https://"]
            .iter()
            .any(|scheme| host.starts_with(scheme));
        if !is_remote {
            return Ok(());
        }
        Err(docker(
            format!("the Docker engine is at {host}, so ports that it publishes on 127.0.0.1 are not on this machine"),
            "use an engine of this machine (unset DOCKER_HOST, or `docker context use default`), or --stack URL",
        ))
    }

    fn check_compose(&self) -> Result<()> {
        let asked = self.ask(&["compose", "version", "--short"])?;
        let fix =
            "install Docker Compose 2.20 or newer (Debian: docker-compose of trixie or later)";
        if !asked.status.success() {
            return Err(docker("`docker compose` is not installed", fix));
        }
        let text = asked.text.trim().trim_start_matches('v');
        // Distributors append words of their own.
        let number = text.split(['-', '+', '~']).next().unwrap_or_default();
        match Version::parse(number) {
            Ok(version) if version < OLDEST_COMPOSE => {
                Err(docker(format!("Docker Compose {text} is too old"), fix))
            }
            _ => Ok(()),
        }
    }

    /// Asks something short.
    fn ask(&self, words: &[&str]) -> Result<Captured> {
        capture("docker", &self.invocation(words), &self.interrupt)
    }

    fn invocation(&self, words: &[&str]) -> Invocation {
        Invocation::new(
            &self.root,
            std::iter::once("docker").chain(words.iter().copied()),
        )
        .env("DOCKER_BUILDKIT", "1")
    }
}

fn docker(why: impl Into<String>, fix: impl Into<String>) -> Error {
    Error::Docker {
        why: why.into(),
        fix: fix.into(),
    }
}

/// The client's words as a sentence with a fix.
fn unusable(said: &str) -> Error {
    let line = said.trim().lines().last().unwrap_or_default().to_owned();
    if said.contains("permission denied") {
        return docker(
            "your user may not use the Docker engine's socket",
            "add it to the group docker and log in again (`sudo usermod -aG docker $USER`), or use rootless Docker",
        );
    }
    if said.contains("Cannot connect") || said.contains("failed to connect") {
        return docker(
            "no Docker engine is running",
            "start it (`sudo systemctl start docker`, or Docker Desktop), or use --stack embedded",
        );
    }
    docker(
        format!("Docker cannot be used: {line}"),
        "see `docker version`",
    )
}

/// What a failed build or start means, from the end of its log.
fn explain(what: &str, log: &Path) -> Error {
    let text = std::fs::read(log)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    if text.contains("no space left on device") {
        return docker(
            format!("{what} failed: the Docker engine has no space left"),
            "free some with `docker system prune`, or give the engine more",
        );
    }
    Error::ended(what, "failed", log)
}

#[cfg(test)]
mod tests {
    use super::unusable;

    #[test]
    fn what_docker_says_becomes_a_sentence_with_a_fix() {
        for (said, wanted) in [
            (
                "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
                "your user may not use",
            ),
            (
                "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
                "no Docker engine is running",
            ),
            ("Error: something else", "Docker cannot be used: Error: something else"),
        ] {
            let error = unusable(said);
            assert!(error.to_string().contains(wanted), "{error}");
            assert!(error.fix().is_some());
        }
    }
}
