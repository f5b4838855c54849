//! `cargo xtask e2e PATH…`

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use super::shared::chaos::Chaos;
use super::shared::images;
use super::shared::session::Session;
use crate::clock;
use crate::docker::{self, Build, Engine, Image};
use crate::e2e::app::{self, Running, Surroundings, Wait};
use crate::e2e::postgres::Postgres;
use crate::e2e::scenario::{Outcome, Runner};
use crate::e2e::spec::{App, Example, Scenario};
use crate::e2e::stack::{dev_server, DevServer, Ready, Stack, STACK_LOG};
use crate::e2e::{page, timeline, Phases, Report};
use crate::error::{closest, Error, Result};
use crate::file::relative;
use crate::http::Http;
use crate::interrupt::Interrupt;
use crate::lang::{self, Planner, Provided};
use crate::plan::Plan;
use crate::process::{open_log, quote};
use crate::repo::Repo;
use crate::report::paint;
use crate::unit::Unit;

/// Run an example end to end: start stack and app, run scenarios, write a report.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask e2e examples/etl-pipeline\n  cargo xtask e2e examples/etl-pipeline --scenario happy-path --keep\n  cargo xtask e2e examples/etl-pipeline --input my-flights.csv\n  cargo xtask e2e examples/etl-pipeline --stack docker\n  cargo xtask e2e examples/etl-pipeline --chaos --tasks 500   kill worker, server and PostgreSQL again and again\n  cargo xtask e2e prune                                remove what runs on Docker left behind when they were killed",
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct Args {
    #[command(subcommand)]
    prune: Option<Prune>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Prune {
    /// Remove containers, networks and volumes of runs on Docker that are gone.
    Prune {
        /// Only name them.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    /// Folders of examples.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What the example runs on: `embedded` starts PostgreSQL and the server here, `docker` in containers; postgresql://… uses that database, and
    /// http://… a server that is there, whose database is DATABASE_URL.
    #[arg(long, value_name = "embedded|docker|URL", default_value = "embedded")]
    stack: String,
    /// Only the app of this framework [default: every app of the example].
    #[arg(long, value_name = "NAME")]
    framework: Option<String>,
    /// Only this scenario; may be repeated.
    #[arg(long = "scenario", value_name = "NAME", conflicts_with = "input")]
    scenarios: Vec<String>,
    /// Run the example on a file of your own; only the end state is checked.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Instead of the scenarios: let the app create tasks while its worker, the server and PostgreSQL are killed at random moments, then check that every
    /// task has ended as it must, and no effect is missing or doubled. The example says how, in `[chaos]`.
    #[arg(long, conflicts_with_all = ["scenarios", "input", "keep"])]
    chaos: bool,
    /// How many tasks --chaos creates; there is a kill for each 40 of them, and three at least.
    #[arg(long, value_name = "N", default_value_t = 100, requires = "chaos", value_parser = clap::value_parser!(u32).range(1..))]
    tasks: u32,
    /// What chooses the moments of --chaos [default: another one in each run, which is printed].
    #[arg(long, value_name = "S", requires = "chaos")]
    seed: Option<u64>,
    /// Leave everything running after the scenarios, until Ctrl-C.
    #[arg(long)]
    keep: bool,
    /// Write report.json and report.html there [default: beside the logs in target/xtask/e2e].
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Print what would be run.
    #[arg(long)]
    dry_run: bool,
}

/// How many runs of one example keep their logs.
const KEPT_RUNS: usize = 10;
/// How many lines of an answer are shown; the report has all of it.
const SHOWN_ANSWER: usize = 40;
/// The tag of images that a run builds for itself.
const IMAGE_TAG: &str = "e2e";
/// Tries with other ports.
const PORT_TRIES: usize = 3;
/// An app that takes longer for one answer is broken.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    match &args.prune {
        Some(Prune::Prune { dry_run }) => prune(session, *dry_run),
        None => run_examples(session, &args.run),
    }
}

fn prune(session: &mut Session, dry_run: bool) -> Result<()> {
    let engine = Engine::find(&session.root, &session.interrupt)?;
    let projects = docker::prune(&engine, dry_run)?;
    let verb = if dry_run { "would remove" } else { "removed" };
    let mut lines: Vec<String> = projects
        .iter()
        .map(|name| format!("{verb} {name}"))
        .collect();
    if lines.is_empty() {
        lines.push("nothing was left behind".to_owned());
    }
    session.report.tell(
        &lines,
        &json!({"event": "pruned", "projects": projects, "dry_run": dry_run}),
    );
    Ok(())
}

