//! Rust: cargo packages.

mod channel;
mod constants;
mod constants_axum;
mod core_packages;
mod counts;
mod lock;
mod lock_graph;
pub mod patched;
mod versions;
mod workspaces;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

pub use self::channel::locked_below;
use self::lock_graph::Locked;
use self::patched::{patched, Patched};
use self::workspaces::Workspace;
use super::language::{Entry, Job, Language};
use super::planner::{Planner, Provided};
use crate::error::Result;
use crate::layout::target_folder;
use crate::plan::{Action, Count, Share, CARGO_BUILD};
use crate::process::Invocation;
use crate::repo::Repo;
use crate::tasker_core::Checkout;
use crate::unit::{lookup, words, Described, Found, Reader, Unit};

#[derive(Debug)]
pub struct Rust;

pub const ECOSYSTEM: Entry = Entry {
    language: Some(&Rust),
    versions: Some(&Rust),
    channel: Some(&Rust),
    constants: &[&constants::DEV_SERVER, &constants_axum::AXUM],
};

const BUILDING: Share = CARGO_BUILD;
/// Running built tests takes cargo's lock only for a moment.
const RUNNING: Share = Share::Together("cargo");

/// The package that asks for every feature that any package of the workspace asks for. Named beside each package, it lets cargo compile a
/// dependency once, whichever package is built.
const FEATURES: &str = "workspace-hack";
/// Compiles the tests of all packages in one call, so that small crates are compiled beside the long last one of Tasker Core.
const TOGETHER: &str = "rust:compile-tests";

/// The crate that makes a build long, and that starts PostgreSQL in tests.
const SERVER: &str = "tasker-orchestration";
/// Packages of Core that take minutes to compile.
const PARTS_OF_CORE: [(&str, &str); 2] = [(SERVER, "server"), ("tasker-worker", "worker")];
/// Crates whose build scripts run `protoc`.
const PROTOBUF: [&str; 3] = ["prost-build", "tonic-build", "tonic-prost-build"];

impl Reader for Rust {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["Cargo.toml"]
    }

    fn shared_files(&self) -> &'static [&'static str] {
        &[
            "Cargo.toml",
            "Cargo.lock",
            ".cargo",
            "rust-toolchain.toml",
            "rust-toolchain",
            "rustfmt.toml",
            "clippy.toml",
        ]
    }

    fn unit(&self, found: &Found<'_>) -> Result<Option<Unit>> {
        if !found.table.contains_key("package") {
            return Ok(None);
        }
        let mut unit = found.unit(self.name(), &found.required_str("package.name")?);
        let workspace = Workspace::around(found);
        let tables = ["dependencies", "build-dependencies"];
        unit.depends_on = path_dependencies(found, &workspace, &tables);
        unit.tested_with = path_dependencies(found, &workspace, &["dev-dependencies"]);
        unit.tested_with.extend(workspace.patched(found));
        found.own_words(&mut unit, "package.metadata.xtask")?;
        Ok(Some(unit))
    }

    fn packages(&self, root: &Path, manifests: &[PathBuf]) -> Result<Vec<Described>> {
        core_packages::described(root, manifests)
    }
}

impl Language for Rust {
    fn counts(&self) -> Option<Count> {
        Some(counts::CARGO_TEST)
    }

    /// Outside of the repository its `.cargo/config.toml` does not apply, so what it says is in the environment. What the package and
    /// generated code have in common is compiled once, in the repository's target folder.
    fn toolchain(&self, planner: &mut Planner<'_>, _unit: &Unit) -> Result<Provided> {
        let (protoc, needs) = planner.tool("protoc")?;
        let target = target_folder(&planner.repo.root).display().to_string();
        let vars = [
            ("CARGO_TARGET_DIR", target),
            ("CARGO_PROFILE_DEV_DEBUG", "false".to_owned()),
            ("PROTOC", protoc.program().display().to_string()),
            ("SQLX_OFFLINE", "true".to_owned()),
        ];
        Ok(Provided {
            needs,
            env: vars
                .map(|(name, value)| (name.to_owned(), value))
                .into_iter()
                .collect(),
            path: Vec::new(),
        })
    }

