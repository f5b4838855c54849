//! `bench dev-server`: warm starts of the local stack.

use serde_json::json;
use xtask::lang;

use anyhow::{Context as _, Result};
use xtask::commands::shared::session::Session;
use xtask::e2e::stack::{dev_server, Stack, DEV_SERVER};

use crate::spread::Samples;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many starts are measured.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

/// Starts the local stack again and again, with throw-away and with kept data.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    let repo = lang::discover(&session.root)?;
    let server = session.prepare("bench", &repo, dev_server)?;
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
        session.report.tell(&lines, &json!({"event": "bench", "name": format!("dev-server {name}"), "result": {"unit": "ms", "phases": spreads}}));
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
        .with_context(|| format!("cannot create {}", std::env::temp_dir().display()))
}