fn run_examples(session: &mut Session, args: &RunArgs) -> Result<()> {
    check_stack(&args.stack)?;
    if args.chaos && args.stack != "embedded" {
        return Err(Error::Options {
            why: format!(
                "--chaos kills the stack, so it cannot run on --stack {}",
                args.stack
            ),
            fix: "leave out --stack, or --chaos".to_owned(),
        });
    }
    let repo = lang::discover(&session.root)?;
    let runs = select(session, &repo, args)?;
    session.announce()?;
    if args.dry_run {
        return dry_run(session, &repo, &runs, args);
    }
    let (mut failed, mut total) = (0, 0);
    for run in &runs {
        let report = one(session, &repo, run, args)?;
        failed += report.failed();
        total += report.scenarios.len();
    }
    if failed > 0 {
        return Err(Error::ScenariosFailed { failed, total });
    }
    Ok(())
}

/// One example with one of its apps.
struct Run {
    example: Example,
    framework: String,
    unit: String,
    scenarios: Vec<Scenario>,
    chaos: Option<Chaos>,
}

impl Run {
    fn app(&self) -> &App {
        &self.example.apps[&self.framework]
    }
}

fn select(session: &Session, repo: &Repo, args: &RunArgs) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for path in &args.paths {
        let folder = std::env::current_dir()
            .map_err(Error::io("find", "the current folder"))?
            .join(path);
        let folder = folder.canonicalize().unwrap_or(folder);
        let example = Example::load(&session.root, &folder)?;
        let frameworks: Vec<String> = example.apps.keys().cloned().collect();
        let chosen = match &args.framework {
            Some(name) if !example.apps.contains_key(name) => {
                let known: Vec<&str> = frameworks.iter().map(String::as_str).collect();
                return Err(Error::unknown(
                    "framework",
                    name,
                    closest(name, known.iter().copied()),
                    &known,
                ));
            }
            Some(name) => vec![name.clone()],
            None => frameworks,
        };
        for framework in chosen {
            let example = Example::load(&session.root, &folder)?;
            let scenarios = scenarios(&example, args)?;
            let unit = relative(
                &session.root,
                &folder.join(&example.apps[&framework].folder),
            )
            .display()
            .to_string();
            if repo.unit(&unit).is_none() {
                return Err(Error::BadFile {
                    file: relative(&session.root, &folder.join("example.toml")).to_owned(),
                    line: None,
                    why: format!(
                        "the app `{framework}` is in {unit}, which has no manifest of its language"
                    ),
                    fix: None,
                });
            }
            let chaos = args
                .chaos
                .then(|| Chaos::of(&session.root, &example, args.tasks, args.seed));
            runs.push(Run {
                chaos: chaos.transpose()?,
                example,
                framework,
                unit,
                scenarios,
            });
        }
    }
    Ok(runs)
}

fn scenarios(example: &Example, args: &RunArgs) -> Result<Vec<Scenario>> {
    if args.chaos {
        return Ok(Vec::new());
    }
    match (&args.input, &example.input) {
        (None, _) => example.select(&args.scenarios),
        (Some(file), _) if !file.is_file() => Err(Error::BadFile {
            file: file.clone(),
            line: None,
            why: "is not a file, but --input needs one".into(),
            fix: None,
        }),
        (Some(_), Some(input)) => example.select(std::slice::from_ref(&input.scenario)),
        (Some(file), None) => Err(Error::BadFile {
            file: file.clone(),
            line: None,
            why: format!(
                "{} takes no file of your own: its example.toml has no [input]",
                example.name
            ),
            fix: Some("leave out --input".into()),
        }),
    }
}

fn provision(planner: &mut Planner<'_>, unit: &Unit) -> Result<(Provided, DevServer)> {
    Ok((lang::app(planner, unit)?, dev_server(planner)?))
}

