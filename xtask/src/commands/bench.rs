//! `cargo xtask bench`: figures for `docs/benchmarks.md`, never a test.

use serde_json::json;

use super::e2e::DEV_SERVER;
use super::Session;
use crate::bench::Samples;
use crate::cli::{BenchCommand, DevServerArgs};
use crate::error::{Error, Result};
use crate::lang::python;
use crate::process::{capture, Invocation};
use crate::repo::Repo;
use crate::stack::Stack;

/// The folder of the measured package.
const FASTAPI: &str = "python/tasker-contrib-fastapi";

/// Runs the command.
pub fn run(session: &mut Session, command: &BenchCommand) -> Result<()> {
    session.announce()?;
    match command {
        BenchCommand::DevServer(args) => dev_server(session, args),
        BenchCommand::Fastapi => fastapi(session),
        BenchCommand::Runner(args) => super::bench_runner::run(session, args),
        BenchCommand::Template(args) => super::bench_template::run(session, args),
        BenchCommand::Release(args) => super::bench_release::run(session, args),
    }
}

/// The package's own benchmark, in its own environment, on the local stack.
fn fastapi(session: &mut Session) -> Result<()> {
    let repo = Repo::discover(&session.root)?;
    let unit = repo.unit(FASTAPI).ok_or_else(|| Error::BadFile {
        file: FASTAPI.into(),
        line: None,
        why: "the package is not in this repository".into(),
        fix: None,
    })?;
    let (environment, server) = session.prepare("bench", &repo, |planner| {
        Ok((
            python::prepare(planner, unit)?,
            super::e2e::dev_server(planner)?,
        ))
    })?;
    let python = environment.bin.join("python").display().to_string();
    let script = Invocation::new(
        repo.path(unit),
        [python.as_str(), "benchmarks/web_latency.py"],
    )
    .envs(server.env);
    let ran = capture(FASTAPI, &script, &session.interrupt)?;
    if !ran.status.success() {
        return Err(failed(session, "fastapi", &ran.text));
    }
    for line in ran.text.lines().filter(|line| line.starts_with('{')) {
        let record: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        let words = format!(
            "{:16} median {:>6} ms   99th percentile {:>6} ms   {} times that without steps",
            record["case"].as_str().unwrap_or_default(),
            record["p50_ms"],
            record["p99_ms"],
            record["p99_ratio_to_no_steps"]
        );
        session.report.tell(
            &[words],
            &json!({"event": "bench", "name": "fastapi", "result": record}),
        );
    }
    Ok(())
}

/// A benchmark's program that failed; what it said is kept in a log.
pub(super) fn failed(session: &Session, name: &str, said: &str) -> Error {
    let folder = session.logs("bench");
    let log = folder.join(format!("{name}.log"));
    let kept = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&log, said));
    match kept {
        Ok(()) => Error::ended("the benchmark", "failed", &log),
        Err(error) => Error::io("write", &log)(error),
    }
}

/// Starts the local stack again and again, with throw-away and with kept data.
fn dev_server(session: &mut Session, args: &DevServerArgs) -> Result<()> {
    let repo = Repo::discover(&session.root)?;
    let server = session.prepare("bench", &repo, super::e2e::dev_server)?;
    let scratch = kept_data_folder()?;
    let kept = scratch.path().join("data").display().to_string();
    let log = session.logs("bench").join("stack.log");
    for (name, more) in [
        ("ephemeral", Vec::new()),
        ("data-dir", vec!["--data-dir".to_owned(), kept]),
    ] {
        let mut samples = Samples::default();
        // The first start makes what later ones copy, and is no warm start.
        for round in 0..=args.runs {
            let mut invocation = Stack::invocation(&server.program, server.env.clone(), None);
            invocation.argv.extend(more.clone());
            let stack = Stack::start(invocation, &log, &session.interrupt)?;
            if round > 0 {
                #[allow(clippy::cast_precision_loss)]
                for (phase, ms) in stack
                    .ready
                    .phases_ms
                    .iter()
                    .chain([(&"total".to_owned(), &stack.ready.startup_ms)])
                {
                    samples.add(phase, *ms as f64);
                }
            }
            stack.stop();
        }
        let spreads = samples.spreads();
        let mut lines = vec![format!(
            "{DEV_SERVER} {name}: {} warm starts, milliseconds",
            args.runs
        )];
        lines.push(format!(
            "  {:10} {:>8} {:>8} {:>8}",
            "phase", "median", "min", "max"
        ));
        lines.extend(spreads.iter().map(|(phase, spread)| {
            format!(
                "  {phase:10} {:>8.0} {:>8.0} {:>8.0}",
                spread.median, spread.min, spread.max
            )
        }));
        session.report.tell(&lines, &json!({"event": "bench", "name": format!("dev-server {name}"), "unit": "ms", "phases": spreads}));
    }
    Ok(())
}

/// As root, PostgreSQL's unprivileged user must be able to pass.
fn kept_data_folder() -> Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt as _;
    tempfile::Builder::new()
        .prefix("xtask-bench-")
        .permissions(std::fs::Permissions::from_mode(0o711))
        .tempdir()
        .map_err(Error::io("create", std::env::temp_dir()))
}
