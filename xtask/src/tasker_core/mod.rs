//! Which Tasker Core the units are built against: the published packages, or a checkout.
//!
//! xtask knows the names of Core's packages (`xtask/contract/core.toml`) and nothing about a checkout's layout: packages are found by
//! the names in the checkout's own manifests and built with each ecosystem's own front end. The choice is kept in `.xtask/core.toml`,
//! which git ignores; no tracked file changes.

mod checkout;
mod identity;
mod table;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::clock::date;
use crate::error::{Error, Result};
use crate::process::quote;
use crate::unit::Reader;

pub use checkout::{Checkout, Package};
pub use identity::Identity;
pub use table::{Row, Table, FILE as TABLE_FILE};

/// Where the choice is kept, relative to the repository.
pub const STATE: &str = ".xtask/core.toml";
/// What is built from checkouts, relative to the repository.
pub const BUILDS: &str = ".xtask/core";
/// The word for no checkout.
pub const PUBLISHED: &str = "published";

/// The choice, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct State {
    /// The checkout, absolute.
    pub path: PathBuf,
    /// When it was chosen, in seconds since 1970.
    pub since: i64,
    /// Its commit then, if git knows it.
    pub commit: Option<String>,
}

/// Where the packages of Tasker Core come from in this run.
pub struct Core {
    root: PathBuf,
    /// How the manifests of a checkout are read.
    readers: Vec<&'static dyn Reader>,
    local: Option<Local>,
    /// What `--core` said, as it works from any folder.
    option: Option<String>,
}

struct Local {
    path: PathBuf,
    /// None for `--core`: this run only.
    state: Option<State>,
    checkout: OnceCell<Checkout>,
    identity: OnceCell<Identity>,
}

impl Core {
    /// What `--core` says, else what was chosen with `core use`, else the published packages. Looks at nothing but the state file.
    pub fn choose(
        root: &Path,
        option: Option<&str>,
        readers: Vec<&'static dyn Reader>,
    ) -> Result<Self> {
        let local = match option {
            Some(PUBLISHED) => None,
            Some(path) => Some(Local::new(absolute(path)?, None)),
            None => state(root)?.map(|state| Local::new(state.path.clone(), Some(state))),
        };
        Ok(Self {
            root: root.to_owned(),
            readers,
            option: option.map(|value| match &local {
                Some(local) => local.path.display().to_string(),
                None => value.to_owned(),
            }),
            local,
        })
    }

    pub fn published(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            readers: Vec::new(),
            local: None,
            option: None,
        }
    }

    /// What a command must say to get the same packages: `--core PATH ` with a space, or nothing.
    pub fn option(&self) -> String {
        self.option
            .as_ref()
            .map(|value| format!("--core {} ", quote(value)))
            .unwrap_or_default()
    }

    /// Whether a checkout is used.
    pub fn is_local(&self) -> bool {
        self.local.is_some()
    }

    /// The choice that is kept; none for the published packages and for `--core`.
    pub fn state(&self) -> Option<&State> {
        self.local.as_ref()?.state.as_ref()
    }

    /// The checkout with its packages, checked against what we support; none if the published packages are used.
    pub fn checkout(&self) -> Result<Option<&Checkout>> {
        let Some(local) = &self.local else {
            return Ok(None);
        };
        if local.checkout.get().is_none() {
            let table = Table::load(&self.root)?;
            let found = Checkout::open(&self.root, &local.path, &table, &self.readers)
                .map_err(|error| self.moved(error, local))?;
            let _ = local.checkout.set(found);
        }
        Ok(local.checkout.get())
    }

    /// A kept choice that is no checkout any more was moved or removed since: say so, and how to get out.
    fn moved(&self, error: Error, local: &Local) -> Error {
        match (error, &local.state) {
            (Error::Core { why, .. }, Some(state)) if !local.path.is_dir() => Error::Core {
                why: format!(
                    "{why}; it was there on {}, when it was chosen",
                    date(state.since)
                ),
                fix: "cargo xtask core use PATH with its new place, or cargo xtask core use published"
                    .into(),
            },
            (error, _) => error,
        }
    }

    /// What the checkout contains now; none if the published packages are used.
    pub fn identity(&self) -> Result<Option<&Identity>> {
        let Some(local) = &self.local else {
            return Ok(None);
        };
        if local.identity.get().is_none() {
            let checkout = self.checkout()?.map_or(&*local.path, |found| &*found.root);
            let _ = local.identity.set(Identity::of(checkout)?);
        }
        Ok(local.identity.get())
    }

    /// What results depend on besides our own files: `published`, or the checkout and its content. Part of every cache key.
    ///
    /// For the published packages the versions are in the lock files, which are part of the keys anyway.
    pub fn source_id(&self) -> Result<String> {
        Ok(match (&self.local, self.identity()?) {
            (Some(local), Some(identity)) => {
                format!("{} {}", local.path.display(), identity.digest)
            }
            _ => PUBLISHED.to_owned(),
        })
    }

    /// The first line of a run.
    pub fn announcement(&self) -> Result<String> {
        let Some(local) = &self.local else {
            let version = published_version(&self.root);
            return Ok(format!("Tasker Core: published{version}"));
        };
        let content = self
            .identity()?
            .map(Identity::to_string)
            .unwrap_or_default();
        let languages = self
            .checkout()?
            .map(Checkout::languages)
            .unwrap_or_default();
        let until = match &local.state {
            Some(state) => format!("since {}", date(state.since)),
            None => "for this run".to_owned(),
        };
        Ok(format!(
            "Tasker Core: {}, {content} ({}), {until}",
            local.path.display(),
            languages.join(", ")
        ))
    }
}

impl Local {
    fn new(path: PathBuf, state: Option<State>) -> Self {
        Self {
            path,
            state,
            checkout: OnceCell::new(),
            identity: OnceCell::new(),
        }
    }
}

fn state(root: &Path) -> Result<Option<State>> {
    let path = root.join(STATE);
    match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path)(error)),
        Ok(text) => toml::from_str(&text)
            .map(Some)
            .map_err(|error| Error::BadFile {
                file: STATE.into(),
                line: None,
                why: error.message().to_owned(),
                fix: Some("cargo xtask core use published, or cargo xtask core use PATH".into()),
            }),
    }
}

/// The absolute path of a checkout; the folder itself if it is a link.
pub fn absolute(path: &str) -> Result<PathBuf> {
    let here = std::env::current_dir().map_err(Error::io("find", "the current folder"))?;
    let path = here.join(path);
    path.canonicalize().map_err(|_| Error::Core {
        why: format!("{} is not there", path.display()),
        fix: "pass the folder of a Tasker Core checkout, or `published`".into(),
    })
}

/// ` 0.1.8`, from the table's first lines: parsing all of it would be slower than everything else a run does first.
fn published_version(root: &Path) -> String {
    let text = std::fs::read_to_string(root.join("xtask/contract/config.toml")).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("core_version = \""))
        .and_then(|rest| rest.strip_suffix('"'))
        .map(|version| format!(" {version}"))
        .unwrap_or_default()
}