fn dry_run(session: &mut Session, repo: &Repo, runs: &[Run], args: &RunArgs) -> Result<()> {
    let mut planner = lang::planner(
        repo,
        &session.tools,
        &session.core,
        "e2e",
        &session.logs("e2e"),
    );
    for run in runs {
        planner.rerun = Some(again(&session.root, run, args));
        provision(&mut planner, unit_of(repo, run))?;
    }
    let plan: Plan = planner.plan;
    session.report.plan("e2e", &plan, true);
    for run in runs {
        let commands = run
            .app()
            .prepare
            .iter()
            .chain(std::iter::once(&run.app().start))
            .chain(run.app().processes.values());
        let mut lines = vec![format!(
            "then, for {} on {}:",
            run.example.name, run.framework
        )];
        lines.push("  start the local stack".to_owned());
        lines.extend(commands.map(|argv| format!("  {}", argv.join(" "))));
        lines.extend(run.chaos.iter().flat_map(Chaos::lines));
        lines.extend(
            run.scenarios
                .iter()
                .map(|scenario| format!("  scenario {}: {}", scenario.name, scenario.about)),
        );
        session.report.tell(&lines, &json!({
            "event": "e2e_plan", "example": run.example.name, "framework": run.framework,
            "scenarios": run.scenarios.iter().map(|scenario| &scenario.name).collect::<Vec<_>>(),
        }));
    }
    Ok(())
}

fn unit_of<'a>(repo: &'a Repo, run: &Run) -> &'a Unit {
    repo.unit(&run.unit).expect("selection looked it up")
}

/// Provisions, brings everything up, runs the scenarios, reports, and takes everything down, whatever happens in between.
fn one(session: &mut Session, repo: &Repo, run: &Run, args: &RunArgs) -> Result<Report> {
    let root = session.root.clone();
    let mut clock = Clock(Instant::now());
    let mut phases = Phases::default();
    let begun = clock::now();
    let (provided, server) = session.prepare("e2e", repo, |planner| {
        planner.rerun = Some(again(&root, run, args));
        provision(planner, unit_of(repo, run))
    })?;
    phases.provision = clock.lap();

    let logs = run_folder(session, run)?;
    let work = work_folder(run.chaos.is_some())?;
    let mut stack = match &run.chaos {
        Some(_) => start_kept_stack(session, server, work.path(), &logs)?,
        None => start_stack(session, args, server, &logs)?,
    };
    say_stack(session, &stack);
    phases.stack = clock.lap();
    let mut around = surroundings(&root, run, provided, work.path(), &stack, &logs)?;
    let own_input = place_input(run, args, &around)?;
    app::prepare(
        run.app(),
        &around,
        &session.interrupt,
        &mut Waiting::new(session.report.as_mut()),
    )?;
    phases.prepare = clock.lap();
    let mut app = start_app(session, run, &mut around)?;
    phases.app = clock.lap();
    session
        .report
        .say(&format!("app:   {} at {}", run.framework, around.url()));

    let scenarios = match &run.chaos {
        Some(chaos) => {
            let runner = runner(&root, &session.interrupt, run, &around, None);
            let again = format!("cargo xtask {}", again(&root, run, args));
            let report = session.report.as_mut();
            let outcome = chaos.run(&runner, &again, &mut app, &mut stack, report)?;
            say_outcome(report, &outcome);
            vec![outcome]
        }
        None => run_scenarios(session, run, &around, own_input, &mut app)?,
    };
    phases.scenarios = clock.lap();
    if args.keep {
        hold(session, &around, &mut app)?;
        phases.kept = clock.lap();
    }
    let ready = stack.ready.clone();
    app.stop();
    stack.stop();
    phases.teardown = clock.lap();

    let mut report = report_of(run, begun, phases, ready, scenarios);
    write_report(session, &mut report, args.report.as_deref(), &logs)?;
    Ok(report)
}

fn surroundings(
    root: &Path,
    run: &Run,
    provided: Provided,
    work: &Path,
    stack: &Stack,
    logs: &Path,
) -> Result<Surroundings> {
    Ok(Surroundings {
        unit: run.unit.clone(),
        folder: root.join(&run.unit),
        provided,
        port: app::free_port()?,
        ports: RefCell::default(),
        work: work.to_owned(),
        example: run.example.folder.clone(),
        stack: stack.ready.clone(),
        logs: logs.to_owned(),
    })
}

