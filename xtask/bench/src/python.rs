//! `bench fastapi`: the package's own benchmark.

use serde_json::json;
use xtask::lang;

use anyhow::{Context as _, Result};
use xtask::commands::shared::session::Session;
use xtask::e2e::stack::dev_server;
use xtask::lang::python;
use xtask::process::{capture, Invocation};

/// The folder of the measured package.
const FASTAPI: &str = "python/tasker-contrib-fastapi";

/// The package's own benchmark, in its own environment, on the local stack.
pub fn run(session: &mut Session) -> Result<()> {
    let repo = lang::discover(&session.root)?;
    let unit = repo
        .unit(FASTAPI)
        .with_context(|| format!("{FASTAPI} is not in this repository"))?;
    let (environment, server) = session.prepare("bench", &repo, |planner| {
        Ok((python::prepare(planner, unit)?, dev_server(planner)?))
    })?;
    let python = environment.bin.join("python").display().to_string();
    let script = Invocation::new(
        repo.path(unit),
        [python.as_str(), "benchmarks/web_latency.py"],
    )
    .envs(server.env);
    let ran = capture(FASTAPI, &script, &session.interrupt)?;
    if !ran.status.success() {
        return Err(crate::failed::failed(session, "fastapi", &ran.text));
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
