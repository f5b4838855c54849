//! Python: projects with a `pyproject.toml`, in environments made by `uv` from `requirements.lock`.
//!
//! The environment is `.venv` beside the manifest, so a developer of the package can use it with ordinary tools. It is
//! brought up to date when the manifest, the lock, or the manifest of a path dependency has changed; a stamp in it says what it was
//! made from.

mod channel;
mod checkout;
mod constants;
mod counts;
mod versions;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::checkout::Built;
use super::language::{Entry, Job, Language};
use super::planner::{Planner, Provided};
use crate::error::{Error, Result};
use crate::plan::{Action, Count, Task};
use crate::process::Invocation;
use crate::repo::Repo;
use crate::tasker_core::Checkout;
use crate::unit::{described, lookup, parse_toml, text_at, words, Described, Found, Reader, Unit};

pub use counts::PYTEST;

#[derive(Debug)]
pub struct Python;

pub const ECOSYSTEM: Entry = Entry {
    language: Some(&Python),
    versions: Some(&Python),
    channel: Some(&Python),
    constants: &[&constants::SHARED, &constants::DJANGO],
};

/// The lock file beside `pyproject.toml`.
const LOCK: &str = "requirements.lock";
/// Inside the environment: what it was made from.
const STAMP: &str = ".venv/xtask-stamp";

/// Inside the environment, while Core's package in it is not the published one.
const FOREIGN: &str = ".venv/xtask-core";

const CORE: &str = "tasker-py";

/// The build backend of all Python units, and what it takes besides to install one from its folder.
const BACKEND: &str = "hatchling";
const BACKEND_EDITABLE: &str = "editables";

/// An environment that a plan prepares.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Tasks that must be done before it can be used.
    pub needs: Vec<String>,
    /// Its folder of programs, for PATH.
    pub bin: PathBuf,
}

impl Reader for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["pyproject.toml"]
    }

    fn unit(&self, found: &Found<'_>) -> Result<Option<Unit>> {
        if !found.table.contains_key("project") {
            return Ok(None);
        }
        let mut unit = found.unit(self.name(), &found.required_str("project.name")?);
        unit.depends_on = lookup(found.table, "tool.uv.sources")
            .and_then(Value::as_table)
            .into_iter()
            .flat_map(Table::values)
            .filter_map(|source| source.get("path").and_then(Value::as_str))
            .filter_map(|path| found.resolve(path))
            .collect();
        found.own_words(&mut unit, "tool.xtask")?;
        Ok(Some(unit))
    }

    fn packages(&self, _root: &Path, manifests: &[PathBuf]) -> Result<Vec<Described>> {
        Ok(described(manifests, false, |_, text| {
            let table = parse_toml(text).ok()?;
            Some((
                text_at(&table, "project.name")?,
                text_at(&table, "project.version"),
            ))
        }))
    }
}

impl Language for Python {
    fn counts(&self) -> Option<Count> {
        Some(PYTEST)
    }

    fn toolchain(&self, planner: &mut Planner<'_>, unit: &Unit) -> Result<Provided> {
        let environment = prepare(planner, unit)?;
        let folder = planner.repo.path(unit).join(".venv");
        Ok(Provided {
            needs: environment.needs,
            env: vec![("VIRTUAL_ENV".to_owned(), folder.display().to_string())],
            path: vec![environment.bin],
        })
    }

    fn build_core(&self, planner: &mut Planner<'_>) -> Result<()> {
        checkout::core(planner).map(drop)
    }

    fn plan(&self, planner: &mut Planner<'_>, unit: &Unit, job: Job) -> Result<()> {
        let folder = planner.repo.path(unit);
        if job == Job::Test && !has_tests(planner, unit) || job == Job::Build && !is_package(unit) {
            return Ok(());
        }
        let environment = prepare(planner, unit)?;
        let tool = |argv: &[&str]| environment.tool(&folder, argv);
        match job {
            Job::Test => {
                let needed = planner.provide_for_tests(unit, "tool.xtask.uses")?;
                let test = planner
                    .task(unit, "pytest")
                    .after(environment.needs.clone())
                    .after(needed.needs)
                    .counting(PYTEST)
                    .run(tool(&["pytest"]).envs(needed.env));
                planner.add(test);
            }
            Job::Lint => {
                let commands = [
                    ("ruff", tool(&["ruff", "check", "."])),
                    ("ruff-format", tool(&["ruff", "format", "--check", "."])),
                    ("mypy", tool(&mypy(unit))),
                ];
                planner.add_each(unit, &environment.needs, commands);
            }
            Job::Fmt => {
                let task = planner
                    .task(unit, "ruff-format")
                    .after(environment.needs.clone())
                    .run(tool(&["ruff", "check", "--select", "I", "--fix-only", "."]))
                    .run(tool(&["ruff", "format", "."]));
                planner.add(task);
            }
            Job::Build => package(planner, unit, environment)?,
        }
        Ok(())
    }