    fn plan_together(&self, planner: &mut Planner<'_>, units: &[&Unit], job: Job) -> Result<()> {
        let mut packages = Vec::new();
        for unit in units.iter().filter(|unit| unit.name != FEATURES) {
            packages.push(Package::of(planner, planner.repo, unit)?);
        }
        packages.retain(|package| package.asks.is_some());
        if job != Job::Test || packages.len() < 2 {
            return Ok(());
        }
        let mut needs = Vec::new();
        let mut argv = vec!["test", "--locked", "--no-run", "--no-fail-fast"];
        for package in &packages {
            needs.extend(package.needs(planner)?.needs);
            argv.extend(["--package", package.unit.name.as_str()]);
        }
        let note = note(&packages, Pass::Compile);
        let compile = packages[0].cargo(&argv);
        let mut task = planner.task_in("rust", "compile-tests");
        "cargo xtask test --lang rust".clone_into(&mut task.rerun);
        let task = task
            .after(needs)
            .sharing(BUILDING)
            .noting(note)
            .act(Action::Ahead(compile));
        planner.add(task);
        Ok(())
    }

    fn build_core(&self, planner: &mut Planner<'_>) -> Result<()> {
        patched(planner, "", &target_folder(&planner.repo.root)).map(drop)
    }

    fn plan(&self, planner: &mut Planner<'_>, unit: &Unit, job: Job) -> Result<()> {
        // It has no code.
        if unit.name == FEATURES && job != Job::Fmt {
            return Ok(());
        }
        let repo = planner.repo;
        let package = Package::of(planner, repo, unit)?;
        let ready = package.needs(planner)?;
        match job {
            Job::Test => package.test(planner, ready)?,
            Job::Lint => package.lint(planner, ready),
            Job::Fmt => {
                let format = package.cargo(&["fmt", "--package", &unit.name]);
                planner.add_each(unit, &[], [("rustfmt", format)]);
            }
            Job::Build => {
                planner.add(package.build_task(planner, ready.needs));
            }
        }
        Ok(())
    }

    /// Builds a package's program. Others find it by `<PACKAGE>_BIN`, and PostgreSQL, if it starts one, by
    /// `<PACKAGE>_POSTGRES_BIN`.
    fn provide(&self, planner: &mut Planner<'_>, unit: &Unit) -> Result<Provided> {
        let repo = planner.repo;
        let package = Package::of(planner, repo, unit)?;
        let ready = package.needs(planner)?;
        let build = planner.add(package.build_task(planner, ready.needs.clone()));
        let mut env = vec![(
            package.variable("BIN"),
            package.program().display().to_string(),
        )];
        env.extend(ready.env);
        Ok(Provided {
            needs: ready.needs.into_iter().chain([build]).collect(),
            env,
            path: Vec::new(),
        })
    }

    /// The programs of a package, built.
    fn app(&self, planner: &mut Planner<'_>, unit: &Unit) -> Result<Provided> {
        let mut provided = self.provide(planner, unit)?;
        provided
            .path
            .push(target_folder(&planner.repo.root).join("debug"));
        Ok(provided)
    }

    /// Runs the test programs that a manifest names in `package.metadata.xtask.core-check`.
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
            let tests = words(&unit.manifest, "package.metadata.xtask.core-check");
            if tests.is_empty() {
                continue;
            }
            let package = Package::of(planner, repo, unit)?;
            let ready = package.needs(planner)?;
            let mut argv = vec!["test", "--package", &unit.name];
            argv.extend(tests.iter().flat_map(|test| ["--test", test]));
            let task = planner
                .task(unit, "core-check")
                .after(ready.needs)
                .sharing(BUILDING)
                .noting(note(std::slice::from_ref(&package), Pass::Compile))
                .counting(counts::CARGO_TEST)
                .run(package.cargo(&argv).envs(ready.env));
            planner.add(task);
        }
        Ok(())
    }
}

struct Package<'a> {
    repo: &'a Repo,
    unit: &'a Unit,
    compiled: BTreeSet<String>,
    /// With packages of a Tasker Core checkout, if it uses any.
    patched: Option<Patched>,
    /// The package of [`FEATURES`], if this one is in its workspace and not built with packages of a checkout.
    asks: Option<&'static str>,
}