fn report_of(
    run: &Run,
    begun: i64,
    phases: Phases,
    stack: Ready,
    scenarios: Vec<Outcome>,
) -> Report {
    Report {
        example: run.example.name.clone(),
        summary: run.example.summary.clone(),
        framework: run.framework.clone(),
        date: clock::date(begun),
        duration_ms: phases.all(),
        logs: Vec::new(),
        stack,
        phases_ms: phases,
        scenarios,
    }
}

/// What an app writes goes there, and away with it. PostgreSQL, whose user may be another one, has to reach data of its own in it.
fn work_folder(others_may_pass: bool) -> Result<tempfile::TempDir> {
    let mode = if others_may_pass { 0o711 } else { 0o700 };
    tempfile::Builder::new()
        .prefix("xtask-e2e-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
        .tempdir()
        .map_err(Error::io("create", std::env::temp_dir()))
}

fn start_stack(
    session: &mut Session,
    args: &RunArgs,
    server: DevServer,
    logs: &Path,
) -> Result<Stack> {
    match args.stack.as_str() {
        "docker" => start_docker(session, logs),
        url if url.starts_with("http") => Stack::external(url, std::env::var("DATABASE_URL").ok()),
        other => {
            let database = (other != "embedded").then_some(other);
            Stack::start(
                Stack::invocation(&server.program, server.env, database),
                &logs.join(STACK_LOG),
                &session.interrupt,
            )
        }
    }
}

/// Starts a stack that can be killed.
fn start_kept_stack(
    session: &Session,
    server: DevServer,
    work: &Path,
    logs: &Path,
) -> Result<Stack> {
    let stack = Stack::kept(
        &server.program,
        server.env,
        &work.join("pg"),
        &logs.join(STACK_LOG),
        &session.interrupt,
    )?;
    Postgres::of(&stack)?.trust_the_kernel()?;
    Ok(stack)
}

fn say_stack(session: &mut Session, stack: &Stack) {
    session.report.say(&format!(
        "stack: {}, Tasker Core {}, PostgreSQL {}, PGMQ {}, ready in {} ms",
        stack.ready.kind,
        stack.ready.core_version,
        stack.ready.postgres_version,
        stack.ready.pgmq_version,
        stack.ready.startup_ms
    ));
}

/// Words that are no stack would be taken for a database.
fn check_stack(stack: &str) -> Result<()> {
    let known = ["embedded", "docker"];
    if known.contains(&stack) || stack.contains("://") {
        return Ok(());
    }
    let suggestion = closest(stack, known);
    Err(Error::unknown(
        "stack",
        stack,
        suggestion,
        &["embedded", "docker", "a URL"],
    ))
}

/// Builds the images with the programs of this checkout, and brings the Compose file of `ops/docker/development` up.
fn start_docker(session: &mut Session, logs: &Path) -> Result<Stack> {
    let engine = Engine::find(&session.root, &session.interrupt)?;
    images::give_programs(session)?;
    let build = Build {
        tag: Some(IMAGE_TAG),
        revision: "unknown",
        given: true,
        arguments: &[],
    };
    let all = Image::all(&session.root)?;
    images::build(session, &engine, &all, &build)?;
    Stack::docker(&engine, &session.root, IMAGE_TAG, logs)
}

/// Runs the scenarios one after the other and says how each ended.
fn run_scenarios(
    session: &mut Session,
    run: &Run,
    around: &Surroundings,
    own_input: Option<String>,
    app: &mut Running,
) -> Result<Vec<Outcome>> {
    let runner = runner(&session.root, &session.interrupt, run, around, own_input);
    let mut scenarios = Vec::new();
    for scenario in &run.scenarios {
        let outcome = runner.run(scenario, app)?;
        say_outcome(session.report.as_mut(), &outcome);
        scenarios.push(outcome);
    }
    Ok(scenarios)
}

/// What scenarios run against. It borrows parts of the session, so that the report can be written meanwhile.
fn runner<'a>(
    root: &'a Path,
    interrupt: &'a Interrupt,
    run: &'a Run,
    around: &'a Surroundings,
    own_input: Option<String>,
) -> Runner<'a> {
    Runner {
        root,
        example: &run.example,
        app: run.app(),
        around,
        http: Http::new(ANSWER_PATIENCE),
        interrupt,
        own_input,
    }
}