    /// Runs the tests that a manifest names in `tool.xtask.core-check`.
    fn check_core(&self, planner: &mut Planner<'_>, checkout: &Checkout) -> Result<()> {
        if !checkout.has(self.name()) {
            return Ok(());
        }
        let repo = planner.repo;
        for unit in repo
            .units
            .iter()
            .filter(|unit| unit.language == self.name())
        {
            let tests = words(&unit.manifest, "tool.xtask.core-check");
            if tests.is_empty() {
                continue;
            }
            let environment = prepare(planner, unit)?;
            let pytest = environment.bin.join("pytest").display().to_string();
            let argv = std::iter::once(pytest).chain(tests.iter().map(|test| (*test).to_owned()));
            let task = planner
                .task(unit, "core-check")
                .after(environment.needs)
                .counting(PYTEST)
                .run(Invocation::new(repo.path(unit), argv).with_path(&environment.bin));
            planner.add(task);
        }
        Ok(())
    }

    fn is_in_sync(&self, planner: &mut Planner<'_>, unit: &Unit) -> Result<Option<bool>> {
        if !planner.repo.path(unit).join(STAMP).is_file() {
            return Ok(None);
        }
        let before = planner.plan.tasks.len();
        prepare(planner, unit)?;
        Ok(Some(planner.plan.tasks.len() == before))
    }
}

impl Environment {
    /// A program of the environment, run in a folder.
    fn tool(&self, folder: &Path, argv: &[&str]) -> Invocation {
        let program = self.bin.join(argv[0]).display().to_string();
        let argv = std::iter::once(program).chain(argv[1..].iter().map(|word| (*word).to_owned()));
        Invocation::new(folder, argv)
            .with_path(&self.bin)
            .env("VIRTUAL_ENV", folder.join(".venv").display().to_string())
    }
}

/// Adds the task that builds what would be published.
fn package(planner: &mut Planner<'_>, unit: &Unit, environment: Environment) -> Result<()> {
    let (uv, _) = planner.tool("uv")?;
    let dist = planner.dist(unit);
    let mut argv = vec![
        uv.program().display().to_string(),
        "build".into(),
        "--quiet".into(),
    ];
    argv.extend(isolation(planner.repo, unit, &[BACKEND]));
    argv.extend(["--python".into(), ".venv".into(), "--out-dir".into()]);
    argv.push(dist.display().to_string());
    let build = Invocation::new(planner.repo.path(unit), argv);
    let task = planner
        .task(unit, "uv-build")
        .after(environment.needs)
        .act(Action::Remove { path: dist })
        .run(build.env("UV_PYTHON_DOWNLOADS", "never"));
    planner.add(task);
    Ok(())
}

/// Adds what it takes to have the unit's environment; adds nothing if it is up to date.
pub fn prepare(planner: &mut Planner<'_>, unit: &Unit) -> Result<Environment> {
    let repo = planner.repo;
    let folder = repo.path(unit);
    let (uv, fetched) = planner.tool("uv")?;
    let bin = folder.join(".venv/bin");
    let Some(lock) = planner.content(&folder.join(LOCK)) else {
        return Err(no_lock(repo, unit));
    };
    let core = if !planner.core.is_local() || !locks(repo, unit, CORE) {
        None
    } else {
        checkout::core(planner)?
    };
    let stamp = stamp(planner, unit, &lock, &uv.version, core.as_ref());
    let is_current = std::fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == stamp);
    if is_current && bin.join("python").exists() {
        return Ok(Environment {
            needs: fetched,
            bin,
        });
    }
    let mut task = make(planner, unit, &uv.program()).after(fetched);
    if let Some(core) = core {
        let run = |argv| uv_in(&uv.program(), &folder, argv);
        task = from_checkout(task.after(core.needs.clone()), &folder, &core, run);
    }
    let task = task.act(Action::Write {
        path: folder.join(STAMP),
        contents: stamp,
    });
    Ok(Environment {
        needs: vec![planner.add(task)],
        bin,
    })
}

/// The task that makes the environment: Python, what the lock file says, and the units themselves, from their folders.
fn make(planner: &Planner<'_>, unit: &Unit, uv: &Path) -> Task {
    let repo = planner.repo;
    let folder = repo.path(unit);
    let run = |argv| uv_in(uv, &folder, argv);
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut task = planner
        .task(unit, "prepare")
        .noting(Some(format!("making {}/.venv from {LOCK}", unit.folder)));
    if !folder.join(".venv/bin/python").exists() || was_made_elsewhere(&folder) {
        task = task.run(run(words(
            "venv --quiet --clear --no-project --python python3 .venv",
        )));
    }
    let mut sync = words(&format!("pip sync --require-hashes {LOCK}"));
    let foreign = folder.join(FOREIGN);
    if foreign.exists() {
        // The same version may be installed from a checkout, and would stay.
        sync.extend(["--reinstall-package".to_owned(), CORE.to_owned()]);
    }
    task = task.run(run(sync));
    if foreign.exists() {
        task = task.act(Action::Remove { path: foreign });
    }
    let dependencies = repo.dependencies(unit).into_iter().chain([unit]);
    let packages: Vec<String> = dependencies
        .filter(|unit| unit.language == "python" && is_package(unit))
        .flat_map(|unit| {
            let folder = repo.path(unit).display().to_string();
            ["--editable".to_owned(), folder]
        })
        .collect();
    if packages.is_empty() {
        return task;
    }
    let mut install = words("pip install --no-deps");
    install.extend(isolation(repo, unit, &[BACKEND, BACKEND_EDITABLE]));
    install.extend(packages);
    task.run(run(install))
}

