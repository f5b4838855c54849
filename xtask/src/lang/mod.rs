//! Ecosystems: a folder each with all that is particular to it, and one line in [`ECOSYSTEMS`].

pub mod checkout;
mod example;
mod helm;
mod image;
pub mod language;
pub mod planner;
pub mod python;
mod ruby;
pub mod rust;
mod tasker_plugin;
mod terraform;
mod typescript;

use std::path::Path;

use crate::error::{closest, Error, Result};
use crate::plan::Count;
use crate::publish::Channel;
use crate::repo::Repo;
use crate::tables::Target;
use crate::tasker_core::Core;
use crate::tools::Tools;
use crate::unit::{Reader, Unit};
use crate::version::Ecosystem;

use language::Entry;

pub use language::{Job, Language};
pub use planner::{Planner, Provided};

/// Every ecosystem, in the order in which manifests are looked for.
pub const ECOSYSTEMS: [&Entry; 9] = [
    &rust::ECOSYSTEM,
    &python::ECOSYSTEM,
    &ruby::ECOSYSTEM,
    &typescript::ECOSYSTEM,
    &tasker_plugin::ECOSYSTEM,
    &example::ECOSYSTEM,
    &helm::ECOSYSTEM,
    &image::ECOSYSTEM,
    &terraform::ECOSYSTEM,
];

pub fn languages() -> impl Iterator<Item = &'static dyn Language> {
    ECOSYSTEMS.into_iter().filter_map(|entry| entry.language)
}

/// The same, to read manifests with.
pub fn readers() -> Vec<&'static dyn Reader> {
    languages()
        .map(|language| language as &dyn Reader)
        .collect()
}

/// The language of this name.
pub fn language(name: &str) -> Option<&'static dyn Language> {
    languages().find(|language| language.name() == name)
}

pub fn ecosystems() -> Vec<Ecosystem> {
    let versions = ECOSYSTEMS.into_iter().filter_map(|entry| entry.versions);
    versions.map(Ecosystem).collect()
}

/// The registry of an ecosystem's packages.
pub fn channel(ecosystem: Ecosystem) -> Result<&'static dyn Channel> {
    let entry = ECOSYSTEMS.into_iter().find(|entry| {
        entry
            .versions
            .is_some_and(|versions| Ecosystem(versions) == ecosystem)
    });
    entry
        .and_then(|entry| entry.channel)
        .ok_or_else(|| Error::Version {
            why: format!("{ecosystem:?} packages have no registry"),
            fix: "leave them out with --unit".into(),
        })
}

/// Files that packages get from the contract tables.
pub fn constants() -> impl Iterator<Item = &'static Target> {
    ECOSYSTEMS
        .into_iter()
        .flat_map(|entry| entry.constants)
        .copied()
}

/// How the test tool of this name counts.
pub fn counter(name: &str) -> Result<Count> {
    let known: Vec<Count> = languages()
        .filter_map(|language| language.counts())
        .collect();
    let found = known.iter().find(|known| known.name == name);
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|known| known.name).collect();
        Error::unknown(
            "counter",
            name,
            closest(name, names.iter().copied()),
            &names,
        )
    })
}

/// Finds the units of a repository.
pub fn discover(root: &Path) -> Result<Repo> {
    Repo::discover(root, &readers())
}

/// Fails if one of these is not a language.
pub fn check_languages(names: &[String]) -> Result<()> {
    crate::repo::check_languages(names, &readers())
}

/// An empty plan for `cargo xtask <command>`, with logs in `logs`.
pub fn planner<'a>(
    repo: &'a Repo,
    tools: &'a Tools,
    core: &'a Core,
    command: &str,
    logs: &Path,
) -> Planner<'a> {
    Planner::new(repo, tools, core, command, logs, provide)
}

fn provide(planner: &mut Planner<'_>, unit: &Unit) -> Result<Provided> {
    language(unit.language).map_or(Ok(Provided::default()), |language| {
        language.provide(planner, unit)
    })
}

/// What it takes to use a unit's tools on code outside of it; see [`Language::toolchain`].
pub fn toolchain(planner: &mut Planner<'_>, unit: &Unit) -> Result<Provided> {
    language(unit.language).map_or(Ok(Provided::default()), |language| {
        language.toolchain(planner, unit)
    })
}

/// What it takes to start an app; see [`Language::app`].
pub fn app(planner: &mut Planner<'_>, unit: &Unit) -> Result<Provided> {
    language(unit.language).map_or(Ok(Provided::default()), |language| {
        language.app(planner, unit)
    })
}

/// Adds a job for several units.
///
/// # Errors
/// If it cannot be planned.
pub fn add_jobs(planner: &mut Planner<'_>, units: &[&Unit], job: Job) -> Result<()> {
    for language in languages() {
        let own = units.iter().filter(|unit| unit.language == language.name());
        let own: Vec<&Unit> = own.copied().collect();
        if !own.is_empty() {
            language.plan_together(planner, &own, job)?;
        }
    }
    units
        .iter()
        .try_for_each(|unit| add_job(planner, unit, job))
}

/// Adds a job for a unit.
pub fn add_job(planner: &mut Planner<'_>, unit: &Unit, job: Job) -> Result<()> {
    let Some(language) = language(unit.language) else {
        return Ok(());
    };
    language.plan(planner, unit, job)?;
    if matches!(job, Job::Test | Job::Lint) {
        planner.plan.mark_results(&unit.folder);
    }
    Ok(())
}
