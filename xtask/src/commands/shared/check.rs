//! `test` and `lint`: a job for many units, of which what is cached is left out.

use std::sync::Arc;

use serde_json::json;

use super::affected::{choose, look, looked, AffectedArgs, Since};
use super::session::Session;
use super::units::{absent_languages, nothing_to_do, planned, write_junit, RunArgs, UnitArgs};
use crate::cache::{Cache, Common, Whole};
use crate::error::Result;
use crate::git::Changes;
use crate::lang::{self, Job};
use crate::plan::Plan;
use crate::repo::inputs::Inputs;
use crate::repo::Repo;
use crate::run::Summary;
use crate::tasker_core::Identity;

/// Arguments of `test` and `lint`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Which units.
    #[command(flatten)]
    pub units: UnitArgs,
    /// Which changes.
    #[command(flatten)]
    pub affected: AffectedArgs,
    /// How to run.
    #[command(flatten)]
    pub run: RunArgs,
    /// Run everything, also what succeeded before on the same inputs.
    #[arg(long)]
    pub no_cache: bool,
    /// Run nothing; show which results are cached, and what changed since the last success of the others.
    #[arg(long, conflicts_with_all = ["no_cache", "dry_run"])]
    pub explain: bool,
}

/// Runs the job.
pub fn check(session: &mut Session, args: &CheckArgs, job: Job) -> Result<()> {
    let options = args.run.options();
    let (files, changes) = look(&session.root, &args.affected)?;
    let core = session.core.source_id()?;
    let common = Arc::new(Common::new(&options.environment, &core));
    let (root, tools) = (session.root.clone(), session.tools.clone());
    let is_plain = is_plain(session, args, changes.as_ref());
    let selected = (&args.units.languages, &args.units.units);
    let whole = is_plain.then(|| Whole {
        root: &root,
        what: format!("{:?}", (job, selected, &args.affected.affected)),
        tools: &tools,
        environment: &options.environment,
        common: &common,
        changed: changes.as_ref().and_then(Changes::paths),
    });
    let known = (whole.as_ref().zip(files.as_ref())).and_then(|(whole, files)| whole.recall(files));
    if let Some(results) = known {
        return again(session, args, job, Plan::known(results));
    }
    let since = Since::of(&root, &args.affected, changes.as_ref());
    let repo = Repo::among(&session.root, files, &lang::readers())?;
    let inputs = Inputs::of(&repo);
    let Some(only) = choose(session, &repo, &inputs, &args.affected, changes)? else {
        return Ok(());
    };
    let selection = args.units.selection();
    let without = absent_languages(session, &repo, &selection)?;
    let (mut plan, places) =
        planned(session, &repo, &selection, only.as_ref(), &without, job)?.finish();
    if plan.tasks.is_empty() {
        return nothing_to_do(session, job, since.as_ref());
    }
    session.announce()?;
    // A dry run starts no process, which asking tools for their version would be; it prints the plan of a run that knows nothing.
    if args.units.dry_run {
        return session.execute(job.name(), &plan, true).map(drop);
    }
    let environment = &options.environment;
    let cache = Cache::open(&repo, &inputs, &tools, environment, &common, &plan);
    if args.explain {
        return explain(session, cache.as_ref(), &plan);
    }
    if let Some(cache) = cache.as_ref().filter(|_| !args.no_cache) {
        let known = cache.hits(&plan)?;
        plan.leave_out(known);
    }
    let summary = session.run_plan(job.name(), &plan, &options)?;
    if let Some(cache) = cache.filter(|_| is_same_core(session)) {
        cache.keep(&plan, &summary)?;
    }
    // What a machine lacks may come, and nothing looks for that then.
    let whole = whole.filter(|_| plan.tasks.is_empty() && without.is_empty());
    if let Some((whole, files)) = whole.zip(repo.files.as_deref()) {
        whole.keep(files, looked(&repo, places), &plan.cached)?;
    }
    end(args, &summary)
}

/// Tells what a run gave that is cached as a whole.
fn again(session: &mut Session, args: &CheckArgs, job: Job, plan: Plan) -> Result<()> {
    session.announce()?;
    let summary = session.run_plan(job.name(), &plan, &args.run.options())?;
    end(args, &summary)
}

/// Whether the run as a whole can be remembered, and recalled.
fn is_plain(session: &Session, args: &CheckArgs, changes: Option<&Changes>) -> bool {
    !(changes.is_some_and(Changes::is_unknown)
        || args.affected.why.is_some()
        || args.units.dry_run
        || args.explain
        || args.no_cache
        || session.core.is_local())
}

fn end(args: &CheckArgs, summary: &Summary) -> Result<()> {
    write_junit(&args.run, summary)?;
    Session::success(summary)
}

fn explain(session: &mut Session, cache: Option<&Cache<'_>>, plan: &Plan) -> Result<()> {
    let lines = cache.map_or_else(
        || vec!["nothing is cached: this is not a git work tree".to_owned()],
        |cache| cache.explain(plan),
    );
    session
        .report
        .tell(&lines, &json!({"event": "explanation", "lines": lines}));
    Ok(())
}

/// Whether a checkout of Tasker Core contains what it did when the run began.
fn is_same_core(session: &Session) -> bool {
    match (session.core.checkout(), session.core.identity()) {
        (Ok(Some(checkout)), Ok(Some(before))) => {
            Identity::of(&checkout.root).is_ok_and(|now| now == *before)
        }
        _ => true,
    }
}
