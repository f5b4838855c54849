//! Helm: charts, linted and packed by helm. Their tests are in the Python unit `tests` beside them, one folder for each chart, and share its environment.

mod channel;
mod chart;
mod versions;

use std::path::PathBuf;

use toml::Table;

use super::language::{Entry, Job, Language};
use super::planner::Planner;
use super::python::{self, PYTEST};
use crate::error::Result;
use crate::plan::Action;
use crate::process::Invocation;
use crate::unit::{above, words, Found, Malformed, Reader, Unit};

#[derive(Debug)]
pub struct Helm;

pub const ECOSYSTEM: Entry = Entry {
    language: Some(&Helm),
    versions: Some(&Helm),
    channel: Some(&Helm),
    constants: &[],
};

/// The unit with the tests of all charts, beside them.
const TESTS: &str = "tests";
/// Values with which a chart must render.
const CASES: &str = "ci";
/// Writes what the charts have twice.
const GENERATOR: &str = "generate.py";

/// Where the tests of a chart's neighbours are.
fn tests_beside(folder: &str) -> String {
    let charts = above(folder).next().unwrap_or_default();
    format!("{charts}/{TESTS}")
        .trim_start_matches('/')
        .to_owned()
}

impl Reader for Helm {
    fn name(&self) -> &'static str {
        "helm"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["Chart.yaml"]
    }

    fn parse(&self, text: &str) -> std::result::Result<Table, Malformed> {
        Ok(chart::table(text))
    }

    fn unit(&self, found: &Found<'_>) -> Result<Option<Unit>> {
        let mut unit = found.unit(self.name(), &found.required_str("name")?);
        let charts = words(found.table, chart::REPOSITORIES);
        let local = charts.iter().filter_map(|url| url.strip_prefix("file://"));
        unit.depends_on = local.filter_map(|path| found.resolve(path)).collect();
        let tests = tests_beside(found.folder);
        if found.root.join(&tests).join("pyproject.toml").is_file() {
            unit.tested_with.push(tests);
        }
        Ok(Some(unit))
    }
}

impl Language for Helm {
    fn plan(&self, planner: &mut Planner<'_>, unit: &Unit, job: Job) -> Result<()> {
        match job {
            Job::Test => test(planner, unit),
            Job::Lint => lint(planner, unit),
            Job::Fmt => generate(planner, unit, "generate", &[]),
            Job::Build => package(planner, unit),
        }
    }
}

/// helm in a chart's folder, and the task that fetches it. Charts of the repository that it depends on are put into it first.
fn helm(planner: &mut Planner<'_>, unit: &Unit) -> Result<(Vec<String>, PathBuf)> {
    let (tool, mut needs) = planner.tool("helm")?;
    let program = tool.program();
    if !unit.depends_on.is_empty() {
        let words = [&program.display().to_string(), "dependency", "update", "."];
        let update = Invocation::new(planner.repo.path(unit), words.map(str::to_owned));
        let task = planner.task(unit, "helm-dependencies").after(needs);
        needs = vec![planner.add(task.run(update))];
    }
    Ok((needs, program))
}

fn test(planner: &mut Planner<'_>, unit: &Unit) -> Result<()> {
    let Some(tests) = tests_of(planner, unit) else {
        return Ok(());
    };
    let folder = planner.repo.path(&tests);
    // A Python package's name has no `-`.
    let module = unit.name.replace('-', "_");
    if !planner.is_there(&folder.join(&module)) {
        return Ok(());
    }
    let environment = python::prepare(planner, &tests)?;
    let (needs, helm) = helm(planner, unit)?;
    let pytest = environment.bin.join("pytest").display().to_string();
    let run = Invocation::new(folder, [pytest, module])
        .with_path(&environment.bin)
        .env("HELM_BIN", helm.display().to_string());
    let task = planner
        .task(unit, "pytest")
        .after(environment.needs)
        .after(needs)
        .counting(PYTEST)
        .run(run);
    planner.add(task);
    Ok(())
}

fn lint(planner: &mut Planner<'_>, unit: &Unit) -> Result<()> {
    let (needs, helm) = helm(planner, unit)?;
    let folder = planner.repo.path(unit);
    let mut task = planner.task(unit, "helm-lint").after(needs);
    let program = helm.display().to_string();
    for values in cases(planner, unit) {
        let words = [&program, "lint", "--strict", "--quiet", ".", "--values"];
        let words = words.map(str::to_owned).into_iter().chain([values]);
        task = task.run(Invocation::new(&folder, words));
    }
    planner.add(task);
    generate(planner, unit, "generated", &["--check"])
}

/// The values to lint with; without any the chart must do with its own.
fn cases(planner: &Planner<'_>, unit: &Unit) -> Vec<String> {
    let folder = planner.repo.path(unit).join(CASES);
    let mut cases: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".yaml"))
        .map(|name| format!("{CASES}/{name}"))
        .collect();
    cases.sort();
    if cases.is_empty() {
        cases.push("values.yaml".to_owned());
    }
    cases
}

/// Writes, or compares, what the charts get from their common sources.
fn generate(planner: &mut Planner<'_>, unit: &Unit, label: &str, options: &[&str]) -> Result<()> {
    let Some(tests) = tests_of(planner, unit) else {
        return Ok(());
    };
    let folder = planner.repo.path(&tests);
    if !planner.is_there(&folder.join(GENERATOR)) {
        return Ok(());
    }
    let environment = python::prepare(planner, &tests)?;
    let python = environment.bin.join("python").display().to_string();
    let words = [&[python.as_str(), GENERATOR, unit.name.as_str()], options].concat();
    let run = Invocation::new(folder, words);
    let task = planner.task(unit, label).after(environment.needs).run(run);
    planner.add(task);
    Ok(())
}

fn package(planner: &mut Planner<'_>, unit: &Unit) -> Result<()> {
    let (needs, helm) = helm(planner, unit)?;
    let dist = planner.dist(unit);
    let program = helm.display().to_string();
    let out = dist.display().to_string();
    let words = [&program, "package", ".", "--destination", &out].map(str::to_owned);
    let run = Invocation::new(planner.repo.path(unit), words);
    let task = planner.task(unit, "helm-package").after(needs);
    planner.add(task.act(Action::Remove { path: dist }).run(run));
    Ok(())
}

fn tests_of(planner: &Planner<'_>, unit: &Unit) -> Option<Unit> {
    let tests = unit.tested_with.first()?;
    planner.repo.unit(tests).cloned()
}
