//! TypeScript: packages with a `package.json`, in environments made by `npm ci` from `package-lock.json`, run by the pinned `bun`.
//!
//! `node_modules` beside the manifest is brought up to date when the manifest or the lock has changed; a stamp in it says what it
//! was made from. What npm calls scripts is a developer's shorthand; xtask runs the tools themselves.

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
use crate::tasker_core::Checkout;
use crate::unit::{
    described, lookup, parse_json, text_at, Described, Found, Malformed, Reader, Unit,
};

#[derive(Debug)]
pub struct TypeScript;

pub const ECOSYSTEM: Entry = Entry {
    language: Some(&TypeScript),
    versions: Some(&TypeScript),
    channel: Some(&TypeScript),
    constants: &[&constants::BUN],
};

const CORE: &str = "@tasker-systems/tasker";

/// The lock file beside `package.json`.
const LOCK: &str = "package-lock.json";
/// Inside the environment: what it was made from.
const STAMP: &str = "node_modules/.xtask-stamp";

/// An environment that a plan prepares.
struct Environment {
    needs: Vec<String>,
    path: Vec<PathBuf>,
}

impl Reader for TypeScript {
    fn name(&self) -> &'static str {
        "typescript"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["package.json"]
    }

    fn parse(&self, text: &str) -> std::result::Result<Table, Malformed> {
        parse_json(text)
    }

    fn unit(&self, found: &Found<'_>) -> Result<Option<Unit>> {
        let mut unit = found.unit(self.name(), &found.required_str("name")?);
        let kinds = [
            "dependencies",
            "devDependencies",
            "optionalDependencies",
            "peerDependencies",
        ];
        for kind in kinds {
            let local = found.table.get(kind).and_then(Value::as_table);
            let paths = local
                .into_iter()
                .flat_map(Table::values)
                .filter_map(|value| value.as_str()?.strip_prefix("file:"));
            unit.depends_on
                .extend(paths.filter_map(|path| found.resolve(path)));
        }
        found.own_words(&mut unit, "xtask")?;
        Ok(Some(unit))
    }

    fn packages(&self, _root: &Path, manifests: &[PathBuf]) -> Result<Vec<Described>> {
        Ok(described(manifests, true, |_, text| {
            let table = parse_json(text).ok()?;
            Some((text_at(&table, "name")?, text_at(&table, "version")))
        }))
    }
}

impl Language for TypeScript {
    fn counts(&self) -> Option<Count> {
        Some(counts::BUN_TEST)
    }

    fn build_core(&self, planner: &mut Planner<'_>) -> Result<()> {
        checkout::core(planner).map(drop)
    }

    fn plan(&self, planner: &mut Planner<'_>, unit: &Unit, job: Job) -> Result<()> {
        let folder = planner.repo.path(unit);
        if job == Job::Test && !planner.is_there(&folder.join("tests")) {
            return Ok(());
        }
        if job == Job::Build && lookup(&unit.manifest, "private").is_some() {
            return Ok(());
        }
        if matches!(job, Job::Lint | Job::Fmt) && !has_linter(unit) {
            return Ok(());
        }
        let environment = prepare(planner, unit)?;
        let tool = |argv: &[&str]| {
            with_path(
                Invocation::new(&folder, argv.iter().copied()),
                &environment.path,
            )
        };
        match job {
            Job::Test => {
                let needed = planner.provide_for_tests(unit, "xtask.uses")?;
                let task = planner
                    .task(unit, "bun-test")
                    .after(environment.needs)
                    .after(needed.needs)
                    .counting(counts::BUN_TEST)
                    .run(tool(&["bun", "test", "tests"]).envs(needed.env));
                planner.add(task);
            }
            Job::Lint => {
                let mut commands = vec![
                    ("biome", tool(&["biome", "check", "."])),
                    ("tsc", tool(&["tsc", "--noEmit", "--strict"])),
                ];
                if lookup(&unit.manifest, "devDependencies.typedoc").is_some() {
                    commands.push(("typedoc", tool(&["typedoc", "--emit", "none"])));
                }
                planner.add_each(unit, &environment.needs, commands);
            }
            Job::Fmt => {
                let fix = tool(&["biome", "check", "--write", "."]);
                planner.add_each(unit, &environment.needs, [("biome", fix)]);
            }
            Job::Build => {
                let dist = planner.dist(unit);
                let into = dist.display().to_string();
                let pack = ["bun", "pm", "pack", "--quiet", "--destination", &into];
                let task = planner
                    .task(unit, "pack")
                    .after(environment.needs.clone())
                    .emptying(&dist)
                    .run(tool(&["bun", "scripts/build.ts"]))
                    .run(tool(&pack));
                planner.add(task);
            }
        }
        Ok(())
    }

    /// Makes its environment: the tests of others import its sources.
    fn provide(&self, planner: &mut Planner<'_>, unit: &Unit) -> Result<Provided> {
        let environment = prepare(planner, unit)?;
        Ok(Provided {
            needs: environment.needs,
            ..Provided::default()
        })
    }

    fn toolchain(&self, planner: &mut Planner<'_>, unit: &Unit) -> Result<Provided> {
        let environment = prepare(planner, unit)?;
        Ok(Provided {
            needs: environment.needs,
            env: vec![(
                "TASKER_BUN_PACKAGE".to_owned(),
                planner.repo.path(unit).display().to_string(),
            )],
            path: environment.path,
        })
    }

