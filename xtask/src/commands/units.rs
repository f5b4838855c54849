//! `test`, `lint`, `fmt`, `build`: the same job for many units.

use super::{codegen, Session};
use crate::cli::UnitArgs;
use crate::contract;
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
    // Generated files belong to no single unit, so only a run over everything compares them.
    if job == Job::Lint && selection.is_everything() && repo.root.join(contract::FOLDER).is_dir() {
        planner.add(codegen::check_task(&repo.root, &session.logs(job.name())));
    }
    Ok(planner.plan)
}
