//! `test`, `lint`, `fmt`, `build`: the same job for many units.

use super::{codegen, Session};
use crate::cli::{TestArgs, UnitArgs};
use crate::contract;
use crate::error::Result;
use crate::lang::{Job, Planner};
use crate::plan::Plan;
use crate::repo::{Repo, Selection};
use crate::run::unchanged::{self, State};
use crate::run::Summary;

/// Runs the tests, but not those that passed when everything was as it is now.
pub fn test(session: &mut Session, args: &TestArgs) -> Result<()> {
    let source = session.core.source_id()?;
    // Looking takes processes (git, the toolchains), and a dry run starts none; it prints the plan of a run after a change.
    let state = (!args.units.dry_run)
        .then(|| State::of(&session.root, &source))
        .flatten();
    let repo = Repo::discover(&session.root)?;
    let mut plan = plan(session, &repo, &args.units.selection(), Job::Test)?;
    if let Some(state) = state.as_ref().filter(|_| !args.no_cache) {
        unchanged::take_out(&mut plan, &session.root, state);
    }
    if plan.tasks.is_empty() && plan.unchanged.is_empty() {
        return nothing_to_do(session, Job::Test);
    }
    session.announce()?;
    let root = session.root.clone();
    let mut note = |summary: &Summary| {
        if let Some(state) = &state {
            unchanged::note(&plan, &root, state, &source, summary);
        }
    };
    session
        .execute_noting(Job::Test.name(), &plan, args.units.dry_run, &mut note)
        .map(drop)
}

fn nothing_to_do(session: &mut Session, job: Job) -> Result<()> {
    session.report.say(&format!(
        "nothing to do: no selected unit has a `{}`",
        job.name()
    ));
    Ok(())
}

/// Runs the command.
pub fn run(session: &mut Session, args: &UnitArgs, job: Job) -> Result<()> {
    let repo = Repo::discover(&session.root)?;
    let plan = plan(session, &repo, &args.selection(), job)?;
    if plan.tasks.is_empty() {
        return nothing_to_do(session, job);
    }
    session.announce()?;
    session.execute(job.name(), &plan, args.dry_run).map(drop)
}

fn plan(session: &Session, repo: &Repo, selection: &Selection, job: Job) -> Result<Plan> {
    let mut planner = Planner::new(
        repo,
        &session.tools,
        &session.core,
        job.name(),
        &session.logs(job.name()),
    );
    for unit in selection.of(repo)? {
        planner.job(unit, job)?;
    }
    // Generated files belong to no single unit, so only a run over everything compares them.
    if job == Job::Lint && selection.is_everything() && repo.root.join(contract::FOLDER).is_dir() {
        planner.add(codegen::check_task(&repo.root, &session.logs(job.name())));
    }
    Ok(planner.plan)
}

impl UnitArgs {
    fn selection(&self) -> Selection {
        Selection {
            languages: self.languages.clone(),
            units: self.units.clone(),
        }
    }
}
