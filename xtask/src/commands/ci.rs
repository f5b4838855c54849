//! `ci`: what a workflow asks before it starts its jobs.

use std::collections::HashSet;

use serde_json::{json, Value};

use super::units::{affected_units, asked};
use super::Session;
use crate::cli::{AffectedArgs, CiCommand};
use crate::error::Result;
use crate::lang::{Job, Planner};
use crate::repo::affected::Affected;
use crate::repo::inputs::Inputs;
use crate::repo::{Repo, Unit};
use crate::report::out;

/// The language whose units are run for real.
const EXAMPLE: &str = "example";

/// Runs the command.
pub fn run(session: &mut Session, command: &CiCommand) -> Result<()> {
    match command {
        CiCommand::Matrix(args) => matrix(session, args),
    }
}

/// Prints the matrix on one line, in text and in `--json` alike: it is for a program.
fn matrix(session: &mut Session, args: &AffectedArgs) -> Result<()> {
    let asked = asked(&session.root, args);
    let repo = Repo::discover(&session.root)?;
    let inputs = Inputs::of(&repo);
    let only = affected_units(session, &repo, &inputs, args, asked)?;
    let jobs = jobs(session, &repo, only.as_ref())?;
    out!("{}", json!({ "include": jobs }));
    Ok(())
}

/// A job per unit with tests, one for all linters, and one per example.
fn jobs(session: &Session, repo: &Repo, only: Option<&Affected>) -> Result<Vec<Value>> {
    let is_wanted = |unit: &&Unit| only.is_none_or(|only| only.contains(repo, &unit.folder));
    let job = |name: String, args: String| json!({ "name": name, "args": args });
    let mut jobs = Vec::new();
    let logs = session.logs("ci");
    let mut folders = HashSet::new();
    for unit in repo.units.iter().filter(is_wanted) {
        // An example stands for its apps, which are there themselves.
        if unit.language == EXAMPLE {
            continue;
        }
        let mut planner = Planner::new(repo, &session.tools, &session.core, "ci", &logs);
        planner.job(unit, Job::Test)?;
        // `--unit` takes every language's unit in a folder.
        if !planner.plan.tasks.is_empty() && folders.insert(&unit.folder) {
            jobs.push(job(
                format!("test {}", unit.folder),
                format!("test --unit {}", unit.folder),
            ));
        }
    }
    if repo.units.iter().any(|unit| is_wanted(&unit)) {
        let args = match only {
            None => "lint".to_owned(),
            Some(_) => {
                let units = repo
                    .units
                    .iter()
                    .filter(is_wanted)
                    .filter(|unit| unit.language != EXAMPLE);
                let units: Vec<String> = units
                    .map(|unit| format!(" --unit {}", unit.folder))
                    .collect();
                format!("lint{}", units.concat())
            }
        };
        jobs.push(job("lint".to_owned(), args));
    }
    for unit in repo
        .units
        .iter()
        .filter(is_wanted)
        .filter(|unit| unit.language == EXAMPLE)
    {
        jobs.push(job(
            format!("e2e {}", unit.folder),
            format!("e2e {}", unit.folder),
        ));
    }
    Ok(jobs)
}
