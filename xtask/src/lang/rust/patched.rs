//! Cargo packages of a checkout instead of the published ones.
//!
//! `cargo --config patch.crates-io.NAME.path=…` replaces a package without a word in a tracked file, except that the replacement
//! belongs into `Cargo.lock`, and cargo has no stable way to put that file elsewhere. So cargo is run in a mirror of the repository,
//! below `.xtask/core`: every file is a link, only the lock files are copies.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::lock;
use crate::error::Result;
use crate::lang::checkout::core_task;
use crate::lang::planner::Planner;
use crate::plan::{Action, Mirror, Share};
use crate::process::Invocation;
use crate::tasker_core::{Checkout, BUILDS};

/// How cargo is called so that it takes packages of the checkout.
#[derive(Clone, Debug)]
pub struct Patched {
    /// Tasks that must be done before.
    pub needs: Vec<String>,
    /// Names of the packages that are replaced.
    pub names: BTreeSet<String>,
    /// The folder with the lock file, in the mirror.
    folder: PathBuf,
    target: PathBuf,
    config: Vec<String>,
}

impl Patched {
    /// A call of cargo, with the subcommand first. The mirror's lock file is its own, so `--locked` is left out.
    pub fn cargo(&self, argv: &[&str]) -> Invocation {
        let target = self.target.display().to_string();
        let subcommand = argv.first().copied().unwrap_or_default();
        let words = ["cargo", subcommand, "--target-dir", &target]
            .into_iter()
            .map(str::to_owned)
            .chain(self.config.iter().cloned())
            .chain(
                argv.iter()
                    .skip(1)
                    .filter(|word| **word != "--locked")
                    .map(|word| (*word).to_owned()),
            );
        Invocation::new(&self.folder, words)
    }
}

/// How to call cargo for the packages that share the lock file in `folder` (relative to the repository); none if the published
/// packages are used, or none of the checkout's is in that lock file. `target` is where cargo builds.
pub fn patched(planner: &mut Planner<'_>, folder: &str, target: &Path) -> Result<Option<Patched>> {
    let core = planner.core;
    let Some((checkout, identity)) = core.checkout()?.zip(core.identity()?) else {
        return Ok(None);
    };
    let root = &planner.repo.root;
    let names = replaced(checkout, &root.join(folder).join("Cargo.lock"));
    if names.is_empty() {
        return Ok(None);
    }
    let mirror = Mirror {
        from: root.clone(),
        into: root.join(BUILDS).join("mirror"),
        copies: lock_folders(planner)
            .into_iter()
            .map(|folder| folder.join("Cargo.lock"))
            .collect(),
        key: format!("{} {}", checkout.root.display(), identity.digest),
    };
    let mut patched = Patched {
        needs: Vec::new(),
        folder: mirror.into.join(folder),
        target: target.to_owned(),
        config: config(checkout, &names),
        names,
    };
    let label = if folder.is_empty() {
        "rust".to_owned()
    } else {
        format!("rust-{}", folder.replace('/', "-"))
    };
    let mut tree = vec!["cargo", "tree", "--quiet", "--workspace", "--depth", "0"];
    tree.extend(patched.config.iter().map(String::as_str));
    let task = core_task(planner, &label)
        .sharing(Share::Alone("cargo"))
        .act(Action::Mirror(mirror))
        .run(Invocation::new(&patched.folder, tree))
        .act(Action::Check {
            what: "that cargo takes every package of the checkout".to_owned(),
            check: unused,
            folder: patched.folder.clone(),
        });
    patched.needs = vec![planner.add(task)];
    Ok(Some(patched))
}

/// The folders of all lock files of the repository: every one becomes a copy in the one mirror.
fn lock_folders(planner: &Planner<'_>) -> BTreeSet<PathBuf> {
    let repo = planner.repo;
    let own = repo
        .units
        .iter()
        .filter(|unit| repo.path(unit).join("Cargo.lock").is_file())
        .map(|unit| PathBuf::from(&unit.folder));
    own.chain([PathBuf::new()]).collect()
}

/// Packages that the lock file takes from the registry and the checkout has.
fn replaced(checkout: &Checkout, lock: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(lock).unwrap_or_default();
    lock::entries(&text)
        .into_iter()
        .filter(|entry| {
            let source = entry.source.as_deref().unwrap_or_default();
            source.starts_with("registry") && checkout.package("rust", &entry.name).is_some()
        })
        .map(|entry| entry.name)
        .collect()
}

fn config(checkout: &Checkout, names: &BTreeSet<String>) -> Vec<String> {
    names
        .iter()
        .filter_map(|name| checkout.package("rust", name))
        .flat_map(|package| {
            let path = toml::Value::String(package.folder().display().to_string());
            [
                "--config".to_owned(),
                format!("patch.crates-io.{}.path={path}", package.name),
            ]
        })
        .collect()
}

/// Packages of the checkout that cargo left out, which it only warns about: the published ones would be used in silence.
fn unused(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("Cargo.lock")).unwrap_or_default();
    lock::unused_patches(&text)
        .into_iter()
        .map(|entry| {
            format!(
                "cargo cannot use {} {} of the checkout: a Cargo.toml of this repository requires another version",
                entry.name, entry.version
            )
        })
        .collect()
}
