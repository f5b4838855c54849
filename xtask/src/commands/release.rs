//! `release`: what is released, what is left to do, doing it, and telling it.

use crate::lang;
use std::collections::BTreeSet;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

use super::shared::packages::{self, tell_drifts};
use super::shared::session::Session;
use crate::error::{Error, Result};
use crate::plan::{install_tasks, Plan as Tasks};
use crate::prove::plan::GENERATOR;
use crate::publish::{store, Context, Programs, Targets, Unit};
use crate::release::engine::{self, News};
use crate::release::plan::{plan, Plan, Seen};
use crate::release::{git, ledger, observe, units, upload, Stage};
use crate::version::{check, packages, Package};

/// Release packages: pack, verify, upload, tag, announce. If interrupted, rerun the same command to continue.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  cargo xtask release --dry-run\n  cargo xtask release --unit python/tasker-contrib-fastapi\n  cargo xtask release status\n  cargo xtask release resume\n  cargo xtask release --registry-npm URL --registry-pypi URL --registry-files URL"
)]
pub struct Args {
    /// What to do instead of releasing.
    #[command(subcommand)]
    what: Option<What>,
    /// How to release.
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print how far each package has come, according to registries and git.
    Status(How),
    /// Continue an interrupted release; the same as running `release` again.
    Resume(How),
}

#[derive(Clone, Debug, Default, clap::Args)]
struct How {
    /// Only this package, by name or folder; may be repeated [default: all that are published].
    #[arg(long = "unit", value_name = "UNIT")]
    units: Vec<String>,
    /// Print what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Stop after this stage; the same command without it continues.
    #[arg(long, value_name = "STAGE", value_enum)]
    until: Option<Stage>,
    /// How many packages are released at a time.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// A registry of cargo's configuration or environment (CARGO_REGISTRIES_NAME_INDEX) [default: cargo's own].
    #[arg(long, value_name = "NAME")]
    registry_crates: Option<String>,
    /// Where wheels and sdists are uploaded [default: uv's own].
    #[arg(long, value_name = "URL")]
    registry_pypi: Option<String>,
    /// The simple index where they are found then [default: simple/ below --registry-pypi].
    #[arg(long, value_name = "URL", requires = "registry_pypi")]
    registry_pypi_index: Option<String>,
    /// An npm registry [default: npm's own].
    #[arg(long, value_name = "URL")]
    registry_npm: Option<String>,
    /// A gem server [default: RubyGems' own].
    #[arg(long, value_name = "URL")]
    registry_gems: Option<String>,
    /// The path of charts in an OCI registry, such as oci://HOST/charts.
    #[arg(long, value_name = "OCI")]
    registry_charts: Option<String>,
    /// The path of images in an OCI registry, such as oci://HOST/tasker; without it no image is released.
    #[arg(long, value_name = "OCI")]
    registry_images: Option<String>,
    /// Where plugin archives, sums, bills of materials, provenance and notes go: an address that takes PUT, or `github` [default: github].
    #[arg(long, value_name = "URL")]
    registry_files: Option<String>,
    /// The git remote that gets the tags.
    #[arg(long, value_name = "NAME", default_value = "origin")]
    remote: String,
}

/// Runs `release`, `release status` and `release resume`.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    match &args.what {
        None => release(session, &args.how, false),
        Some(What::Resume(args)) => release(session, args, false),
        Some(What::Status(args)) => release(session, args, true),
    }
}

fn release(session: &mut Session, args: &How, only_status: bool) -> Result<()> {
    let head = git::head(&session.root)?;
    let packages = packages(&session.root, &lang::ecosystems())?;
    let targets = targets(args);
    let mut chosen = choose(&packages, &args.units)?;
    if args.units.is_empty() {
        leave_out(session, &packages, &mut chosen, &targets)?;
    }
    // Versions that do not fit together are no release.
    tell_drifts(
        session,
        &check::drifts(&session.root, &packages, &lang::ecosystems())?,
    )?;
    let units = units::units(&packages, &chosen, &lang::discover(&session.root)?.units)?;
    let reads_only = args.dry_run || only_status;
    let programs = programs(session, &units, reads_only)?;
    let context = Context::new(
        session.root.clone(),
        ledger::folder(&session.root, &head.commit),
        head,
        targets,
        programs,
        session.interrupt.clone(),
        (!reads_only).then(|| session.logs("release")),
    );
    let _lock = if reads_only {
        None
    } else {
        let lock = lock(&context)?;
        ledger::sweep(&context)?;
        Some(lock)
    };
    let jobs = usize::from(args.jobs);
    let seen = observe::all(&context, &units, jobs)?;
    let plan =
        plan(&units, &seen).map_err(|taken| upload::taken(&units[taken.unit], &taken.conflict))?;
    let last = args.until.unwrap_or(Stage::Announced);
    let plan = plan.until(last);
    tell_plan(session, &context, &units, &seen, &plan, args.dry_run);
    if reads_only {
        return Ok(());
    }
    check_credentials(&context, &units, &plan)?;
    go(session, &context, &units, &plan, jobs)?;
    let record = json!({
        "event": "released", "commit": context.commit, "units": units.len(), "steps": plan.len(), "boundaries": context.boundaries(),
    });
    let line = match plan.len() {
        0 => format!(
            "{} packages are {}; nothing left to do",
            units.len(),
            word(last)
        ),
        steps => format!("{} packages are {}: {steps} steps", units.len(), word(last)),
    };
    session.report.tell(&[line], &record);
    Ok(())
}