/// Starts the app on a free port, and on another one if somebody took it in between.
fn start_app(session: &mut Session, run: &Run, around: &mut Surroundings) -> Result<Running> {
    for attempt in 1.. {
        around.port = app::free_port()?;
        let mut waiting = Waiting::new(session.report.as_mut());
        match Running::start(
            &run.example,
            run.app(),
            around,
            &session.interrupt,
            &mut waiting,
        ) {
            Err(Error::Ended { tail, .. })
                if attempt < PORT_TRIES
                    && tail
                        .iter()
                        .any(|line| line.to_lowercase().contains("address already in use")) => {}
            result => return result,
        }
    }
    unreachable!("the last attempt returns")
}

/// A folder of its own for the logs of each run, so that two at once do not meet; old ones go.
fn run_folder(session: &Session, run: &Run) -> Result<PathBuf> {
    let all = session
        .root
        .join("target/xtask/e2e")
        .join(format!("{}-{}", run.example.name, run.framework));
    std::fs::create_dir_all(&all).map_err(Error::io("create", &all))?;
    let mut old: Vec<PathBuf> = std::fs::read_dir(&all)
        .map_err(Error::io("read", &all))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_dir())
        .collect();
    old.sort();
    for path in old.iter().take(old.len().saturating_sub(KEPT_RUNS - 1)) {
        let _ = std::fs::remove_dir_all(path);
    }
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let folder = all.join(format!("{now}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    open_log(&folder.join(STACK_LOG))?;
    Ok(folder)
}

/// Copies a user's own file to where the app looks for files; gives its name.
fn place_input(run: &Run, args: &RunArgs, around: &Surroundings) -> Result<Option<String>> {
    let (Some(file), Some(input)) = (&args.input, &run.example.input) else {
        return Ok(None);
    };
    let folder = PathBuf::from(around.fill(&input.copy_to)?);
    std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    let name = file.file_name().unwrap_or_default().to_owned();
    std::fs::copy(file, folder.join(&name)).map_err(Error::io("copy", file))?;
    Ok(Some(name.to_string_lossy().into_owned()))
}

fn say_outcome(report: &mut dyn crate::report::Report, outcome: &Outcome) {
    let word = if outcome.is_ok() {
        paint::good("  ok")
    } else {
        paint::bad("FAIL")
    };
    let mut lines = vec![
        String::new(),
        format!("{word} {}  {}", outcome.name, outcome.about),
    ];
    lines.extend(
        outcome
            .chaos
            .iter()
            .map(|havoc| format!("     {}", havoc.summary())),
    );
    for task in &outcome.tasks {
        lines.push(format!(
            "     task {} {} in {:.3} s",
            task.task_uuid,
            task.status,
            timeline::length(&task.steps)
        ));
        lines.extend(
            timeline::lines(&task.steps)
                .into_iter()
                .map(|line| format!("       {line}")),
        );
    }
    lines.extend(
        outcome
            .differences
            .iter()
            .map(|difference| format!("     {} {difference}", paint::bad("not as expected:"))),
    );
    for answer in outcome.answers.iter().filter(|_| outcome.is_own_input) {
        lines.push(format!(
            "     GET {} answered {}",
            answer.path, answer.status
        ));
        let body = serde_json::to_string_pretty(&answer.body).unwrap_or_default();
        lines.extend(
            body.lines()
                .take(SHOWN_ANSWER)
                .map(|line| format!("       {line}")),
        );
    }
    report.tell(
        &lines,
        &json!({"event": "scenario", "ok": outcome.is_ok(), "outcome": outcome}),
    );
}

/// Leaves everything running until Ctrl-C.
fn hold(session: &mut Session, around: &Surroundings, app: &mut Running) -> Result<()> {
    let lines = [
        String::new(),
        "Everything keeps running (--keep). Stop it with Ctrl-C.".to_owned(),
        format!("  app       {}", around.url()),
        format!("  REST API  {}", around.stack.orchestration_url),
        format!("  database  {}", around.stack.database_url),
        format!("  logs      {}", around.logs.display()),
    ];
    session.report.tell(&lines, &json!({
        "event": "kept", "app_url": around.url(), "orchestration_url": around.stack.orchestration_url,
        "database_url": around.stack.database_url, "logs": around.logs,
    }));
    while !session.interrupt.is_set() {
        app.check_alive()?;
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn write_report(
    session: &mut Session,
    report: &mut Report,
    folder: Option<&Path>,
    logs: &Path,
) -> Result<()> {
    let folder = folder.unwrap_or(logs);
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    report.logs = links(folder, logs)?;
    let json = folder.join("report.json");
    let text = serde_json::to_string_pretty(report).expect("a report is plain data");
    std::fs::write(&json, text).map_err(Error::io("write", &json))?;
    let html = folder.join("report.html");
    std::fs::write(&html, page::render(report)).map_err(Error::io("write", &html))?;
    if folder != logs {
        let all = report.scenarios.iter();
        for name in all.flat_map(|scenario| &scenario.pictures) {
            let picture = logs.join(name);
            std::fs::copy(&picture, folder.join(name)).map_err(Error::io("copy", &picture))?;
        }
    }
    let phases = &report.phases_ms;
    let seconds = |ms: u64| format!("{:.1} s", Duration::from_millis(ms).as_secs_f64());
    let mut lines = vec![
        String::new(),
        format!(
            "provision {}, stack {}, prepare {}, app {}, scenarios {}, teardown {}",
            seconds(phases.provision),
            seconds(phases.stack),
            seconds(phases.prepare),
            seconds(phases.app),
            seconds(phases.scenarios),
            seconds(phases.teardown)
        ),
        format!("report: {}", relative(&session.root, &html).display()),
    ];
    if report.failed() > 0 {
        lines.push(format!(
            "logs:   {}",
            relative(&session.root, logs).display()
        ));
    }
    lines.push(format!(
        "scenarios: {} passed, {} failed",
        report.scenarios.len() - report.failed(),
        report.failed()
    ));
    session.report.tell(
        &lines,
        &json!({"event": "report", "json": json, "html": html, "logs": logs, "phases_ms": phases}),
    );
    Ok(())
}

/// The logs of a run as links from the folder of its report.
fn links(folder: &Path, logs: &Path) -> Result<Vec<String>> {
    let absolute = |path: &Path| path.canonicalize().map_err(Error::io("find", path));
    let (folder, logs) = (absolute(folder)?, absolute(logs)?);
    let shared = folder
        .components()
        .zip(logs.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = folder.components().skip(shared).map(|_| Path::new(".."));
    let down = logs
        .components()
        .skip(shared)
        .map(|part| Path::new(part.as_os_str()));
    let way: PathBuf = up.chain(down).collect();
    let mut names: Vec<String> = std::fs::read_dir(&logs)
        .map_err(Error::io("read", &logs))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".log"))
        .collect();
    names.sort();
    Ok(names
        .into_iter()
        .map(|name| way.join(name).display().to_string())
        .collect())
}

/// What a task of this run says to run it again.
fn again(root: &Path, run: &Run, args: &RunArgs) -> String {
    let folder = relative(root, &run.example.folder).display().to_string();
    let mut words = vec!["e2e".to_owned(), quote(&folder)];
    words.push(format!("--framework {}", quote(&run.framework)));
    if args.stack != "embedded" {
        words.push(format!("--stack {}", quote(&args.stack)));
    }
    for name in &args.scenarios {
        words.push(format!("--scenario {}", quote(name)));
    }
    words.extend(run.chaos.as_ref().map(Chaos::options));
    if let Some(file) = &args.input {
        words.push(format!("--input {}", quote(&file.display().to_string())));
    }
    words.join(" ")
}

/// Says every few seconds what a run waits for.
struct Waiting<'a> {
    report: &'a mut dyn crate::report::Report,
    since: Instant,
    said: Duration,
}

/// How often it is said what a run waits for.
const SAYS: Duration = Duration::from_secs(5);

impl<'a> Waiting<'a> {
    fn new(report: &'a mut dyn crate::report::Report) -> Self {
        Self {
            report,
            since: Instant::now(),
            said: Duration::ZERO,
        }
    }
}

impl Wait for Waiting<'_> {
    fn on(&mut self, what: &str) {
        let waited = self.since.elapsed();
        if waited >= self.said + SAYS {
            self.said = waited;
            self.report.say(&format!(
                "       waiting for {what} ({} s)",
                waited.as_secs()
            ));
        }
    }
}

/// Measures one phase after the other.
struct Clock(Instant);

impl Clock {
    fn lap(&mut self) -> u64 {
        let lap = u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0 = Instant::now();
        lap
    }
}
