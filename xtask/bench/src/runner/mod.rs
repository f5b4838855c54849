//! `bench runner`: what a run costs in which nothing has to be done, and what the question costs what a change affects: xtask, turbo, moon
//! and nx, one after the other, again and again, on the same generated trees.

mod tree;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use xtask::lang;

use serde_json::json;

use crate::spread::{spread, Spread};
use anyhow::{bail, Context as _, Result};
use xtask::commands::shared::session::Session;
use xtask::error::Error;
use xtask::process::{capture, Invocation};
use xtask::run::cpu_of_children;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many units the trees have.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "6,100,1000", value_parser = clap::value_parser!(u16).range(1..10_000))]
    sizes: Vec<u16>,
    /// How often each command is measured on each tree.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

/// Versions and checksums of the peers.
const PEERS: &str = "xtask/bench/peers";
/// Where they are installed.
const INSTALLED: &str = ".xtask/bench/peers";

const AFFECTED: &str = "affected";
/// The same after a file was edited since the last question.
const EDITED: &str = "after edit";
const XTASK_AFFECTED: &str = "ci matrix --affected main";
const TURBO_AFFECTED: &str = "ls --affected";

/// A command of one of the runners.
struct Case {
    question: &'static str,
    runner: &'static str,
    argv: Vec<String>,
}

/// Wall and CPU time of every measurement, in milliseconds.
type Measured = BTreeMap<(&'static str, &'static str), (Vec<f64>, Vec<f64>)>;

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    let peers = install(session)?;
    let bun = bun(session)?;
    let mut growth: BTreeMap<&str, Vec<(usize, f64)>> = BTreeMap::new();
    for units in args.sizes.iter().map(|units| usize::from(*units)) {
        let scratch = tempfile::Builder::new()
            .prefix("xtask-bench-")
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir()
            .with_context(|| format!("cannot create {}", std::env::temp_dir().display()))?;
        let root = scratch.path().join("repo");
        tree::write(&root, units, &peers, &bun.0)?;
        let cases = cases(&peers)?;
        // Nothing is known of tests after an edit, so these come last.
        let (edited, cases): (Vec<Case>, Vec<Case>) =
            cases.into_iter().partition(|case| case.question == EDITED);
        let mut measured = measure(session, &root, &cases, &bun.1, args.runs, None)?;
        let file = tree::changed(&root, units);
        measured.extend(measure(
            session,
            &root,
            &edited,
            &bun.1,
            args.runs,
            Some(&file),
        )?);
        let _ = start(
            &root,
            &[
                peers.join("node_modules/.bin/nx").display().to_string(),
                "daemon".into(),
                "--stop".into(),
            ],
            &bun.1,
        )
        .run();
        tell(session, units, args.runs, &measured, floor(&root)?);
        for ((question, runner), (wall, _)) in &measured {
            if let (&"no-op test", Some(spread)) = (question, spread(wall)) {
                growth
                    .entry(runner)
                    .or_default()
                    .push((units, spread.median));
            }
        }
    }
    tell_growth(session, &growth);
    Ok(())
}

/// Installs the peers by their lock file, unless they are there.
fn install(session: &Session) -> Result<PathBuf> {
    let folder = session.root.join(INSTALLED);
    let lock = "package-lock.json";
    let wanted = std::fs::read(session.root.join(PEERS).join(lock)).with_context(|| {
        format!(
            "cannot read {}",
            Path::new(&session.root.join(PEERS)).display()
        )
    })?;
    if std::fs::read(folder.join(lock)).ok() == Some(wanted)
        && folder.join("node_modules/.bin/nx").exists()
    {
        return Ok(folder);
    }
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", Path::new(&folder).display()))?;
    for name in ["package.json", lock] {
        std::fs::copy(session.root.join(PEERS).join(name), folder.join(name)).with_context(
            || {
                format!(
                    "cannot copy {}",
                    Path::new(&session.root.join(PEERS).join(name)).display()
                )
            },
        )?;
    }
    let npm = Invocation::new(
        &folder,
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    );
    let ran = capture("bench", &npm, &session.interrupt)?;
    if ran.status.success() {
        return Ok(folder);
    }
    bail!(
        "turbo, moon and nx of {PEERS} cannot be installed: {}
  fix: run it with a network connection",
        ran.text
    )
}

/// The pinned bun, with which turbo starts scripts: its version and the folder of the program. npm would take a second for each.
fn bun(session: &mut Session) -> Result<(String, PathBuf)> {
    let repo = lang::discover(&session.root)?;
    let (tool, _) = session.prepare("bench", &repo, |planner| planner.tool("bun"))?;
    let folder = tool
        .program()
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default();
    Ok((tool.version, folder))
}

fn cases(peers: &Path) -> Result<Vec<Case>> {
    let own = crate::program::xtask()?.display().to_string();
    let case = |question: &'static str, runner: &'static str, words: &str| {
        let program = match runner {
            "xtask" => own.clone(),
            _ => program(peers, runner).display().to_string(),
        };
        let argv = std::iter::once(program)
            .chain(words.split(' ').map(str::to_owned))
            .collect();
        Case {
            question,
            runner,
            argv,
        }
    };
    Ok(vec![
        case("no-op test", "xtask", "test --quiet"),
        case("no-op test", "turbo", "run test --output-logs=none"),
        case("no-op test", "moon", "run :test --quiet"),
        case("no-op test", "nx", "run-many -t test --outputStyle=static"),
        case(AFFECTED, "xtask", XTASK_AFFECTED),
        case(AFFECTED, "turbo", TURBO_AFFECTED),
        case(AFFECTED, "moon", "query affected --downstream deep"),
        case(AFFECTED, "nx", "show projects --affected --base=main"),
        // xtask remembers the answer before; turbo is the fastest of the others.
        case(EDITED, "xtask", XTASK_AFFECTED),
        case(EDITED, "turbo", TURBO_AFFECTED),
    ])
}