/// Whether the credentials of everything that will be uploaded are there; all that is missing at once.
fn check_credentials(context: &Context, units: &[Unit], plan: &Plan) -> Result<()> {
    let mut missing = Vec::new();
    let mut asked = BTreeSet::new();
    for step in plan.steps() {
        let unit = &units[step.unit];
        let lacking = match step.stage {
            Stage::Uploaded if asked.insert(unit.ecosystem.kind()) => {
                unit.channel.credentials(context, unit).err()
            }
            Stage::Announced if asked.insert("notes") => store::credentials(context).err(),
            _ => None,
        };
        missing.extend(lacking.filter(|lacking| !missing.contains(lacking)));
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Credentials { missing })
}

/// What packages are at the end of a run.
fn word(last: Stage) -> &'static str {
    match last {
        Stage::Announced => "released",
        earlier => earlier.word(),
    }
}

/// Only one release at a time: a second one would see the first one's half-done work.
fn lock(context: &Context) -> Result<std::fs::File> {
    let path = context.root.join(ledger::FOLDER).join(".lock");
    std::fs::create_dir_all(context.root.join(ledger::FOLDER))
        .map_err(Error::io("create", &path))?;
    let file = std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Error::io("open", &path))?;
    file.try_lock().map_err(|_| Error::Version {
        why: "another release is running in this clone; nothing was released".into(),
        fix: "wait for it, or end it; then run the same command".into(),
    })?;
    Ok(file)
}

fn targets(args: &How) -> Targets {
    Targets {
        crates: args.registry_crates.clone(),
        pypi: args.registry_pypi.clone(),
        pypi_index: args.registry_pypi_index.clone(),
        npm: args.registry_npm.clone(),
        gems: args.registry_gems.clone(),
        charts: args.registry_charts.clone(),
        images: args.registry_images.clone(),
        files: args.registry_files.clone(),
        remote: args.remote.clone(),
    }
}

/// Leaves out what this release has no place for, and says so.
fn leave_out(
    session: &mut Session,
    packages: &[Package],
    chosen: &mut Vec<usize>,
    targets: &Targets,
) -> Result<()> {
    let mut wanted = Vec::new();
    for place in chosen.iter().copied() {
        let package = &packages[place];
        match lang::channel(package.ecosystem)?.is_wanted(targets) {
            Ok(()) => wanted.push(place),
            Err(hint) => session.report.tell(
                &[format!("left out: {}; {hint}", package.folder)],
                &json!({"event": "left_out", "folder": package.folder, "why": hint}),
            ),
        }
    }
    *chosen = wanted;
    Ok(())
}

