//! git as a command, for questions that are asked once.

use std::path::Path;
use std::process::Output;

use xshell::{cmd, Shell};

use crate::error::{Error, Result};

/// Runs git in a folder.
pub fn output(folder: &Path, args: &[&str]) -> xshell::Result<Output> {
    let sh = Shell::new()?;
    sh.change_dir(folder);
    let mut git = cmd!(sh, "git {args...}").quiet().ignore_status();
    // Looking must not write the index again, and nobody is there to be asked for a password.
    git = git
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0");
    // A hook's variables must not lead elsewhere.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git = git.env_remove(name);
    }
    git.output()
}

/// What git answers; its words if it fails.
pub fn git(root: &Path, args: &[&str]) -> Result<String> {
    let failed = |why: String| Error::Git {
        doing: format!("run git {}", args[0]),
        why,
    };
    let ran = output(root, args).map_err(|error| failed(error.to_string()))?;
    if ran.status.success() {
        Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
    } else {
        Err(failed(
            String::from_utf8_lossy(&ran.stderr).trim().to_owned(),
        ))
    }
}
