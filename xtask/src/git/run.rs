//! git as a command, for questions that are asked once.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, Result};

/// What git answers.
///
/// # Errors
/// [`Error::Git`] with its words.
pub fn git(root: &Path, args: &[&str]) -> Result<String> {
    let failed = |why: String| Error::Git {
        doing: format!("run git {}", args[0]),
        why,
    };
    let ran = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(args)
        // Looking must not write the index again, and nobody is there to be asked for a password.
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if ran.status.success() {
        Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
    } else {
        Err(failed(
            String::from_utf8_lossy(&ran.stderr).trim().to_owned(),
        ))
    }
}
