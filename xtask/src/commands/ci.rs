//! `ci`: what a workflow asks before it starts its jobs.

use std::collections::HashSet;
use std::path::PathBuf;

use serde_json::{json, Value};

use super::shared::affected::{affected_units, look, looked, AffectedArgs};
use super::shared::session::Session;
use crate::cache::{Common, Whole};
use crate::error::Result;
use crate::git::Changes;
use crate::lang::{self, Job};
use crate::repo::affected::Affected;
use crate::repo::inputs::Inputs;
use crate::repo::Repo;
use crate::report::out;
use crate::run::Options;
use crate::unit::Unit;

/// Print what a continuous integration workflow needs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print the jobs of a workflow as the JSON that GitHub takes as a matrix: name and `cargo xtask` arguments of each.
    #[command(
        after_help = "Examples:\n  cargo xtask ci matrix\n  cargo xtask ci matrix --affected origin/main"
    )]
    Matrix(AffectedArgs),
}

/// Places outside of the files that count, each with whether something was there.
type Places = Vec<(PathBuf, bool)>;

/// The language whose units are run for real.
const EXAMPLE: &str = "example";

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    match &args.what {
        What::Matrix(args) => matrix(session, args),
    }
}

/// Prints the matrix on one line, in text and in `--json` alike: it is for a program.
fn matrix(session: &mut Session, args: &AffectedArgs) -> Result<()> {
    let (files, changes) = look(&session.root, args)?;
    let (root, tools) = (session.root.clone(), session.tools.clone());
    let environment = Options::default().environment;
    let common = Common::new(&environment, &session.core.source_id()?);
    let is_unknown = changes.as_ref().is_some_and(Changes::is_unknown);
    let whole = (!is_unknown && !session.core.is_local()).then(|| Whole {
        root: &root,
        what: format!("{:?}", ("matrix", &args.affected)),
        tools: &tools,
        environment: &environment,
        common: &common,
        changed: changes.as_ref().and_then(Changes::paths),
    });
    let whole = whole.zip(files.clone());
    if let Some(answer) = (whole.as_ref()).and_then(|(whole, files)| whole.recall_answer(files)) {
        out!("{answer}");
        return Ok(());
    }
    let repo = Repo::among(&root, files, &lang::readers())?;
    let inputs = Inputs::of(&repo);
    let only = affected_units(session, &repo, &inputs, args, changes)?;
    let (jobs, places) = jobs(session, &repo, only.as_ref())?;
    let answer = json!({ "include": jobs }).to_string();
    out!("{answer}");
    match whole {
        Some((whole, files)) => whole.keep_answer(&files, looked(&repo, places), &answer),
        None => Ok(()),
    }
}

/// A job per unit with tests, one for all linters, and one per example; and what planning looked at.
fn jobs(session: &Session, repo: &Repo, only: Option<&Affected>) -> Result<(Vec<Value>, Places)> {
    let is_wanted = |unit: &&Unit| only.is_none_or(|only| only.contains(repo, &unit.folder));
    let job = |name: String, args: String| json!({ "name": name, "args": args });
    let mut jobs = Vec::new();
    let logs = session.logs("ci");
    let mut folders = HashSet::new();
    let mut places = Places::new();
    for unit in repo.units.iter().filter(is_wanted) {
        // An example stands for its apps, which are there themselves.
        if unit.language == EXAMPLE {
            continue;
        }
        let mut planner = lang::planner(repo, &session.tools, &session.core, "ci", &logs);
        lang::add_job(&mut planner, unit, Job::Test)?;
        let (plan, looked) = planner.finish();
        places.extend(looked);
        // `--unit` takes every language's unit in a folder.
        if !plan.tasks.is_empty() && folders.insert(&unit.folder) {
            let folder = named(unit);
            jobs.push(job(
                format!("test {folder}"),
                format!("test --unit {folder}"),
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
                let mut words: Vec<String> = units
                    .map(|unit| format!(" --unit {}", named(unit)))
                    .collect();
                // Those of several languages in a folder are neighbours no more once they are in order.
                let mut seen = HashSet::new();
                words.retain(|word| seen.insert(word.clone()));
                format!("lint{}", words.concat())
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
    Ok((jobs, places))
}

/// A unit's folder as a word of a command line.
fn named(unit: &Unit) -> &str {
    match unit.folder.as_str() {
        "" => ".",
        folder => folder,
    }
}
