//! `bench fastapi`: the package's own benchmark.

use anyhow::Result;
use xtask::commands::shared::session::Session;

/// The folder of the measured package.
const FASTAPI: &str = "python/tasker-contrib-fastapi";

/// A route beside steps.
pub fn run(session: &mut Session) -> Result<()> {
    let script = ["benchmarks/web_latency.py".to_owned()];
    crate::script::run(session, "fastapi", FASTAPI, &script, |record| {
        format!(
            "{:16} median {:>6} ms   99th percentile {:>6} ms   {} times that without steps",
            record["case"].as_str().unwrap_or_default(),
            record["p50_ms"],
            record["p99_ms"],
            record["p99_ratio_to_no_steps"]
        )
    })
}