/// A peer's program. turbo and moon are native ones, which their packages start through Node; without it they are faster.
fn program(peers: &Path, runner: &str) -> PathBuf {
    let modules = peers.join("node_modules");
    let native = match runner {
        "turbo" => modules.join("@turbo/linux-64/bin/turbo"),
        "moon" => modules.join("@moonrepo/core-linux-x64-gnu/moon"),
        _ => PathBuf::new(),
    };
    if native.is_file() {
        native
    } else {
        modules.join(".bin").join(runner)
    }
}

/// Warms every command twice, then measures all of them in turn, each after a change of the edited file if there is one.
fn measure(
    session: &Session,
    root: &Path,
    cases: &[Case],
    bun: &Path,
    runs: u32,
    edited: Option<&Path>,
) -> Result<Measured> {
    let mut measured = Measured::new();
    for round in 0..runs + 2 {
        for case in cases {
            if session.interrupt.is_set() {
                return Err(Error::Interrupted.into());
            }
            if let Some(file) = edited {
                let text = format!("edited = \"{} {round}\"\n", case.runner);
                std::fs::write(file, text)
                    .with_context(|| format!("cannot write {}", Path::new(file).display()))?;
            }
            let (begun, cpu) = (Instant::now(), cpu_of_children());
            let output = start(root, &case.argv, bun)
                .run()
                .with_context(|| format!("cannot start {}", Path::new(&case.argv[0]).display()))?;
            let (wall, cpu) = (begun.elapsed(), cpu_of_children().saturating_sub(cpu));
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stdout);
                return Err(crate::failed::failed(session, case.runner, &said));
            }
            if round >= 2 {
                let (walls, cpus) = measured.entry((case.question, case.runner)).or_default();
                walls.push(milliseconds(wall));
                cpus.push(milliseconds(cpu));
            }
        }
    }
    Ok(measured)
}

/// Both streams are kept for the log of a failure.
fn start(root: &Path, argv: &[String], bun: &Path) -> duct::Expression {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths(std::iter::once(bun.to_owned()).chain(std::env::split_paths(&path)))
            .unwrap_or(path);
    duct::cmd(&argv[0], &argv[1..])
        .dir(root)
        .env("PATH", path)
        .env("TURBO_TELEMETRY_DISABLED", "1")
        .env("DO_NOT_TRACK", "1")
        .env("NX_NO_CLOUD", "true")
        .env("MOON_BASE", "main")
        .env("MOON_HEAD", "work")
        .env("TURBO_SCM_BASE", "main")
        .env("CI", "")
        .stdin_null()
        .stderr_to_stdout()
        .stdout_capture()
        .unchecked()
}

/// What nobody can be faster than: a process that ends at once, reading the index, one `stat` per file. In milliseconds.
fn floor(root: &Path) -> Result<f64> {
    let mut best = f64::MAX;
    for _ in 0..10 {
        let begun = Instant::now();
        Command::new("true")
            .status()
            .with_context(|| format!("cannot start {}", Path::new("true").display()))?;
        xtask::git::files::look_at_index(root);
        best = best.min(milliseconds(begun.elapsed()));
    }
    Ok(best)
}

fn tell(session: &mut Session, units: usize, runs: u32, measured: &Measured, floor: f64) {
    let mut lines = vec![
        String::new(),
        format!("{units} units, {runs} runs each, interleaved; milliseconds"),
        format!(
            "  {:12} {:6} {:>9} {:>9} {:>9} {:>9}  xtask is",
            "question", "runner", "wall min", "median", "CPU min", "median"
        ),
    ];
    for ((question, runner), (wall, cpu)) in measured {
        let (Some(wall), Some(cpu)) = (spread(wall), spread(cpu)) else {
            continue;
        };
        let own = measured
            .get(&(*question, "xtask"))
            .and_then(|(wall, _)| spread(wall));
        let ratio = own.map_or(0.0, |own: Spread| own.median / wall.median);
        lines.push(format!(
            "  {question:12} {runner:6} {:>9.1} {:>9.1} {:>9.1} {:>9.1}  {ratio:.3} of it",
            wall.min, wall.median, cpu.min, cpu.median
        ));
        let record = json!({"event": "bench", "name": "runner", "result": {"units": units, "question": question, "runner": runner, "wall_ms": wall, "cpu_ms": cpu, "ratio": ratio}});
        session.report.tell(&[], &record);
    }
    lines.push(format!("  floor (process, index, stat): {floor:.1} ms"));
    session.report.tell(
        &lines,
        &json!({"event": "bench", "name": "runner floor", "result": {"units": units, "wall_ms": floor}}),
    );
}

#[allow(clippy::cast_precision_loss)]
fn tell_growth(session: &mut Session, growth: &BTreeMap<&str, Vec<(usize, f64)>>) {
    for (runner, points) in growth {
        if let (Some((few, short)), Some((many, long))) = (points.first(), points.last()) {
            if many > few {
                let each = (long - short) / (many - few) as f64;
                let line = format!("{runner}: {each:.3} ms more per unit from {few} to {many} units (no-op test, medians)");
                session.report.tell(&[line], &json!({"event": "bench", "name": "runner growth", "result": {"runner": runner, "ms_per_unit": each}}));
            }
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
