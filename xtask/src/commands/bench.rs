//! `cargo xtask bench`: figures for `docs/benchmarks.md`, never a test.

use serde_json::json;

use super::e2e::DEV_SERVER;
use super::Session;
use crate::bench::Samples;
use crate::cli::{BenchCommand, DevServerArgs};
use crate::error::{Error, Result};
use crate::repo::Repo;
use crate::stack::Stack;

/// Runs the command.
pub fn run(session: &mut Session, command: &BenchCommand) -> Result<()> {
    match command {
        BenchCommand::DevServer(args) => dev_server(session, args),
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
