//! `template new`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;

use crate::commands::shared::session::Session;
use crate::e2e::spec::fill;
use crate::error::{closest, Error, Result};
use crate::file::read_toml;
use crate::lang::{self, Job, Provided};
use crate::process::{describe, ChildGroup, Invocation, Output};
use crate::repo::Repo;
use crate::unit::Unit;

/// Make a project from a framework's application template, with the packages of this repository.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The framework: axum, bun, fastapi or rails.
    framework: String,
    /// The folder of the new project; its name becomes the project's.
    path: PathBuf,
}

/// The table of starters.
const TABLE: &str = "xtask/starters.toml";

/// How a project is made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Starter {
    /// The unit that is copied; the command runs with the tools of its language.
    template: String,
    /// Units that are built first.
    #[serde(default)]
    build: Vec<String>,
    run: Vec<String>,
    /// What the project installs from a folder of its own.
    packages: Option<Packages>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Packages {
    units: Vec<String>,
    /// The extension of what a build leaves.
    files: String,
    /// The project's folder for them.
    into: String,
}

pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    let starter = choose(session, &args.framework)?;
    let place = Place::new(&session.root, &args.path)?;
    let repo = lang::discover(&session.root)?;
    let (tools, products) = build(session, &repo, &starter)?;
    make(session, &starter, &place, tools)?;
    if let Some(packages) = &starter.packages {
        copy(&products, &packages.files, &place.path.join(&packages.into))?;
    }
    let path = args.path.display().to_string();
    let lines = [
        format!("{} is in {path}. Next:", place.name),
        "  cargo xtask image build     # PostgreSQL and Tasker's server, once".to_owned(),
        format!("  cd {path}                   # its README.md goes on from here"),
    ];
    session.report.tell(
        &lines,
        &json!({"event": "project", "framework": args.framework, "path": place.path}),
    );
    Ok(())
}

fn choose(session: &Session, framework: &str) -> Result<Starter> {
    let file = session.root.join(TABLE);
    let mut all: BTreeMap<String, Starter> = read_toml(&session.root, &file)?;
    all.remove(framework).ok_or_else(|| {
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        let suggestion = closest(framework, names.iter().copied());
        Error::unknown("framework", framework, suggestion, &names)
    })
}

/// Where a project is made.
struct Place {
    root: PathBuf,
    path: PathBuf,
    parent: PathBuf,
    name: String,
}

impl Place {
    /// A folder that exists must be empty; what the name may be is the generator's business.
    fn new(root: &Path, path: &Path) -> Result<Self> {
        let refuse = |why: &str, fix: &str| Error::BadFile {
            file: path.to_owned(),
            line: None,
            why: why.to_owned(),
            fix: Some(fix.to_owned()),
        };
        let absolute = std::path::absolute(path).map_err(Error::io("find", path))?;
        let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(refuse("is not a name for a project", "name a new folder"));
        };
        let there = absolute.symlink_metadata().is_ok();
        let is_empty = std::fs::read_dir(&absolute).is_ok_and(|mut all| all.next().is_none());
        if there && !is_empty {
            return Err(refuse("exists", "name a folder that does not exist"));
        }
        let parent = parent.canonicalize().map_err(Error::io("find", parent))?;
        if parent.starts_with(root) {
            let why = "is in this repository, and a project is a repository of its own";
            return Err(refuse(why, "name a folder outside, such as ../my-project"));
        }
        Ok(Self {
            root: root.to_owned(),
            path: parent.join(name),
            name: name.to_string_lossy().into_owned(),
            parent,
        })
    }

    fn fill(&self, word: &str) -> Result<String> {
        let value = |name: &str| {
            let path = match name {
                "root" => &self.root,
                "path" => &self.path,
                "parent" => &self.parent,
                "name" => return Some(self.name.clone()),
                _ => return None,
            };
            Some(path.display().to_string())
        };
        fill(word, value).map_err(|name| Error::BadFile {
            file: TABLE.into(),
            line: None,
            why: format!("`{{{name}}}` in {word:?} is unknown"),
            fix: Some("use {root}, {path}, {parent} or {name}".into()),
        })
    }
}

/// Builds what the project takes; gives the tools that make it, and the folders of what was built for it.
fn build(
    session: &mut Session,
    repo: &Repo,
    starter: &Starter,
) -> Result<(Provided, Vec<PathBuf>)> {
    let units = |folders: &[String]| {
        let found = folders.iter().map(|folder| unit(repo, folder));
        found.collect::<Result<Vec<_>>>()
    };
    let packages = starter.packages.as_ref();
    let packages = units(packages.map_or(&[], |them| &them.units))?;
    let all = [packages.clone(), units(&starter.build)?].concat();
    let template = unit(repo, &starter.template)?;
    session.prepare("template new", repo, |planner| {
        lang::add_jobs(planner, &all, Job::Build)?;
        let dists = packages.iter().map(|unit| planner.dist(unit)).collect();
        Ok((lang::toolchain(planner, template)?, dists))
    })
}

fn unit<'a>(repo: &'a Repo, folder: &str) -> Result<&'a Unit> {
    repo.unit(folder).ok_or_else(|| Error::BadFile {
        file: TABLE.into(),
        line: None,
        why: format!("there is no unit {folder}"),
        fix: None,
    })
}

/// Runs the generator; what it says when it refuses is shown.
fn make(session: &Session, starter: &Starter, place: &Place, provided: Provided) -> Result<()> {
    let words = starter.run.iter().map(|word| place.fill(word));
    let argv = words.collect::<Result<Vec<_>>>()?;
    let paths = provided.path.into_iter();
    let invocation = paths
        .fold(Invocation::new(&place.parent, argv), Invocation::with_path)
        .envs(provided.env);
    let log = session.logs("template-new").join("make.log");
    let mut child = ChildGroup::spawn(&starter.template, &invocation, &Output::Log(&log))?;
    let status = child.wait(&session.interrupt)?;
    if status.success() {
        return Ok(());
    }
    let what = format!("`{}`", invocation.command_line());
    Err(Error::ended(
        what,
        format!("failed with {}", describe(status)),
        &log,
    ))
}

/// Copies what builds left, by its extension.
fn copy(dists: &[PathBuf], extension: &str, into: &Path) -> Result<()> {
    std::fs::create_dir_all(into).map_err(Error::io("create", into))?;
    for dist in dists {
        for entry in std::fs::read_dir(dist).map_err(Error::io("read", dist))? {
            let file = entry.map_err(Error::io("read", dist))?.path();
            if file.extension().is_some_and(|ending| ending == extension) {
                let name = file.file_name().unwrap_or_default();
                std::fs::copy(&file, into.join(name)).map_err(Error::io("copy", &file))?;
            }
        }
    }
    Ok(())
}
