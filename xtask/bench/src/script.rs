//! Benchmarks that are Python scripts of a package: in its own environment, on the local stack.

use anyhow::{Context as _, Result};
use serde_json::{json, Value};
use xtask::commands::shared::session::Session;
use xtask::e2e::stack::dev_server;
use xtask::lang::{self, python};
use xtask::process::{capture, Invocation};

/// Runs a script that prints a JSON object for each case, and says each one in words.
pub fn run(
    session: &mut Session,
    name: &str,
    unit: &str,
    script: &[String],
    words: impl Fn(&Value) -> String,
) -> Result<()> {
    let repo = lang::discover(&session.root)?;
    let found = repo
        .unit(unit)
        .with_context(|| format!("{unit} is not in this repository"))?;
    let (environment, server) = session.prepare("bench", &repo, |planner| {
        Ok((python::prepare(planner, found)?, dev_server(planner)?))
    })?;
    let python = environment.bin.join("python").display().to_string();
    let script = Invocation::new(
        repo.path(found),
        std::iter::once(&python).chain(script).cloned(),
    )
    .envs(server.env);
    let ran = capture(unit, &script, &session.interrupt)?;
    if !ran.status.success() {
        return Err(crate::failed::failed(session, name, &ran.text));
    }
    for line in ran.text.lines().filter(|line| line.starts_with('{')) {
        let record: Value = serde_json::from_str(line).unwrap_or_default();
        session.report.tell(
            &[words(&record)],
            &json!({"event": "bench", "name": name, "result": record}),
        );
    }
    Ok(())
}