    fn is_in_sync(&self, planner: &mut Planner<'_>, unit: &Unit) -> Result<Option<bool>> {
        if !planner.repo.path(unit).join(STAMP).is_file() {
            return Ok(None);
        }
        let before = planner.plan.tasks.len();
        prepare(planner, unit)?;
        Ok(Some(planner.plan.tasks.len() == before))
    }

    fn check_core(&self, planner: &mut Planner<'_>, checkout: &Checkout) -> Result<()> {
        let is_there = checkout
            .packages
            .iter()
            .find(|package| package.language == "typescript");
        let Some(package) = is_there else {
            return Ok(());
        };
        let script = "scripts/check-core.ts";
        let repo = planner.repo;
        let units = repo
            .units
            .iter()
            .filter(|unit| unit.language == "typescript" && repo.path(unit).join(script).is_file());
        for unit in units {
            let environment = prepare(planner, unit)?;
            let core = package.folder().display().to_string();
            let check = Invocation::new(repo.path(unit), ["bun", script, core.as_str()]);
            let task = planner
                .task(unit, "double")
                .after(environment.needs)
                .run(with_path(check, &environment.path));
            planner.add(task);
        }
        Ok(())
    }
}

/// A folder that only pins programs of others has no linter, and nothing to look at.
fn has_linter(unit: &Unit) -> bool {
    lookup(&unit.manifest, "devDependencies.@biomejs/biome").is_some()
}

fn with_path(invocation: Invocation, path: &[PathBuf]) -> Invocation {
    path.iter().rev().fold(invocation, |invocation, folder| {
        invocation.with_path(folder)
    })
}

/// Adds what it takes to have the unit's environment; adds nothing if it is up to date.
fn prepare(planner: &mut Planner<'_>, unit: &Unit) -> Result<Environment> {
    let folder = planner.repo.path(unit);
    let (bun, fetched) = planner.tool("bun")?;
    let programs = bun.program().parent().map(Path::to_path_buf);
    let mut path = vec![folder.join("node_modules/.bin")];
    path.extend(programs);
    let lock = std::fs::read(folder.join(LOCK)).map_err(|_| Error::BadFile {
        file: PathBuf::from(&unit.folder).join(LOCK),
        line: None,
        why: "the lock file is missing".into(),
        fix: Some(format!(
            "in {}: npm install --package-lock-only --legacy-peer-deps",
            unit.folder
        )),
    })?;
    let core = if names_core(unit) {
        checkout::core(planner)?
    } else {
        None
    };
    let stamp = stamp(unit, &lock, &bun.version, core.as_ref());
    if std::fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == stamp) {
        return Ok(Environment {
            needs: fetched,
            path,
        });
    }
    let install = [
        "npm",
        "ci",
        "--silent",
        "--ignore-scripts",
        "--legacy-peer-deps",
    ];
    let mut task = planner
        .task(unit, "prepare")
        .after(fetched)
        .noting(Some(format!(
            "making {}/node_modules from {LOCK}",
            unit.folder
        )))
        .run(Invocation::new(&folder, install));
    if let Some(core) = core {
        task = from_checkout(task, &folder, core);
    }
    let task = task.act(Action::Write {
        path: folder.join(STAMP),
        contents: stamp,
    });
    Ok(Environment {
        needs: vec![planner.add(task)],
        path,
    })
}

/// Puts the archive that was built from a checkout where `import` finds it, with its dependencies inside. `npm install ARCHIVE`
/// would resolve everything else again, and leaves out what is an optional peer.
fn from_checkout(task: Task, folder: &Path, core: Built) -> Task {
    let place = folder.join("node_modules").join(CORE);
    let archive = core.path.display().to_string();
    let unpack = ["tar", "-xzf", &archive, "--strip-components", "1"];
    let install = [
        "npm",
        "install",
        "--silent",
        "--omit=dev",
        "--no-package-lock",
        "--ignore-scripts",
    ];
    task.after(core.needs)
        .act(Action::Remove {
            path: place.clone(),
        })
        .act(Action::Write {
            path: place.join("xtask-core"),
            contents: format!("{}\n", core.id),
        })
        .run(Invocation::new(&place, unpack))
        .run(Invocation::new(&place, install))
}

/// Whether the package is used with Core's.
fn names_core(unit: &Unit) -> bool {
    ["dependencies", "devDependencies", "peerDependencies"]
        .into_iter()
        .filter_map(|kind| unit.manifest.get(kind)?.as_table())
        .any(|packages| packages.contains_key(CORE))
}

/// A digest of all that the environment is made from.
fn stamp(unit: &Unit, lock: &[u8], bun: &str, core: Option<&Built>) -> String {
    let mut sum = Sha256::new();
    sum.update(bun);
    sum.update(lock);
    sum.update(unit.manifest.to_string());
    if let Some(core) = core {
        sum.update(&core.id);
    }
    format!("{}\n", hex::encode(sum.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> Unit {
        let table = parse_json(text).unwrap();
        let found = Found {
            root: std::path::Path::new("."),
            folder: "a",
            manifest: "package.json",
            text,
            table: &table,
        };
        let unit = TypeScript.unit(&found).unwrap().unwrap();
        Unit {
            manifest: table.clone(),
            ..unit
        }
    }

    #[test]
    fn a_folder_of_pinned_programs_is_not_linted() {
        assert!(!has_linter(&unit(
            r#"{"name": "peers", "dependencies": {"turbo": "2.0.0"}}"#
        )));
        assert!(has_linter(&unit(
            r#"{"name": "a", "devDependencies": {"@biomejs/biome": "2.6.8"}}"#
        )));
    }
}
