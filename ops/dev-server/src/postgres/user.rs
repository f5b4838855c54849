//! The user PostgreSQL runs as. It refuses to run as root, so root hands everything it touches to an unprivileged user.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use nix::unistd::{geteuid, setgid, setgroups, setuid, Gid, Uid, User};

use crate::error::StackError;

/// Tried in this order; Debian's `postgres` package makes the first, every system has the second.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// Who runs PostgreSQL.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub enum RunAs {
    /// The user who started us.
    Myself,
    /// We are root and use this user instead.
    Other {
        /// Its name, for messages.
        name: String,
        /// Its id.
        uid: u32,
        /// Its group's id.
        gid: u32,
    },
}

impl RunAs {
    /// Decides by who we are.
    ///
    /// # Errors
    /// When we are root and the system has no unprivileged user that we know.
    pub fn detect() -> anyhow::Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self::Myself);
        }
        let user = UNPRIVILEGED
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .context("PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody` to run it as")?;
        Ok(Self::Other {
            name: user.name,
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
        })
    }

    /// Makes `command` run as this user. Dies with its parent (Linux), whatever kills that.
    pub fn apply(
        &self,
        command: &mut Command,
        signal_on_parents_death: Option<nix::sys::signal::Signal>,
    ) {
        let target = self.clone();
        // SAFETY: only async-signal-safe system calls between fork and exec; nothing allocates.
        unsafe {
            command.pre_exec(move || {
                if let Self::Other { uid, gid, .. } = target {
                    setgroups(&[])?;
                    setgid(Gid::from_raw(gid))?;
                    setuid(Uid::from_raw(uid))?;
                }
                // After the change of user, which would clear it.
                #[cfg(target_os = "linux")]
                if let Some(signal) = signal_on_parents_death {
                    nix::sys::prctl::set_pdeathsig(signal)?;
                }
                #[cfg(not(target_os = "linux"))]
                let _ = signal_on_parents_death;
                Ok(())
            });
        }
    }

    /// Gives a path and everything below it to this user.
    pub fn own(&self, path: &Path) -> anyhow::Result<()> {
        let Self::Other { uid, gid, .. } = self else {
            return Ok(());
        };
        own_tree(path, *uid, *gid)
            .with_context(|| format!("hand {} to PostgreSQL's user", path.display()))
    }

    /// Checks that this user can enter `path`.
    ///
    /// # Errors
    /// [`StackError::NotReachableForUser`].
    pub fn check_reach(&self, path: &Path) -> anyhow::Result<()> {
        let (Self::Other { name, .. }, Some(folder)) = (self, self.barrier(path)) else {
            return Ok(());
        };
        Err(StackError::NotReachableForUser {
            user: name.clone(),
            path: path.to_owned(),
            folder: folder.to_owned(),
        }
        .into())
    }

    /// Whether this user can enter `path`: every directory above must let others pass.
    pub fn can_reach(&self, path: &Path) -> bool {
        self.barrier(path).is_none()
    }

    /// The folder above `path` that does not let this user pass.
    fn barrier<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        let Self::Other { uid, .. } = self else {
            return None;
        };
        path.ancestors()
            .skip(1)
            .find(|folder| !passes(folder, *uid))
    }

    /// The programs as this user can run them: in place, or a copy where root's own folders are in the way.
    pub fn reachable_programs(
        &self,
        programs: super::Programs,
        cache: &Path,
    ) -> anyhow::Result<super::Programs> {
        if self.can_reach(&programs.bin.join("postgres")) {
            return Ok(programs);
        }
        let key = crate::fingerprint::of(&[
            programs.root().to_string_lossy().as_ref(),
            &programs.version,
        ]);
        let copy = cache.join(format!("postgresql-{}-{key}", programs.version));
        if !copy.exists() {
            let fresh = tempfile::Builder::new().prefix(".new-").tempdir_in(cache)?;
            crate::files::copy_tree(programs.root(), fresh.path())?;
            fs::set_permissions(fresh.path(), fs::Permissions::from_mode(0o755))?;
            crate::files::publish(fresh, &copy)?;
        }
        self.check_reach(&copy.join("bin/postgres"))?;
        Ok(super::Programs {
            bin: copy.join("bin"),
            version: programs.version,
        })
    }
}

fn passes(folder: &Path, uid: u32) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match fs::metadata(folder) {
        Ok(meta) => meta.mode() & 0o001 != 0 || (meta.uid() == uid && meta.mode() & 0o100 != 0),
        // What is not there yet will be made by us, open to others.
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

fn own_tree(path: &Path, uid: u32, gid: u32) -> std::io::Result<()> {
    let mut open: Vec<PathBuf> = vec![path.to_owned()];
    while let Some(next) = open.pop() {
        std::os::unix::fs::lchown(&next, Some(uid), Some(gid))?;
        if next.symlink_metadata()?.is_dir() {
            for entry in fs::read_dir(&next)? {
                open.push(entry?.path());
            }
        }
    }
    Ok(())
}
