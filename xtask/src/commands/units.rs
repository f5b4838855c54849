//! `test`, `lint`, `fmt`, `build`: the same job for many units.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::{codegen, Session};
use crate::cache::{Cache, Common, Looked, Whole};
use crate::cli::{AffectedArgs, BuildArgs, RunArgs, TestArgs, UnitArgs};
use crate::contract;
use crate::core::Identity;
use crate::error::{Error, Result};
use crate::git::{default_base, Asked, Changes, Files};
use crate::lang::{Job, Planner};
use crate::plan::Plan;
use crate::repo::affected::{affected, Affected};
use crate::repo::inputs::Inputs;
use crate::repo::{Repo, Selection};
use crate::report::junit;
use crate::run::{Options, Summary};

/// Runs the tests, but not those whose result is known.
pub fn test(session: &mut Session, args: &TestArgs) -> Result<()> {
    check(session, args, Job::Test)
}

/// Looks for mistakes, but not where there are known to be none.
pub fn lint(session: &mut Session, args: &TestArgs) -> Result<()> {
    check(session, args, Job::Lint)
}

/// Formats sources.
pub fn fmt(session: &mut Session, args: &UnitArgs) -> Result<()> {
    let repo = Repo::discover(&session.root)?;
    let selection = args.selection();
    let without = absent_languages(session, &repo, &selection)?;
    let plan = plan(session, &repo, &selection, None, &without, Job::Fmt)?;
    if plan.tasks.is_empty() {
        return nothing_to_do(session, Job::Fmt);
    }
    session.announce()?;
    session
        .execute(Job::Fmt.name(), &plan, args.dry_run)
        .map(drop)
}

/// Builds. The ecosystems' own tools know what is up to date, and their products lie outside the cache, so nothing is left out.
pub fn build(session: &mut Session, args: &BuildArgs) -> Result<()> {
    let (files, changes) = look(&session.root, &args.affected)?;
    let repo = Repo::among(&session.root, files)?;
    let inputs = Inputs::of(&repo);
    let Some(only) = choose(session, &repo, &inputs, &args.affected, changes)? else {
        return Ok(());
    };
    let selection = args.units.selection();
    let without = absent_languages(session, &repo, &selection)?;
    let plan = plan(
        session,
        &repo,
        &selection,
        only.as_ref(),
        &without,
        Job::Build,
    )?;
    if plan.tasks.is_empty() {
        return nothing_to_do(session, Job::Build);
    }
    session.announce()?;
    if args.units.dry_run {
        return session.execute(Job::Build.name(), &plan, true).map(drop);
    }
    let summary = session.run_plan(Job::Build.name(), &plan, &args.run.options())?;
    write_junit(&args.run, &summary)?;
    Session::success(&summary)
}

