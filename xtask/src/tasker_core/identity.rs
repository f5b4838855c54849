//! What a checkout contains: its commit and every change since, or the state of all of its files.

use std::collections::BTreeSet;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::git::run::output;
use crate::layout::is_built;

/// The content of a checkout at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The commit, if git knows the folder.
    pub commit: Option<String>,
    /// How many files differ from the commit.
    pub changed: usize,
    /// A digest of everything that counts.
    pub digest: String,
}

impl Identity {
    /// Looks at the checkout. With git only what differs from the commit is read. Without, every file's size and times count: no program
    /// can set the time of its last change of state.
    pub fn of(checkout: &Path) -> Result<Self> {
        let mut sum = Sha256::new();
        let commit = git(checkout, &["rev-parse", "HEAD"])
            .map(|text| String::from_utf8_lossy(&text).trim().to_owned())
            // In a folder that the repository around it ignores, git would see no change.
            .filter(|_| git(checkout, &["check-ignore", "--quiet", "."]).is_none());
        let Some(commit) = commit else {
            let mut files = BTreeSet::new();
            walk(checkout, &mut files)?;
            for path in &files {
                add_stamp(&mut sum, checkout, path)?;
            }
            return Ok(Self {
                commit: None,
                changed: 0,
                digest: hex::encode(sum.finalize()),
            });
        };
        let changed = changed(checkout);
        sum.update(&commit);
        for path in &changed {
            add_file(&mut sum, checkout, path)?;
        }
        Ok(Self {
            commit: Some(commit),
            changed: changed.len(),
            digest: hex::encode(sum.finalize()),
        })
    }

    /// The beginning of the digest: enough to tell builds apart.
    pub fn short(&self) -> &str {
        &self.digest[..16]
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.commit {
            None => write!(f, "no commit, content {}", &self.digest[..8]),
            Some(commit) => {
                write!(f, "commit {}", commit.get(..8).unwrap_or(commit))?;
                match self.changed {
                    0 => Ok(()),
                    1 => write!(f, " and 1 changed file"),
                    many => write!(f, " and {many} changed files"),
                }
            }
        }
    }
}

/// Files that differ from the commit, untracked ones included; what git ignores is left out.
fn changed(checkout: &Path) -> BTreeSet<PathBuf> {
    let tracked = git(
        checkout,
        &["diff", "--name-only", "-z", "--relative", "HEAD"],
    );
    let untracked = git(
        checkout,
        &["ls-files", "-z", "--others", "--exclude-standard"],
    );
    let names = |output: Option<Vec<u8>>| {
        output
            .unwrap_or_default()
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
            .map(|name| PathBuf::from(std::ffi::OsString::from_vec(name.to_vec())))
            .collect::<Vec<_>>()
    };
    names(tracked).into_iter().chain(names(untracked)).collect()
}

/// None if git does not know the folder.
fn git(checkout: &Path, args: &[&str]) -> Option<Vec<u8>> {
    let output = output(checkout, args).ok()?;
    output.status.success().then_some(output.stdout)
}

fn walk(folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type().map_err(Error::io("read", entry.path()))?;
        if kind.is_dir() {
            if !name.starts_with('.') && !is_built(&name) && !name.ends_with(".egg-info") {
                walk(&entry.path(), files)?;
            }
        } else if kind.is_file() {
            files.insert(entry.path());
        }
    }
    Ok(())
}

/// Adds a file by its name and content; one that is gone by its name.
fn add_file(sum: &mut Sha256, checkout: &Path, path: &Path) -> Result<()> {
    let path = checkout.join(path);
    let name = path.strip_prefix(checkout).unwrap_or(&path);
    let content = match std::fs::read(&path) {
        Ok(content) => content,
        Err(_) if !path.is_file() => b"no file".to_vec(),
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    for part in [name.as_os_str().as_bytes(), &content] {
        sum.update(part.len().to_le_bytes());
        sum.update(part);
    }
    Ok(())
}

fn add_stamp(sum: &mut Sha256, checkout: &Path, path: &Path) -> Result<()> {
    let meta = path.metadata().map_err(Error::io("read", path))?;
    let name = path.strip_prefix(checkout).unwrap_or(path).as_os_str();
    sum.update(name.len().to_le_bytes());
    sum.update(name.as_bytes());
    for number in [
        i64::try_from(meta.len()).unwrap_or(i64::MAX),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
    ] {
        sum.update(number.to_le_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_in_a_folder_that_git_ignores_is_known_by_its_files() {
        let scratch = tempfile::tempdir().unwrap();
        let commit = [
            &["init", "--quiet"][..],
            &["add", "--all"],
            &["-c", "user.name=t", "-c", "user.email=t@example.org"],
        ];
        std::fs::write(scratch.path().join(".gitignore"), "/out/\n").unwrap();
        git(scratch.path(), commit[0]).unwrap();
        git(scratch.path(), commit[1]).unwrap();
        let message = ["commit", "--quiet", "--message", "all"];
        git(scratch.path(), &[commit[2], &message].concat()).unwrap();
        let checkout = scratch.path().join("out/core");
        std::fs::create_dir_all(&checkout).unwrap();
        std::fs::write(checkout.join("lib.rs"), "one").unwrap();
        let before = Identity::of(&checkout).unwrap();
        assert_eq!(before.commit, None);
        std::fs::write(checkout.join("lib.rs"), "three").unwrap();
        assert_ne!(Identity::of(&checkout).unwrap(), before);
        assert!(Identity::of(scratch.path()).unwrap().commit.is_some());
    }
}