impl<'a> Package<'a> {
    fn of(planner: &mut Planner<'_>, repo: &'a Repo, unit: &'a Unit) -> Result<Self> {
        // A package of its own, outside the root's workspace, has its lock file beside it.
        let folder = if planner.is_there(&repo.path(unit).join("Cargo.lock")) {
            unit.folder.as_str()
        } else {
            ""
        };
        let lock = repo.root.join(folder).join("Cargo.lock");
        let compiled = planner
            .once(&lock, || Locked::read(&lock))
            .compiled_for(&unit.name);
        let patched = if planner.core.is_local() {
            patched(planner, folder, &target_folder(&repo.root))?
        } else {
            None
        };
        let patched = patched.filter(|patched| !patched.names.is_disjoint(&compiled));
        let is_there = repo.units.iter().any(|unit| unit.name == FEATURES);
        Ok(Self {
            repo,
            unit,
            asks: (is_there && folder.is_empty() && patched.is_none()).then_some(FEATURES),
            patched,
            compiled,
        })
    }

    /// cargo in the package's own folder, as one would run it by hand; or with packages of a Tasker Core checkout.
    fn cargo(&self, argv: &[&str]) -> Invocation {
        match &self.patched {
            Some(patched) if argv.first() != Some(&"fmt") => patched.cargo(argv),
            _ => {
                let (subcommand, rest) = argv.split_at(argv.len().min(1));
                let asks = self.asks.filter(|_| subcommand != ["fmt"]);
                let asks = asks.into_iter().flat_map(|name| ["--package", name]);
                let words = ["cargo"].into_iter().chain(subcommand.iter().copied());
                let words = words.chain(asks).chain(rest.iter().copied());
                Invocation::new(self.repo.path(self.unit), words)
            }
        }
    }

    /// Compiles its tests, then runs them: compiling takes every core, running need not.
    fn test(&self, planner: &mut Planner<'_>, ready: Provided) -> Result<()> {
        let (unit, name) = (self.unit, self.unit.name.as_str());
        let needed = planner.provide_needs_of(unit)?;
        let compile = self.cargo(&["test", "--locked", "--no-run", "--package", name]);
        let compile = planner
            .task(unit, "compile-tests")
            .after(ready.needs)
            .after(together(planner))
            .sharing(BUILDING)
            .noting(self.note_alone(planner))
            .run(compile);
        let compile = planner.add(compile);
        let test = self.cargo(&["test", "--locked", "--no-fail-fast", "--package", name]);
        let test = planner
            .task(unit, "cargo-test")
            .after([compile])
            .after(needed.needs)
            .sharing(RUNNING)
            .counting(counts::CARGO_TEST)
            .run(test.envs(ready.env).envs(needed.env));
        planner.add(test);
        Ok(())
    }

    fn lint(&self, planner: &mut Planner<'_>, ready: Provided) {
        let (unit, name) = (self.unit, self.unit.name.as_str());
        let look = ["clippy", "--locked", "--package", name, "--all-targets"];
        let strictly = ["--", "--deny", "warnings"];
        let clippy = planner
            .task(unit, "clippy")
            .after(ready.needs)
            .sharing(BUILDING)
            .noting(note(std::slice::from_ref(self), Pass::Check))
            .run(self.cargo(&[&look[..], &strictly[..]].concat()));
        planner.add(clippy);
        let format = self.cargo(&["fmt", "--package", name, "--check"]);
        planner.add_each(unit, &[], [("rustfmt", format)]);
    }

    fn build_task(&self, planner: &Planner<'_>, needs: Vec<String>) -> crate::plan::Task {
        planner
            .task(self.unit, "cargo-build")
            .after(needs)
            .after(together(planner))
            .sharing(BUILDING)
            .noting(self.note_alone(planner))
            .run(self.cargo(&["build", "--locked", "--package", &self.unit.name]))
    }

    /// The pinned tools that building and testing it takes.
    fn needs(&self, planner: &mut Planner<'_>) -> Result<Provided> {
        let mut ready = Provided::default();
        ready.needs.extend(
            self.patched
                .iter()
                .flat_map(|patched| patched.needs.clone()),
        );
        if PROTOBUF.iter().any(|name| self.compiled.contains(*name)) {
            ready.needs.extend(planner.tool("protoc")?.1);
        }
        if self.compiled.contains(SERVER) {
            let (postgresql, install) = planner.tool("postgresql")?;
            ready.needs.extend(install);
            let programs = postgresql.folder.join("bin").display().to_string();
            ready.env.push((self.variable("POSTGRES_BIN"), programs));
        }
        Ok(ready)
    }

    fn variable(&self, suffix: &str) -> String {
        format!(
            "{}_{suffix}",
            self.unit.name.to_uppercase().replace('-', "_")
        )
    }

    fn program(&self) -> PathBuf {
        target_folder(&self.repo.root)
            .join("debug")
            .join(&self.unit.name)
    }