fn check(session: &mut Session, args: &TestArgs, job: Job) -> Result<()> {
    let options = args.run.options();
    let (files, changes) = look(&session.root, &args.affected)?;
    let core = session.core.source_id()?;
    let common = Arc::new(Common::new(&options.environment, &core));
    let (root, tools) = (session.root.clone(), session.tools.clone());
    let is_plain = !(changes.as_ref().is_some_and(Changes::is_unknown)
        || args.affected.why.is_some()
        || args.units.dry_run
        || args.explain
        || args.no_cache
        || session.core.is_local());
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
        session.announce()?;
        let summary = session.run_plan(job.name(), &Plan::known(results), &options)?;
        return end(args, &summary);
    }
    let repo = Repo::among(&session.root, files)?;
    let inputs = Inputs::of(&repo);
    let Some(only) = choose(session, &repo, &inputs, &args.affected, changes)? else {
        return Ok(());
    };
    let selection = args.units.selection();
    let without = absent_languages(session, &repo, &selection)?;
    let (mut plan, places) =
        planned(session, &repo, &selection, only.as_ref(), &without, job)?.finish();
    if plan.tasks.is_empty() {
        return nothing_to_do(session, job);
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

fn end(args: &TestArgs, summary: &Summary) -> Result<()> {
    write_junit(&args.run, summary)?;
    Session::success(summary)
}

fn explain(session: &mut Session, cache: Option<&Cache<'_>>, plan: &Plan) -> Result<()> {
    let lines = cache.map_or_else(
        || vec!["nothing is kept: this is no git work tree".to_owned()],
        |cache| cache.explain(plan),
    );
    session
        .report
        .tell(&lines, &json!({"event": "explanation", "lines": lines}));
    Ok(())
}

/// What an answer about this repository depends on besides files that count.
pub fn looked(repo: &Repo, places: Vec<(PathBuf, bool)>) -> Looked {
    let units = repo.units.iter();
    let languages: BTreeSet<&str> = units.clone().map(|unit| unit.language).collect();
    let variables: BTreeSet<&String> = units.flat_map(|unit| &unit.env).collect();
    Looked {
        languages: languages.into_iter().map(str::to_owned).collect(),
        variables: variables.into_iter().cloned().collect(),
        places,
    }
}

/// Languages whose tools this machine lacks though it need not, each told with the fix. A run over everything goes on without them.
///
/// # Errors
/// [`Error::HostTool`] if such a language, or a unit of it, was asked for.
fn absent_languages(
    session: &mut Session,
    repo: &Repo,
    selection: &Selection,
) -> Result<Vec<&'static str>> {
    let mut absent = Vec::new();
    let mut seen = HashSet::new();
    for unit in selection.of(repo)? {
        if !seen.insert(unit.language) {
            continue;
        }
        let wanted = [unit.language.to_owned()];
        let mut tools = session.tools.host_for(&wanted).into_iter();
        let Some(tool) = tools.find(|tool| tool.optional && !tool.is_present()) else {
            continue;
        };
        if !selection.is_everything() {
            return Err(tool.missing(None));
        }
        let folders = repo
            .units
            .iter()
            .filter(|other| other.language == unit.language);
        let folders: Vec<&str> = folders.map(|unit| unit.folder.as_str()).collect();
        session.report.warn(&format!(
            "left out, because `{}` is not installed: {} (to have them: {})",
            tool.command[0],
            folders.join(", "),
            tool.fix
        ));
        absent.push(unit.language);
    }
    Ok(absent)
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

/// The affected units if only those are wanted. Nothing at all if the question was `--why`, which is answered then.
#[allow(clippy::option_option, reason = "the outer one says whether to go on")]
fn choose(
    session: &mut Session,
    repo: &Repo,
    inputs: &Inputs,
    args: &AffectedArgs,
    changes: Option<Changes>,
) -> Result<Option<Option<Affected>>> {
    let only = affected_units(session, repo, inputs, args, changes)?;
    let Some(unit) = &args.why else {
        return Ok(Some(only));
    };
    let selection = Selection {
        languages: Vec::new(),
        units: vec![unit.clone()],
    };
    let asked: Vec<&str> = selection
        .of(repo)?
        .iter()
        .map(|unit| unit.folder.as_str())
        .collect();
    for (place, unit) in repo
        .units
        .iter()
        .enumerate()
        .filter(|(_, unit)| asked.contains(&unit.folder.as_str()))
    {
        let lines = match &only {
            None => vec![format!(
                "{}: it is not known what changed, so everything runs",
                unit.folder
            )],
            Some(only) => match only.why(repo, place) {
                lines if lines.is_empty() => vec![format!("{} is not affected", unit.folder)],
                lines => lines,
            },
        };
        session.report.tell(
            &lines,
            &json!({"event": "why", "unit": unit.folder, "reasons": lines}),
        );
    }
    Ok(None)
}

/// The files that count and, if only what changes affect is wanted, what changed. Both are found out at the same time.
pub fn look(root: &Path, args: &AffectedArgs) -> Result<(Option<Arc<Files>>, Option<Changes>)> {
    let base = args.affected.as_ref().map(|base| match base.as_str() {
        "" => default_base(root),
        base => base.to_owned(),
    });
    let asked = base.map(|base| Asked::since(root, base));
    let files = Files::of(root).map(Arc::new);
    let changes = asked.map(|asked| asked.changes(files.as_deref()));
    Ok((files, changes.transpose()?))
}

/// The units that changes since the base can affect; none if everything is wanted, because nobody restricts it or because nobody knows.
///
/// `test`, `lint`, `build` and `ci matrix` all decide here.
pub fn affected_units(
    session: &mut Session,
    repo: &Repo,
    inputs: &Inputs,
    args: &AffectedArgs,
    changes: Option<Changes>,
) -> Result<Option<Affected>> {
    let Some(changes) = changes else {
        return Ok(None);
    };
    match changes {
        Changes::Since(paths) => {
            let paths: Vec<_> = paths
                .iter()
                .map(|path| String::from_utf8_lossy(path))
                .collect();
            Ok(Some(affected(
                repo,
                inputs,
                paths.iter().map(AsRef::as_ref),
            )))
        }
        Changes::Unknown { why, fix } if args.strict => Err(Error::NoMergeBase { why, fix }),
        Changes::Unknown { why, fix } => {
            session
                .report
                .warn(&format!("{why}; everything runs (to compare: {fix})"));
            Ok(None)
        }
    }
}

fn nothing_to_do(session: &mut Session, job: Job) -> Result<()> {
    session.report.say(&format!(
        "nothing to do: no selected unit has a `{}`",
        job.name()
    ));
    Ok(())
}

/// The plan of a job for the selected units, of them only the affected ones if that is known, without some languages.
fn plan(
    session: &Session,
    repo: &Repo,
    selection: &Selection,
    only: Option<&Affected>,
    without: &[&str],
    job: Job,
) -> Result<Plan> {
    Ok(planned(session, repo, selection, only, without, job)?.plan)
}

/// The same with what else the planner knows.
fn planned<'a>(
    session: &'a Session,
    repo: &'a Repo,
    selection: &Selection,
    only: Option<&Affected>,
    without: &[&str],
    job: Job,
) -> Result<Planner<'a>> {
    let mut planner = Planner::new(
        repo,
        &session.tools,
        &session.core,
        job.name(),
        &session.logs(job.name()),
    );
    for unit in selection.of(repo)? {
        if !without.contains(&unit.language)
            && only.is_none_or(|only| only.contains(repo, &unit.folder))
        {
            planner.job(unit, job)?;
        }
    }
    // Generated files belong to no single unit, so only a run over everything compares them.
    if job == Job::Lint && selection.is_everything() && repo.root.join(contract::FOLDER).is_dir() {
        planner.add(codegen::check_task(&repo.root, &session.logs(job.name())));
    }
    Ok(planner)
}

fn write_junit(args: &RunArgs, summary: &Summary) -> Result<()> {
    let Some(file) = &args.junit else {
        return Ok(());
    };
    if let Some(folder) = file.parent().filter(|folder| *folder != Path::new("")) {
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    std::fs::write(file, junit::document(summary)).map_err(Error::io("write", file))
}

impl RunArgs {
    fn options(&self) -> Options {
        let mut options = Options {
            fail_fast: self.fail_fast,
            ..Options::default()
        };
        if let Some(jobs) = self.jobs {
            options.jobs = usize::from(jobs);
        }
        options
    }
}

impl UnitArgs {
    fn selection(&self) -> Selection {
        Selection {
            languages: self.languages.clone(),
            units: self.units.clone(),
        }
    }
}
