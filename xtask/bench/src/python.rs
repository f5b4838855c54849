//! `bench fastapi`, `bench django` and `bench delivery`: benchmarks of the packages and of an example.

use anyhow::{Context as _, Result};
use serde_json::{json, Map, Value};
use xtask::commands::shared::session::Session;
use xtask::e2e::stack::dev_server;
use xtask::lang;
use xtask::lang::python;
use xtask::process::{capture, Invocation};

/// What is measured of a package.
pub struct Package {
    name: &'static str,
    folder: &'static str,
    /// In the folder `benchmarks`.
    scripts: &'static [&'static str],
}

pub const FASTAPI: Package = Package {
    name: "fastapi",
    folder: "python/tasker-contrib-fastapi",
    scripts: &["web_latency.py"],
};

pub const DJANGO: Package = Package {
    name: "django",
    folder: "python/tasker-contrib-django",
    scripts: &["dispatch.py"],
};

/// A page beside a worker, of a Django application that is one.
pub const APPROVALS: Package = Package {
    name: "django",
    folder: "examples/approval-system/django",
    scripts: &["page_latency.py"],
};

/// Runs the scripts in the package's environment, on the local stack, and prints a line for each case.
pub fn run(session: &mut Session, package: &Package) -> Result<()> {
    let scripts = package.scripts.iter();
    let scripts = scripts.map(|script| vec![format!("benchmarks/{script}")]);
    measure(session, package, scripts)
}

/// The same for scripts with their arguments.
pub fn measure(
    session: &mut Session,
    package: &Package,
    scripts: impl IntoIterator<Item = Vec<String>>,
) -> Result<()> {
    let repo = lang::discover(&session.root)?;
    let unit = repo
        .unit(package.folder)
        .with_context(|| format!("{} is not in this repository", package.folder))?;
    let (environment, server) = session.prepare("bench", &repo, |planner| {
        Ok((python::prepare(planner, unit)?, dev_server(planner)?))
    })?;
    let python = environment.bin.join("python").display().to_string();
    for script in scripts {
        let words = std::iter::once(python.clone()).chain(script);
        let script = Invocation::new(repo.path(unit), words).envs(server.env.clone());
        let ran = capture(package.folder, &script, &session.interrupt)?;
        if !ran.status.success() {
            return Err(crate::failed::failed(session, package.name, &ran.text));
        }
        for line in ran.text.lines().filter(|line| line.starts_with('{')) {
            let record: Map<String, Value> = serde_json::from_str(line).unwrap_or_default();
            session.report.tell(
                &[in_words(&record)],
                &json!({"event": "bench", "name": package.name, "result": record}),
            );
        }
    }
    Ok(())
}

/// The case, then every figure with its name.
fn in_words(record: &Map<String, Value>) -> String {
    let case = record.get("case").and_then(Value::as_str);
    let mut words = format!("{:16}", case.unwrap_or_default());
    for (name, figure) in record.iter().filter(|(name, _)| *name != "case") {
        words += &format!("   {name} {figure}");
    }
    words
}
