//! Terraform: the modules and examples of one cloud, tested without one.
//!
//! A folder is a unit if its `versions.tf` has comments for xtask, each with TOML: `# xtask: name = "terraform-aws"`, and the script that tests it,
//! `# xtask: check = "../tools/check.py"`. Modules and examples further down belong to it.

mod counts;

use toml::Table;

use super::language::{Entry, Job, Language};
use super::planner::Planner;
use crate::error::Result;
use crate::plan::Count;
use crate::process::Invocation;
use crate::unit::{parse_comments, resolve, text_at, Found, Malformed, Reader, Unit};

#[derive(Debug)]
pub struct Terraform;

pub const ECOSYSTEM: Entry = Entry {
    language: Some(&Terraform),
    versions: None,
    channel: None,
    constants: &[],
};

impl Reader for Terraform {
    fn name(&self) -> &'static str {
        "terraform"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["versions.tf"]
    }

    fn parse(&self, text: &str) -> std::result::Result<Table, Malformed> {
        parse_comments(text)
    }

    fn owns_all_below(&self) -> bool {
        true
    }

    fn unit(&self, found: &Found<'_>) -> Result<Option<Unit>> {
        if !found.table.contains_key("name") {
            return Ok(None);
        }
        let mut unit = found.unit(self.name(), &found.required_str("name")?);
        found.required_str("check")?;
        found.own_words(&mut unit, "")?;
        Ok(Some(unit))
    }
}

impl Language for Terraform {
    fn counts(&self) -> Option<Count> {
        Some(counts::CHECK)
    }

    fn plan(&self, planner: &mut Planner<'_>, unit: &Unit, job: Job) -> Result<()> {
        let folder = planner.repo.path(unit);
        let terraform = |argv: &[&str]| Invocation::new(&folder, argv.iter().copied());
        match job {
            Job::Test => plan_test(planner, unit)?,
            Job::Lint => {
                let check = ["terraform", "fmt", "-check", "-diff", "-recursive"];
                planner.add_each(unit, &[], [("terraform-fmt", terraform(&check))]);
            }
            Job::Fmt => {
                let write = ["terraform", "fmt", "-recursive"];
                planner.add_each(unit, &[], [("terraform-fmt", terraform(&write))]);
            }
            // Modules are used from where they are.
            Job::Build => {}
        }
        Ok(())
    }
}

/// Runs the unit's script with the packages that are pinned beside it. Python itself comes from this machine.
fn plan_test(planner: &mut Planner<'_>, unit: &Unit) -> Result<()> {
    let (uv, needs) = planner.tool("uv")?;
    let check = text_at(&unit.manifest, "check").unwrap_or_default();
    let script = resolve(&unit.folder, &check).unwrap_or(check);
    let script = planner.repo.root.join(script);
    let packages = script.with_file_name("requirements.lock");
    let argv = [
        &uv.program().display().to_string(),
        "run",
        "--quiet",
        "--no-project",
        "--python",
        "python3",
        "--with-requirements",
        &packages.display().to_string(),
        "python",
        &script.display().to_string(),
        ".",
    ];
    let run = Invocation::new(planner.repo.path(unit), argv).env("UV_PYTHON_DOWNLOADS", "never");
    let task = planner
        .task(unit, "terraform-test")
        .after(needs)
        .counting(counts::CHECK)
        .run(run);
    planner.add(task);
    Ok(())
}
