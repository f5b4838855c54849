//! Tools of the machine itself: looked at, never installed.

use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::process::{capture, Invocation};

/// A row `[host.*]` of the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostTool {
    /// Its name in the table.
    #[serde(skip)]
    pub name: String,
    /// The command that prints its version.
    pub command: Vec<String>,
    /// The least version that works.
    pub minimum: String,
    /// Languages whose commands need it.
    pub languages: Vec<String>,
    pub about: String,
    /// The command that installs or updates it.
    pub fix: String,
    /// Whether most commands work without it; a run over everything skips the units of its languages.
    #[serde(default)]
    pub optional: bool,
    /// Another tool whose fix installs this one too, so that only that one is reported when both are missing.
    pub comes_with: Option<String>,
}

impl HostTool {
    /// The installed version, if the tool answers.
    pub fn found(&self, root: &Path, interrupt: &Interrupt) -> Result<Option<String>> {
        match capture(
            &self.name,
            &Invocation::new(root, self.command.clone()),
            interrupt,
        ) {
            Ok(answer) if answer.status.success() => Ok(version_in(&answer.text)),
            Err(Error::Interrupted) => Err(Error::Interrupted),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// Whether a program of that name is in PATH; does not start it.
    pub fn is_present(&self) -> bool {
        let program = self.command.first();
        program.is_some_and(|name| which::which(name).is_ok())
    }

    /// What is wrong when it is not there, or not as it must be.
    pub fn missing(&self, found: Option<String>) -> Error {
        Error::HostTool {
            tool: self.name.clone(),
            about: self.about.clone(),
            wanted: self.minimum.clone(),
            found,
            fix: self.fix.clone(),
        }
    }

    /// `npm 7 or newer`.
    pub fn wanted(&self) -> String {
        format!("{} {} or newer", self.name, self.minimum)
    }

    /// Whether a version is new enough.
    pub fn accepts(&self, version: &str) -> bool {
        numbers(version) >= numbers(&self.minimum)
    }

    /// Fails with the fix unless the tool is there and new enough.
    pub fn require(&self, root: &Path, interrupt: &Interrupt) -> Result<()> {
        let found = self.found(root, interrupt)?;
        match found {
            Some(version) if self.accepts(&version) => Ok(()),
            found => Err(self.missing(found)),
        }
    }
}

/// The first thing that looks like a version in a tool's answer: `git version 2.47.3` gives `2.47.3`.
pub fn version_in(answer: &str) -> Option<String> {
    answer
        .split(|c: char| c.is_whitespace() || c == ',')
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
        .map(|word| {
            word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric())
                .to_owned()
        })
}

fn numbers(version: &str) -> Vec<u64> {
    version
        .split(['.', '-', '+'])
        .map_while(|part| part.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_tools_really_print() {
        for (answer, version) in [
            ("rustc 1.95.0 (59807616e 2026-04-14)", "1.95.0"),
            ("Python 3.11.7\n", "3.11.7"),
            (
                "pip 23.2.1 from /usr/lib/python3.11/site-packages/pip (python 3.11)",
                "23.2.1",
            ),
            ("v20.20.2\n", "20.20.2"),
            ("git version 2.47.3", "2.47.3"),
        ] {
            assert_eq!(version_in(answer).as_deref(), Some(version));
        }
        assert_eq!(version_in("command not found"), None);
    }

    #[test]
    fn versions_are_compared_by_number() {
        let tool = HostTool {
            name: "python".into(),
            command: vec![],
            minimum: "3.10".into(),
            languages: vec![],
            about: String::new(),
            fix: String::new(),
            optional: false,
            comes_with: None,
        };
        assert!(tool.accepts("3.10") && tool.accepts("3.11.7") && tool.accepts("4.0.0-beta1"));
        assert!(!tool.accepts("3.9.18") && !tool.accepts("2.7"));
    }
}
