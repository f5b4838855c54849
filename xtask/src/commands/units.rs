//! `test`, `lint`, `fmt`, `build`: the same job for many units.

use super::Session;
use crate::cli::UnitArgs;
use crate::error::Result;
use crate::lang::{Job, Planner};
use crate::plan::Plan;
use crate::repo::{Repo, Selection};

/// Runs the command.
pub fn run(session: &mut Session, args: &UnitArgs, job: Job) -> Result<()> {
    let repo = Repo::discover(&session.root)?;
    let selection = Selection {
        languages: args.languages.clone(),
        units: args.units.clone(),
    };
    let plan = plan(session, &repo, &selection, job)?;
    if plan.tasks.is_empty() {
        session.report.say(&format!(
            "nothing to do: no selected unit has a `{}`",
            job.name()
        ));
        return Ok(());
    }
    session.execute(job.name(), &plan, args.dry_run).map(drop)
}

fn plan(session: &Session, repo: &Repo, selection: &Selection, job: Job) -> Result<Plan> {
    let mut planner = Planner::new(repo, &session.tools, job.name(), &session.logs(job.name()));
    for unit in selection.of(repo)? {
        planner.job(unit, job)?;
    }
    Ok(planner.plan)
}