/// uv for the environment of a folder. Python itself comes from this machine: what uv would download comes from no package registry.
fn uv_in(uv: &Path, folder: &Path, argv: Vec<String>) -> Invocation {
    Invocation::new(
        folder,
        std::iter::once(uv.display().to_string()).chain(argv),
    )
    .env("UV_PYTHON_DOWNLOADS", "never")
    .env("VIRTUAL_ENV", folder.join(".venv").display().to_string())
}

/// Replaces Core's package by the wheel that was built from a checkout.
fn from_checkout(
    task: Task,
    folder: &Path,
    core: &Built,
    run: impl Fn(Vec<String>) -> Invocation,
) -> Task {
    let install = [
        "pip",
        "install",
        "--no-deps",
        "--no-index",
        "--reinstall-package",
        &core.name,
        "--find-links",
        &core.path.display().to_string(),
        &core.name,
    ];
    // First, so that an installation that is interrupted is undone as well.
    task.act(Action::Write {
        path: folder.join(FOREIGN),
        contents: format!("{}\n", core.id),
    })
    .run(run(install.map(str::to_owned).to_vec()))
}

/// A digest of all that the environment is made from, and its folder: the programs in it begin with absolute paths.
fn stamp(
    planner: &Planner<'_>,
    unit: &Unit,
    lock: &[u8; 20],
    uv_version: &str,
    core: Option<&Built>,
) -> String {
    let mut sum = Sha256::new();
    sum.update(uv_version);
    sum.update(lock);
    sum.update(planner.manifests(unit));
    if let Some(core) = core {
        sum.update(&core.id);
    }
    let digest = hex::encode(sum.finalize());
    format!("{digest}\n{}\n", planner.repo.path(unit).display())
}

/// Whether the environment came here with a checkout that was copied or moved. Its programs would start the old place's Python.
fn was_made_elsewhere(folder: &Path) -> bool {
    let stamp = std::fs::read_to_string(folder.join(STAMP)).unwrap_or_default();
    let place = stamp.lines().nth(1);
    place.is_some_and(|place| Path::new(place) != folder)
}

/// With the build backend locked like everything else, building takes that one and fetches nothing.
fn isolation(repo: &Repo, unit: &Unit, backend: &[&str]) -> Option<String> {
    backend
        .iter()
        .all(|name| locks(repo, unit, name))
        .then(|| "--no-build-isolation".to_owned())
}

/// Whether the lock file has a package.
fn locks(repo: &Repo, unit: &Unit, name: &str) -> bool {
    let lock = std::fs::read_to_string(repo.path(unit).join(LOCK)).unwrap_or_default();
    lock.lines()
        .any(|line| line.starts_with(&format!("{name}==")))
}

fn no_lock(repo: &Repo, unit: &Unit) -> Error {
    let local: String = repo
        .dependencies(unit)
        .iter()
        .map(|unit| format!(" --no-emit-package {}", unit.name))
        .collect();
    Error::BadFile {
        file: PathBuf::from(&unit.folder).join(LOCK),
        line: None,
        why: "the lock file is missing".into(),
        fix: Some(format!(
            "in {}: uv pip compile pyproject.toml --group dev --all-extras --universal --python-version 3.10 \
             --generate-hashes --no-emit-index-url --no-annotate --no-header{local} -o {LOCK} \
             (uv refuses it while the manifest says tool.uv.managed = false)",
            unit.folder
        )),
    }
}

fn has_tests(planner: &Planner<'_>, unit: &Unit) -> bool {
    lookup(&unit.manifest, "tool.pytest.ini_options.testpaths").is_some()
        || planner.is_there(&planner.repo.path(unit).join("tests"))
}

/// An app without a build system is run from its folder and is never installed.
fn is_package(unit: &Unit) -> bool {
    unit.manifest.contains_key("build-system")
}

/// What mypy checks is the manifest's business; without a word there, everything.
fn mypy(unit: &Unit) -> Vec<&'static str> {
    let says_what = |key: &str| lookup(&unit.manifest, &format!("tool.mypy.{key}")).is_some();
    if ["files", "packages", "modules"].into_iter().any(says_what) {
        vec!["mypy"]
    } else {
        vec!["mypy", "."]
    }
}
