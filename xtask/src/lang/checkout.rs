//! Building a checkout's packages, each with its ecosystem's own front end, into `.xtask/core`.
//!
//! What is built is named by the checkout's content, so an unchanged checkout is built once. Gems and npm packages are built in a copy of
//! their folder inside a mirror of the checkout, because their tools write beside the sources; the checkout itself stays as it is. Native
//! parts are compiled below `.xtask/core/target`, whatever tool calls cargo.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::planner::Planner;
use crate::error::Result;
use crate::plan::{Action, Mirror, Share, Task};
use crate::tasker_core::{Checkout, Identity, Package, Table, BUILDS};

/// Variables of ours that a native build gets besides the usual ones: where a web page of Core is, which its build would else
/// fetch from outside the registries; how maturin and rb-sys are to build; how cargo is to link.
const PASSED: [&str; 4] = [
    "SWAGGER_UI_DOWNLOAD_URL",
    "MATURIN_PEP517_ARGS",
    "RB_SYS_CARGO_PROFILE",
    "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
];

/// Written last, so that a build that was interrupted is none.
const COMPLETE: &str = "complete";

/// A package of the checkout, ready to be installed.
#[derive(Clone, Debug)]
pub struct Built {
    /// Tasks that must be done before.
    pub needs: Vec<String>,
    pub name: String,
    /// Python: a folder with one wheel. Ruby: the gem's library, for `RUBYLIB`. TypeScript: the packed archive.
    pub path: PathBuf,
    /// Changes with the checkout's content: for stamps of what it is installed into.
    pub id: String,
}

/// What building a package takes: its checkout, its content, the package, and the folder for what is built.
pub struct Building<'a> {
    checkout: &'a Checkout,
    identity: &'a Identity,
    pub package: &'a Package,
    pub folder: PathBuf,
}

/// Actions that build a package, where the result is, and what they wait for.
pub type Steps = (Vec<Action>, PathBuf, Vec<String>);

/// The package of a language, built from the checkout with these steps; none if the published one is to be used.
pub fn built(
    planner: &mut Planner<'_>,
    language: &str,
    steps: impl FnOnce(&mut Planner<'_>, &Building<'_>) -> Result<Steps>,
) -> Result<Option<Built>> {
    let core = planner.core;
    let Some((checkout, identity)) = core.checkout()?.zip(core.identity()?) else {
        return Ok(None);
    };
    let table = Table::load(&planner.repo.root)?;
    let Some(package) = checkout.only(&table, language) else {
        return Ok(None);
    };
    let id = format!("{language}-{}", identity.short());
    let folder = planner.repo.root.join(BUILDS).join(&id);
    let building = Building {
        checkout,
        identity,
        package,
        folder,
    };
    let (actions, path, mut needs) = steps(planner, &building)?;
    let folder = &building.folder;
    if folder.join(COMPLETE).is_file() {
        needs.clear();
    } else {
        let mut task = core_task(planner, language)
            .after(needs)
            // Compiling native parts takes every core.
            .sharing(Share::Alone("cargo"))
            .noting(Some(format!(
                "building {} of {}",
                package.name,
                checkout.root.display()
            )));
        for old in builds_of(planner, language) {
            task = task.act(Action::Remove { path: old });
        }
        let native = Native::of(planner, checkout, package)?;
        task = task.after(native.needs.clone());
        for action in actions {
            task = task.act(match action {
                Action::Run(invocation) => Action::Run(invocation.envs(native.env.clone())),
                other => other,
            });
        }
        let task = task.act(Action::Write {
            path: folder.join(COMPLETE),
            contents: String::new(),
        });
        needs = vec![planner.add(task)];
    }
    Ok(Some(Built {
        needs,
        name: package.name.clone(),
        path,
        id,
    }))
}

/// A task that belongs to no unit.
pub fn core_task(planner: &Planner<'_>, label: &str) -> Task {
    let mut task = planner.task_in("core", label);
    task.rerun = format!("cargo xtask {}core build {label}", planner.core.option());
    task
}

/// Earlier builds of a language, and a half one of this.
fn builds_of(planner: &Planner<'_>, language: &str) -> Vec<PathBuf> {
    let folder = planner.repo.root.join(BUILDS);
    let mut builds: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            name.to_string_lossy()
                .strip_prefix(language)
                .is_some_and(|rest| rest.starts_with('-'))
        })
        .map(|entry| entry.path())
        .collect();
    builds.sort();
    builds
}

/// The mirror in which gems and npm packages are built, and where in it this package is. It is one for all languages, so that what their
/// native parts have in common is compiled once.
pub fn workplace(planner: &Planner<'_>, building: &Building<'_>) -> (Action, PathBuf) {
    let checkout = building.checkout;
    let into = planner.repo.root.join(BUILDS).join("source");
    let inside = |package: &Package| {
        let folder = package.folder().strip_prefix(&checkout.root);
        folder.unwrap_or(Path::new("")).to_owned()
    };
    let copies: BTreeSet<PathBuf> = checkout
        .packages
        .iter()
        .filter(|package| package.is_built_in_place)
        .map(inside)
        .collect();
    let folder = into.join(inside(building.package));
    let mirror = Mirror {
        from: checkout.root.clone(),
        into,
        copies,
        key: format!("{} {}", checkout.root.display(), building.identity.digest),
    };
    (Action::Mirror(mirror), folder)
}

impl Building<'_> {
    /// Whether the package contains a crate.
    pub fn is_native(&self) -> bool {
        is_native(self.checkout, self.package)
    }
}

/// Makes the folder of a build.
pub fn note(folder: &Path, what: &str) -> Action {
    Action::Write {
        path: folder.join("README"),
        contents: format!("A Tasker Core checkout's {what}, built by cargo xtask.\n"),
    }
}

/// Whether a package contains a crate.
fn is_native(checkout: &Checkout, package: &Package) -> bool {
    checkout
        .packages
        .iter()
        .any(|other| other.language == "rust" && other.manifest.starts_with(package.folder()))
}

/// What compiling a package's Rust part takes.
#[derive(Default)]
struct Native {
    env: Vec<(String, String)>,
    needs: Vec<String>,
}

impl Native {
    fn of(planner: &mut Planner<'_>, checkout: &Checkout, package: &Package) -> Result<Self> {
        if !is_native(checkout, package) {
            return Ok(Self::default());
        }
        let target = planner.repo.root.join(BUILDS).join("target");
        let mut native = Self {
            env: vec![
                ("CARGO_TARGET_DIR".into(), target.display().to_string()),
                (
                    "RB_SYS_CARGO_TARGET_DIR".into(),
                    target.display().to_string(),
                ),
                // Core's queries are checked against recorded metadata instead of a database.
                ("SQLX_OFFLINE".into(), "true".into()),
            ],
            needs: Vec::new(),
        };
        if std::env::var_os("PROTOC").is_none() && planner.tools.get("protoc").is_ok() {
            let (protoc, needs) = planner.tool("protoc")?;
            let program = protoc.program().display().to_string();
            native.env.push(("PROTOC".into(), program));
            native.needs = needs;
        }
        for name in PASSED {
            if let Ok(value) = std::env::var(name) {
                native.env.push((name.to_owned(), value));
            }
        }
        Ok(native)
    }
}
