//! `build`.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::shared::affected::{choose, look, AffectedArgs, Since};
use super::shared::session::Session;
use super::shared::units::{absent_languages, nothing_to_do, plan, write_junit, RunArgs, UnitArgs};
use crate::error::Result;
use crate::file::relative;
use crate::lang::{self, Job};
use crate::layout::target_folder;
use crate::plan::Outcome;
use crate::repo::inputs::Inputs;
use crate::repo::Repo;
use crate::run::Summary;
use crate::unit::Unit;

/// Build what would be published, and print where it is: programs in target/debug, packages in target/xtask/dist.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask build\n  cargo xtask build --lang python\n  cargo xtask build --unit ops/dev-server --dry-run"
)]
pub struct Args {
    /// Which units.
    #[command(flatten)]
    units: UnitArgs,
    /// Which changes.
    #[command(flatten)]
    affected: AffectedArgs,
    /// How to run.
    #[command(flatten)]
    run: RunArgs,
}

/// The language whose products are in cargo's own folder.
const RUST: &str = "rust";

/// Runs the command. The ecosystems' own tools know what is up to date, and their products lie outside the cache, so nothing is left out.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    let (files, changes) = look(&session.root, &args.affected)?;
    let since = Since::of(&session.root, &args.affected, changes.as_ref());
    let repo = Repo::among(&session.root, files, &lang::readers())?;
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
        return nothing_to_do(session, Job::Build, since.as_ref());
    }
    session.announce()?;
    if args.units.dry_run {
        return session.execute(Job::Build.name(), &plan, true).map(drop);
    }
    let summary = session.run_plan(Job::Build.name(), &plan, &args.run.options())?;
    write_junit(&args.run, &summary)?;
    tell_products(session, &repo, &summary);
    Session::success(&summary)
}

/// Says where the products of each unit are that was built.
fn tell_products(session: &mut Session, repo: &Repo, summary: &Summary) {
    let mut done: Vec<&str> = Vec::new();
    for task in summary
        .tasks
        .iter()
        .filter(|task| task.outcome == Outcome::Ok)
    {
        done.push(&task.unit);
    }
    for unit in repo
        .units
        .iter()
        .filter(|unit| done.contains(&unit.folder.as_str()))
    {
        let mut files = products(&session.root, unit);
        files.sort();
        let files: Vec<String> = files
            .iter()
            .map(|file| relative(&session.root, file).display().to_string())
            .collect();
        let lines: Vec<String> = files.iter().map(|file| format!("built: {file}")).collect();
        let record = json!({ "event": "built", "unit": unit.folder, "files": files });
        if !files.is_empty() {
            session.report.tell(&lines, &record);
        }
    }
}

/// Packages of the unit's folder below `target/xtask/dist`; of a Rust package its programs.
fn products(root: &Path, unit: &Unit) -> Vec<PathBuf> {
    if unit.language == RUST {
        let folder = target_folder(root).join("debug");
        let named = unit.manifest.get("bin").and_then(toml::Value::as_array);
        let named = named
            .into_iter()
            .flatten()
            .filter_map(|bin| bin.get("name")?.as_str());
        let programs = named
            .chain([unit.name.as_str()])
            .map(|name| folder.join(name));
        return programs.filter(|path| path.is_file()).collect();
    }
    let packages = std::fs::read_dir(root.join("target/xtask/dist").join(&unit.folder));
    let packages = packages
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    packages
        .filter(|path| path.is_file() && !is_hidden(path))
        .collect()
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_none_or(|name| name.to_string_lossy().starts_with('.'))
}