/// The packages that are released.
pub(super) fn choose(packages: &[Package], wanted: &[String]) -> Result<Vec<usize>> {
    if wanted.is_empty() {
        return Ok((0..packages.len())
            .filter(|place| !packages[*place].private)
            .collect());
    }
    let mut chosen = Vec::new();
    for name in wanted {
        let more = packages::choose(packages, name)?;
        if let Some(private) = more.iter().find(|place| packages[**place].private) {
            return Err(Error::Version {
                why: format!("{} is not published; nothing was released", packages[*private].folder),
                fix: "remove `publish = false`, `private` or the classifier `Private :: Do Not Upload` from its manifest".into(),
            });
        }
        chosen.extend(more);
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

/// The pinned tools that these units need; what is missing is installed.
fn programs(session: &mut Session, units: &[Unit], reads_only: bool) -> Result<Programs> {
    let mut wanted: BTreeSet<&str> = units
        .iter()
        .flat_map(|unit| unit.channel.programs())
        .copied()
        .collect();
    // Packages that generate code are tried with it.
    if units.iter().any(|unit| !unit.smoke.is_empty()) {
        wanted.insert(GENERATOR);
    }
    let mut programs = Programs::default();
    let mut missing = Tasks::default();
    let mut named = Vec::new();
    let logs = session.logs("release");
    for name in wanted {
        // A table of another repository may lack it; then the machine's is used.
        let Ok(tool) = session.tools.get(name) else {
            continue;
        };
        if !tool.is_installed() {
            if which::which(name).is_ok() {
                continue;
            }
            named.push(name);
            for task in install_tasks(&session.tools, &tool, &logs)? {
                missing.add(task);
            }
        }
        programs.0.insert(name.to_owned(), tool.program());
    }
    if missing.tasks.is_empty() {
        return Ok(programs);
    }
    if !reads_only {
        session.execute("release", &missing, false)?;
        return Ok(programs);
    }
    // All else is needed only for doing.
    let mut looking = units.iter().filter_map(|unit| unit.channel.looks_with());
    match looking.find(|name| named.contains(name)) {
        None => Ok(programs),
        Some(name) => Err(Error::NotSetUp {
            missing: vec![name.into()],
            fix: format!("put {name} on PATH, or release: that fetches it"),
        }),
    }
}

fn tell_plan(
    session: &mut Session,
    context: &Context,
    units: &[Unit],
    seen: &[Seen],
    plan: &Plan,
    dry_run: bool,
) {
    let wide = units
        .iter()
        .map(|unit| unit.folder.len())
        .max()
        .unwrap_or(0);
    let mut lines = Vec::new();
    let mut records = Vec::new();
    for (place, (unit, seen)) in units.iter().zip(seen).enumerate() {
        let left: Vec<Stage> = plan
            .steps()
            .filter(|step| step.unit == place)
            .map(|step| step.stage)
            .collect();
        let now = seen.stage().map_or("not begun", Stage::word);
        let words: Vec<&str> = left.iter().map(|stage| stage.verb()).collect();
        let todo = if words.is_empty() {
            "nothing left".to_owned()
        } else {
            words.join(", ")
        };
        let needs: Vec<&str> = unit
            .needs
            .iter()
            .map(|need| units[*need].folder.as_str())
            .collect();
        let after = if needs.is_empty() {
            String::new()
        } else {
            format!("  (after {})", needs.join(", "))
        };
        lines.push(format!(
            "{:wide$}  {:7} {:10}  {now:9}  {todo}{after}",
            unit.folder,
            unit.ecosystem.kind(),
            unit.written
        ));
        records.push(json!({
            "folder": unit.folder, "name": unit.name, "ecosystem": unit.ecosystem.kind(), "version": unit.version.to_string(),
            "tag": unit.tag, "stage": seen.stage(), "left": left, "needs": needs,
        }));
    }
    if dry_run {
        lines.push(format!(
            "{} steps would be done; nothing was changed",
            plan.len()
        ));
    }
    let record = json!({
        "event": "release_plan", "commit": context.commit, "dry_run": dry_run, "steps": plan.len(), "units": records,
    });
    session.report.tell(&lines, &record);
}

/// Runs the engine beside the report, which belongs to this thread.
fn go(
    session: &mut Session,
    context: &Context,
    units: &[Unit],
    plan: &Plan,
    jobs: usize,
) -> Result<()> {
    let (send, receive) = mpsc::channel();
    let send = std::sync::Mutex::new(send);
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || {
            let tell = |news: News| {
                // A report that went away is no reason to stop half-way.
                let _ = send
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .send(news);
            };
            engine::run(context, units, plan, jobs, &tell)
        });
        for news in receive {
            tell_news(session, units, &news);
        }
        worker
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn tell_news(session: &mut Session, units: &[Unit], news: &News) {
    match news {
        News::Done(place, stage, how, took) => {
            let unit = &units[*place];
            let line = format!(
                "{:9} {} {}  {how}{}",
                stage.word(),
                unit.folder,
                unit.written,
                seconds(*took)
            );
            let record = json!({
                "event": "release_step", "folder": unit.folder, "version": unit.version.to_string(), "stage": stage, "how": how,
                "duration_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            });
            session.report.tell(&[line], &record);
        }
        News::Waiting(place, stage, why) => {
            let unit = &units[*place];
            let line = format!("waiting   {} {}  {why}", unit.folder, unit.written);
            let record = json!({"event": "release_waiting", "folder": unit.folder, "stage": stage, "why": why});
            session.report.tell(&[line], &record);
        }
    }
}

fn seconds(took: Duration) -> String {
    if took < Duration::from_millis(500) {
        return String::new();
    }
    format!("  ({:.1} s)", took.as_secs_f64())
}
