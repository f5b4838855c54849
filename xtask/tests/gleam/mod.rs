//! Gleam: packages with a `gleam.toml`, tested and formatted by `gleam`.

use semver::Version;
use toml::{Table, Value};
use xtask::error::Result;
use xtask::lang::language::{Entry, Job, Language};
use xtask::lang::planner::Planner;
use xtask::plan::{Count, Totals};
use xtask::process::Invocation;
use xtask::unit::{lookup, Found, Reader, Unit};
use xtask::version::package::string;
use xtask::version::range::plain_admits;
use xtask::version::{Manifest, Parts, Versions};

#[derive(Debug)]
pub struct Gleam;

pub const ECOSYSTEM: Entry = Entry {
    language: Some(&Gleam),
    versions: Some(&Gleam),
    channel: None,
    constants: &[],
};

impl Reader for Gleam {
    fn name(&self) -> &'static str {
        "gleam"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["gleam.toml"]
    }

    fn unit(&self, found: &Found<'_>) -> Result<Option<Unit>> {
        let mut unit = found.unit(self.name(), &found.required_str("name")?);
        let dependencies = lookup(found.table, "dependencies").and_then(Value::as_table);
        let paths = dependencies
            .into_iter()
            .flat_map(Table::values)
            .filter_map(|dependency| dependency.get("path")?.as_str());
        unit.depends_on = paths.filter_map(|path| found.resolve(path)).collect();
        found.own_words(&mut unit, "xtask")?;
        Ok(Some(unit))
    }
}

impl Language for Gleam {
    fn counts(&self) -> Option<Count> {
        Some(GLEAM_TEST)
    }

    fn plan(&self, planner: &mut Planner<'_>, unit: &Unit, job: Job) -> Result<()> {
        let folder = planner.repo.path(unit);
        let gleam = |words: &[&str]| Invocation::new(&folder, [&["gleam"], words].concat());
        match job {
            Job::Test => {
                let needed = planner.provide_needs_of(unit)?;
                let test = planner
                    .task(unit, "gleam-test")
                    .after(needed.needs)
                    .counting(GLEAM_TEST)
                    .run(gleam(&["test"]).envs(needed.env));
                planner.add(test);
            }
            Job::Lint => {
                let check = gleam(&["format", "--check"]);
                planner.add_each(unit, &[], [("gleam-format", check)]);
            }
            Job::Fmt => planner.add_each(unit, &[], [("gleam-format", gleam(&["format"]))]),
            Job::Build => planner.add_each(unit, &[], [("gleam-build", gleam(&["build"]))]),
        }
        Ok(())
    }
}

const GLEAM_TEST: Count = Count {
    name: "gleam-test",
    read: gleam_test,
};

/// The last line `3 passed, 1 failures`.
fn gleam_test(log: &str) -> Option<Totals> {
    let line = log.lines().rev().find(|line| line.contains(" passed, "))?;
    let mut numbers = line
        .split(", ")
        .filter_map(|part| part.split(' ').next()?.parse().ok());
    Some(Totals {
        passed: numbers.next()?,
        failed: numbers.next()?,
        skipped: 0,
    })
}

impl Versions for Gleam {
    fn kind(&self) -> &'static str {
        "gleam"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["gleam.toml"]
    }

    fn read(&self, manifest: &Manifest<'_>) -> Result<Option<Parts>> {
        let document = manifest.document()?;
        let name = document.get("name").and_then(|name| name.as_str());
        let version = document.get("version").and_then(string);
        Ok(name
            .zip(version)
            .map(|(name, version)| manifest.parts(name, version)))
    }

    fn admits(&self, range: &str, version: &Version) -> Option<bool> {
        plain_admits(range, version)
    }
}
