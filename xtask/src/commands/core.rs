//! `core`: which Tasker Core the units are built against.

use serde_json::json;

use super::shared::session::Session;
use super::shared::units::lang_help;
use crate::clock;
use crate::error::{Error, Result};
use crate::lang::{self, check_languages};
use crate::plan::{Action, Plan, Task};
use crate::process::quote;
use crate::tasker_core::{Checkout, Core, Identity, State, Table, PUBLISHED, STATE};

/// Choose the Tasker Core that units are built against: the published packages or your own checkout.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask core status\n  cargo xtask core use ../tasker-core\n  cargo xtask core use published\n  cargo xtask --core ../tasker-core test --lang python"
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print source, version and commit per language, and whether environments are in sync.
    Status,
    /// Choose a checkout, or `published`; no tracked file changes.
    Use(UseArgs),
    /// Build the checkout's packages now; otherwise they are built when a unit needs them.
    Build(BuildArgs),
    /// Compare what the packages assume of Tasker Core (generated tables, test doubles) with the checkout.
    Check(CheckArgs),
}

#[derive(Debug, clap::Args)]
struct UseArgs {
    /// The folder of a Tasker Core checkout, or `published`.
    #[arg(value_name = "PATH|published")]
    source: String,
    /// Print what would be written.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
struct BuildArgs {
    /// Only the packages of these languages [default: all that the checkout has].
    #[arg(value_name = "LANG")]
    languages: Vec<String>,
    /// Print what would be run.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    #[arg(long = "lang", value_name = "LANG", help = lang_help("Only what units of this language assume"))]
    languages: Vec<String>,
    /// Print what would be run.
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    /// Whether the choice of a Tasker Core is replaced: the old one may be broken, so it is not read.
    pub fn replaces_choice(&self) -> bool {
        matches!(self.what, What::Use(_))
    }
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    match &args.what {
        What::Status => status(session),
        What::Use(args) => choose(session, args),
        What::Build(args) => build(session, args),
        What::Check(args) => check(session, args),
    }
}

/// Prints one row per package.
fn status(session: &mut Session) -> Result<()> {
    let table = Table::load(&session.root)?;
    let announcement = session.core.announcement()?;
    let mut lines = vec![announcement];
    let mut rows = Vec::new();
    let identity = session.core.identity()?;
    let checkout = session.core.checkout()?;
    for row in &table.rows {
        let local = checkout.and_then(|checkout| checkout.package(&row.language, &row.name));
        let version = local.map_or_else(
            || Some(row.published.to_string()),
            |package| package.version.clone(),
        );
        let source = local.map_or_else(
            || PUBLISHED.to_owned(),
            |package| package.folder().display().to_string(),
        );
        lines.push(format!(
            "  {:10}  {:22}  {:8}  {source}",
            row.language,
            row.name,
            version.as_deref().unwrap_or("dynamic")
        ));
        rows.push(json!({
            "language": row.language, "package": row.name, "version": version, "source": source,
            "supported": row.supported.to_string(), "published": row.published.to_string(),
        }));
    }
    let mut environments = Vec::new();
    let repo = lang::discover(&session.root)?;
    for unit in &repo.units {
        let logs = session.logs("core");
        let mut planner = lang::planner(&repo, &session.tools, &session.core, "core", &logs);
        let language = lang::language(unit.language);
        let in_sync = match language {
            Some(language) => language.is_in_sync(&mut planner, unit)?,
            None => None,
        };
        if let Some(in_sync) = in_sync {
            let word = if in_sync {
                "in sync"
            } else {
                "out of date; the next run brings it up to date"
            };
            lines.push(format!("  {}: environment {word}", unit.folder));
            environments.push(json!({ "unit": unit.folder, "in_sync": in_sync }));
        }
    }
    let record = json!({
        "event": "core_status", "source": session.core.source_id()?, "since": session.core.state().map(|state| state.since),
        "commit": identity.and_then(|identity| identity.commit.clone()), "changed": identity.map(|identity| identity.changed),
        "packages": rows, "environments": environments,
    });
    session.report.tell(&lines, &record);
    Ok(())
}

/// Checks the choice and writes it down.
fn choose(session: &mut Session, args: &UseArgs) -> Result<()> {
    let path = session.root.join(STATE);
    let core = Core::choose(&session.root, Some(&args.source), lang::readers())?;
    let action = match core.checkout()? {
        None => Action::Remove { path },
        Some(checkout) => Action::Write {
            path,
            contents: state_file(checkout, core.identity()?)?,
        },
    };
    let task = Task {
        id: "core:use".to_owned(),
        unit: "core".to_owned(),
        label: "use".to_owned(),
        actions: vec![action],
        log: session.logs("core").join("use.log"),
        rerun: format!("cargo xtask core use {}", quote(&args.source)),
        ..Task::default()
    };
    let mut plan = Plan::default();
    plan.add(task);
    session.execute("core use", &plan, args.dry_run)?;
    if args.dry_run {
        return Ok(());
    }
    session.core = Core::choose(&session.root, None, lang::readers())?;
    status(session)
}

fn state_file(checkout: &Checkout, identity: Option<&Identity>) -> Result<String> {
    let state = State {
        path: checkout.root.clone(),
        since: clock::now(),
        commit: identity.and_then(|identity| identity.commit.clone()),
    };
    toml::to_string(&state).map_err(|error| Error::Core {
        why: format!(
            "{} cannot be written down: {error}",
            checkout.root.display()
        ),
        fix: "move the checkout to a folder whose name is valid UTF-8".into(),
    })
}

/// Builds what the checkout has.
fn build(session: &mut Session, args: &BuildArgs) -> Result<()> {
    session.announce()?;
    let repo = lang::discover(&session.root)?;
    let checkout = a_checkout(&session.core, "build")?;
    let has = checkout.languages();
    if let Some(wanted) = args.languages.iter().find(|wanted| !has.contains(wanted)) {
        return Err(Error::Core {
            why: format!("{} has no {wanted} package", checkout.root.display()),
            fix: format!("choose one of: {}", has.join(", ")),
        });
    }
    let logs = session.logs("core-build");
    let mut planner = lang::planner(&repo, &session.tools, &session.core, "core build", &logs);
    for language in &has {
        planner.rerun = Some(format!("core build {language}"));
        if !args.languages.is_empty() && !args.languages.contains(language) {
            continue;
        }
        if let Some(language) = lang::language(language) {
            language.build_core(&mut planner)?;
        }
    }
    let plan = planner.plan;
    if plan.tasks.is_empty() {
        session.report.say("everything is built");
        return Ok(());
    }
    session.execute("core build", &plan, args.dry_run).map(drop)
}

fn a_checkout<'a>(core: &'a Core, to: &str) -> Result<&'a Checkout> {
    core.checkout()?.ok_or_else(|| Error::Core {
        why: format!("there is no checkout to {to}; the published packages are in use"),
        fix: format!("cargo xtask core use PATH, or cargo xtask --core PATH core {to}"),
    })
}

/// Runs what each language compares.
fn check(session: &mut Session, args: &CheckArgs) -> Result<()> {
    check_languages(&args.languages)?;
    session.announce()?;
    let repo = lang::discover(&session.root)?;
    let checkout = a_checkout(&session.core, "check")?;
    let logs = session.logs("core-check");
    let mut planner = lang::planner(&repo, &session.tools, &session.core, "core check", &logs);
    for language in lang::languages() {
        let name = language.name().to_owned();
        if args.languages.is_empty() || args.languages.contains(&name) {
            planner.rerun = Some(format!("core check --lang {name}"));
            language.check_core(&mut planner, checkout)?;
        }
    }
    let plan = planner.plan;
    if plan.tasks.is_empty() {
        session
            .report
            .say("nothing to compare: no unit has a check against a checkout");
        return Ok(());
    }
    session.execute("core check", &plan, args.dry_run).map(drop)
}
