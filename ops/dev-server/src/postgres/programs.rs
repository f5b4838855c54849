//! Finds the PostgreSQL programs and checks that they are new enough.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::error::StackError;

/// Core's migrations call `uuidv7()`, which came with this version.
const OLDEST_MAJOR: u32 = 18;

/// A PostgreSQL installation: the directory with its programs, and its version.
#[derive(Debug, Clone)]
pub struct Programs {
    /// Holds `initdb` and `postgres`.
    pub bin: PathBuf,
    /// As it reports itself, for example `18.4`.
    pub version: String,
}

impl Programs {
    /// Looks in `given`; else for one that is new enough in `.xtask/tools` of the ancestors of this folder and of this program, and in `PATH`.
    ///
    /// # Errors
    /// [`StackError::PostgresMissing`], [`StackError::NotAPostgresBin`] or [`StackError::PostgresTooOld`].
    pub fn find(given: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(bin) = given {
            return Self::at(bin);
        }
        let mut first_problem = None;
        for bin in provisioned().into_iter().chain(on_path()) {
            match Self::at(&bin) {
                Ok(programs) => return Ok(programs),
                Err(problem) => first_problem = first_problem.or(Some(problem)),
            }
        }
        Err(first_problem.unwrap_or_else(|| StackError::PostgresMissing.into()))
    }

    fn at(bin: &Path) -> anyhow::Result<Self> {
        let bin = std::path::absolute(bin).context("resolve the PostgreSQL directory")?;
        for program in ["initdb", "postgres"] {
            if !bin.join(program).is_file() {
                return Err(StackError::NotAPostgresBin { path: bin, program }.into());
            }
        }
        let version = version_of(&bin.join("postgres"))?;
        if major(&version).is_none_or(|major| major < OLDEST_MAJOR) {
            return Err(StackError::PostgresTooOld {
                found: version,
                path: bin,
            }
            .into());
        }
        Ok(Self { bin, version })
    }

    /// The first part of the version, which decides whether a data directory can be used.
    pub fn major(&self) -> String {
        self.version
            .split('.')
            .next()
            .unwrap_or_default()
            .to_owned()
    }

    /// The installation without its `bin`: what a copy has to contain.
    pub fn root(&self) -> &Path {
        self.bin.parent().unwrap_or(&self.bin)
    }
}

/// What `cargo xtask setup` fetched: for a checkout we are in, and for the one this program was built in.
fn provisioned() -> Vec<PathBuf> {
    let starts = [env::current_dir().ok(), env::current_exe().ok()];
    let mut found: Vec<PathBuf> = Vec::new();
    for folder in starts.iter().flatten().flat_map(|start| start.ancestors()) {
        let tools = folder.join(".xtask/tools").read_dir().into_iter().flatten();
        found.extend(
            tools
                .filter_map(Result::ok)
                .filter(|entry| {
                    entry
                        .file_name()
                        .to_string_lossy()
                        .starts_with("postgresql-")
                })
                .map(|entry| entry.path().join("bin"))
                .filter(|bin| bin.join("postgres").is_file()),
        );
    }
    found
}

fn on_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .filter(|folder| folder.join("postgres").is_file() && folder.join("initdb").is_file())
        .collect()
}

/// `postgres --version` prints `postgres (PostgreSQL) 18.4`, distributors add words behind.
fn version_of(postgres: &Path) -> anyhow::Result<String> {
    let output = Command::new(postgres)
        .arg("--version")
        .output()
        .with_context(|| format!("run {} --version", postgres.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().nth(2).unwrap_or("(unknown)");
    Ok(version.to_owned())
}

fn major(version: &str) -> Option<u32> {
    version
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .and_then(|digits| digits.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_read_from_releases_and_previews() {
        assert_eq!(major("18.4"), Some(18));
        assert_eq!(major("19devel"), Some(19));
        assert_eq!(major("(unknown)"), None);
    }
}
