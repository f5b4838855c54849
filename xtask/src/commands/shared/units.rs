//! `--lang`, `--unit` and how tasks are run, for the commands that do one job for many units.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::affected::Since;
use super::session::Session;
use crate::contract;
use crate::error::{Error, Result};
use crate::lang::{self, Job, Planner};
use crate::plan::Plan;
use crate::repo::affected::Affected;
use crate::repo::{Repo, Selection};
use crate::report::junit;
use crate::run::{Options, Summary};

/// How tasks are run and reported.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Stop everything after the first failure [default: only what needs the failed task is skipped].
    #[arg(long)]
    pub fail_fast: bool,
    /// How many tasks run at once [default: one per core].
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Write the results as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// Which units.
#[derive(Debug, clap::Args)]
pub struct UnitArgs {
    #[arg(long = "lang", value_name = "LANG", help = lang_help("Only units of this language"))]
    pub languages: Vec<String>,
    /// Only this unit, by name or folder; an example stands for its apps; may be repeated.
    #[arg(long = "unit", value_name = "UNIT")]
    pub units: Vec<String>,
    /// Print what would be run.
    #[arg(long)]
    pub dry_run: bool,
}

impl RunArgs {
    /// The same for the scheduler.
    pub fn options(&self) -> Options {
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
    /// The same for the repository.
    pub fn selection(&self) -> Selection {
        Selection {
            languages: self.languages.clone(),
            units: self.units.clone(),
        }
    }
}

/// The text of an option that takes a language, with every language that there is.
pub fn lang_help(what: &str) -> String {
    let names: Vec<&str> = lang::languages().map(|language| language.name()).collect();
    format!("{what} ({}); may be repeated", names.join(", "))
}

/// Languages whose tools this machine lacks though it need not; a run over everything skips their units and says so at its end.
///
/// # Errors
/// [`Error::HostTool`] if such a language, or a unit of it, was asked for.
pub fn absent_languages(
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
        let mut folders: Vec<&str> = folders.map(|unit| unit.folder.as_str()).collect();
        folders.dedup();
        let whole = tool.comes_with.as_ref();
        let whole = whole.and_then(|name| session.tools.host(name));
        let tool = whole.filter(|whole| !whole.is_present()).unwrap_or(tool);
        session.skipped.push(format!(
            "skipped {}: {} is not installed; fix: {}",
            folders.join(", "),
            tool.name,
            tool.fix
        ));
        absent.push(unit.language);
    }
    Ok(absent)
}

/// Says why no task is left: nothing has changed, changes affect no selected unit, or no selected unit has this job.
pub fn nothing_to_do(session: &mut Session, job: Job, since: Option<&Since>) -> Result<()> {
    let why = match since {
        Some(since) if since.is_unchanged => format!("nothing has changed since {}", since.base),
        Some(since) => format!(
            "nothing to do: the changes since {} affect no selected unit with a `{}` task",
            since.base,
            job.name()
        ),
        None => format!(
            "nothing to do: no selected unit has a `{}` task",
            job.name()
        ),
    };
    session.report.say(&why);
    session.tell_skipped();
    Ok(())
}

/// The plan of a job for the selected units, of them only the affected ones if that is known, without some languages.
pub fn plan(
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
pub fn planned<'a>(
    session: &'a Session,
    repo: &'a Repo,
    selection: &Selection,
    only: Option<&Affected>,
    without: &[&str],
    job: Job,
) -> Result<Planner<'a>> {
    let mut planner = lang::planner(
        repo,
        &session.tools,
        &session.core,
        job.name(),
        &session.logs(job.name()),
    );
    let mut units = selection.of(repo)?;
    units.retain(|unit| {
        !without.contains(&unit.language)
            && only.is_none_or(|only| only.contains(repo, &unit.folder))
    });
    lang::add_jobs(&mut planner, &units, job)?;
    // Generated files belong to no single unit, so only a run over everything compares them.
    if job == Job::Lint
        && selection.is_everything()
        && repo.root.join(crate::tables::FOLDER).is_dir()
    {
        planner.add(contract::check::task(&repo.root, &session.logs(job.name())));
    }
    Ok(planner)
}

/// Writes the report for `--junit`.
pub fn write_junit(args: &RunArgs, summary: &Summary) -> Result<()> {
    let Some(file) = &args.junit else {
        return Ok(());
    };
    if let Some(folder) = file.parent().filter(|folder| *folder != Path::new("")) {
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    std::fs::write(file, junit::document(summary)).map_err(Error::io("write", file))
}