    /// The same, unless something that was compiled before in this run takes them.
    fn note_alone(&self, planner: &Planner<'_>) -> Option<String> {
        let alone = together(planner).is_none();
        alone
            .then(|| note(std::slice::from_ref(self), Pass::Compile))
            .flatten()
    }
}

/// Says why a first build of these packages takes minutes.
fn note(packages: &[Package<'_>], pass: Pass) -> Option<String> {
    let doing = match pass {
        Pass::Compile => "compiling",
        Pass::Check => "checking",
    };
    let folder = target_folder(&packages.first()?.repo.root).join("debug/deps");
    let missing: Vec<_> = PARTS_OF_CORE
        .into_iter()
        .filter(|(part, _)| !pass.has_left(&folder, part))
        .collect();
    let takes = |package: &&Package<'_>, part: &str| package.compiled.contains(part);
    let parts: Vec<&str> = missing
        .iter()
        .filter(|(part, _)| packages.iter().any(|package| takes(&package, part)))
        .map(|(_, words)| *words)
        .collect();
    let takers: Vec<_> = packages
        .iter()
        .filter(|package| missing.iter().any(|(part, _)| takes(package, part)))
        .collect();
    let crates: BTreeSet<_> = takers.iter().flat_map(|taker| &taker.compiled).collect();
    let names: Vec<_> = takers
        .iter()
        .map(|taker| taker.unit.name.as_str())
        .collect();
    (!parts.is_empty()).then(|| {
        format!(
            "{doing} Tasker Core's {} for {} (about {} crates, once; later runs reuse them)",
            parts.join(" and "),
            names.join(", "),
            crates.len() / 10 * 10
        )
    })
}

/// The task that compiles tests together, if there is one.
fn together(planner: &Planner<'_>) -> Option<String> {
    planner.plan.contains(TOGETHER).then(|| TOGETHER.to_owned())
}

/// What rustc is asked for. Results of one pass do not spare the other.
#[derive(Clone, Copy)]
enum Pass {
    Compile,
    /// Errors and warnings only, as clippy does.
    Check,
}

impl Pass {
    /// Whether this pass has been over a package: compiling leaves metadata and a library, checking metadata alone.
    fn has_left(self, folder: &Path, package: &str) -> bool {
        let prefix = format!("lib{}-", package.replace('-', "_"));
        let names: BTreeSet<String> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with(&prefix))
            .collect();
        names.iter().any(|name| match self {
            Self::Compile => name.ends_with(".rlib"),
            Self::Check => name
                .strip_suffix(".rmeta")
                .is_some_and(|stem| !names.contains(&format!("{stem}.rlib"))),
        })
    }
}

/// Path dependencies in these tables. Those of development do not order builds, because cargo allows circles through them.
fn path_dependencies(found: &Found<'_>, workspace: &Workspace, tables: &[&str]) -> Vec<String> {
    let own = tables
        .iter()
        .filter_map(|name| lookup(found.table, name).and_then(Value::as_table));
    let by_target = lookup(found.table, "target")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table)
        .flat_map(|target| {
            tables
                .iter()
                .filter_map(|name| target.get(*name).and_then(Value::as_table))
        });
    let mut folders = Vec::new();
    for (name, dependency) in own.chain(by_target).flatten() {
        if let Some(path) = dependency.get("path").and_then(Value::as_str) {
            folders.extend(found.resolve(path));
        } else if dependency.get("workspace").and_then(Value::as_bool) == Some(true) {
            folders.extend(workspace.dependency(name));
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::Pass;

    #[test]
    fn a_compiled_package_has_not_been_checked_and_the_other_way_round() {
        let folder = tempfile::TempDir::new().unwrap();
        let has_left = |pass: Pass| pass.has_left(folder.path(), "tasker-orchestration");
        let leave = |name: &str| std::fs::write(folder.path().join(name), "").unwrap();
        leave("libtasker_shared-1.rlib");
        assert!(!has_left(Pass::Compile) && !has_left(Pass::Check));
        leave("libtasker_orchestration-1.rmeta");
        assert!(!has_left(Pass::Compile) && has_left(Pass::Check));
        leave("libtasker_orchestration-1.rlib");
        assert!(has_left(Pass::Compile) && !has_left(Pass::Check));
        leave("libtasker_orchestration-2.rmeta");
        assert!(has_left(Pass::Compile) && has_left(Pass::Check));
    }
}
