//! git as a command, for questions that are asked once.

use std::path::Path;
use std::process::Output;

use xshell::{cmd, Shell};

use crate::environment::leads_git_elsewhere;
use crate::error::{Error, Result};

/// Settings that the user may have and that would change what git answers.
const PLAIN: [&str; 9] = [
    "log.showSignature=false",
    "log.follow=false",
    "log.mailmap=false",
    "i18n.logOutputEncoding=UTF-8",
    "color.ui=false",
    "core.quotePath=false",
    "core.fsmonitor=false",
    "status.showUntrackedFiles=normal",
    "tag.sort=refname",
];

/// Runs git in a folder.
pub fn output(folder: &Path, args: &[&str]) -> xshell::Result<Output> {
    fed(folder, args, &[])
}

/// Runs git in a folder, with something to read.
pub fn fed(folder: &Path, args: &[&str], input: &[u8]) -> xshell::Result<Output> {
    let sh = Shell::new()?;
    sh.change_dir(folder);
    let plain = PLAIN.iter().flat_map(|setting| ["-c", *setting]);
    let mut git = cmd!(sh, "git {plain...} {args...}").quiet().ignore_status();
    for (name, _) in std::env::vars_os().filter(|(name, _)| leads_git_elsewhere(name)) {
        git = git.env_remove(name);
    }
    // Looking must not write the index again, and nobody is there to be asked for a password.
    git.env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(input)
        .output()
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

#[cfg(test)]
mod tests {
    use crate::environment::leads_git_elsewhere;

    #[test]
    fn every_variable_that_git_calls_local_is_taken_away() {
        let listed = super::git(".".as_ref(), &["rev-parse", "--local-env-vars"]).unwrap();
        // Given on purpose, by a workflow for example.
        let local = listed.lines().filter(|name| *name != "GIT_CONFIG_COUNT");
        let left: Vec<&str> = local
            .filter(|name| !leads_git_elsewhere(name.as_ref()))
            .collect();
        assert_eq!(left, [""; 0]);
        assert!(listed.contains("GIT_DIR"));
        assert!(
            !leads_git_elsewhere("GIT_SSH_COMMAND".as_ref())
                && !leads_git_elsewhere("PATH".as_ref())
        );
    }
}
