//! `bench template`: proving plugins with parallel tasks, against the same commands one after the other.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::Session;
use crate::bench::{spread, Samples};
use crate::cli::BenchTemplateArgs;
use crate::error::{Error, Result};
use crate::lang::{Job, Planner};
use crate::process::{capture, Invocation};
use crate::repo::Repo;
use crate::run::{self, Options};
use crate::template::plan::{add, read_spec};
use crate::template::{Choice, Plugin};

/// The run in parallel that finds nothing of earlier ones.
const COLD: &str = "cold";
/// Where checks keep what makes them faster the next time, relative to the repository.
const CACHES: &str = "target/xtask/templates";

/// Measures each plugin alone, and all together if there are several.
pub fn run(session: &mut Session, args: &BenchTemplateArgs) -> Result<()> {
    let repo = Repo::discover(&session.root)?;
    let choice = Choice {
        plugins: args.plugins.clone(),
        templates: Vec::new(),
    };
    let plugins = choice.of(&repo)?;
    // Environments and programs that the checks need are made, and caches filled, by a run that is not measured.
    let cores = Options::default().jobs;
    once(session, &repo, &plugins, cores)?;
    let mut groups: Vec<(String, &[Plugin])> = plugins
        .iter()
        .map(|plugin| (plugin.folder.clone(), std::slice::from_ref(plugin)))
        .collect();
    if plugins.len() > 1 {
        groups.push(("all plugins".to_owned(), &plugins));
    }
    for (name, plugins) in groups {
        let mut samples = Samples::default();
        for _ in 0..args.runs {
            // Turn by turn, so that whatever else the machine does meets both.
            for (way, jobs) in [("loop", 1), ("parallel", cores), (COLD, cores)] {
                if way == COLD {
                    forget(&session.root)?;
                }
                let took = once(session, &repo, plugins, jobs)?;
                samples.add(way, took.as_secs_f64());
            }
        }
        let spreads = samples.spreads();
        let ratio = spreads["loop"].median / spreads["parallel"].median;
        let line = |way: &str| {
            let it = spreads[way];
            format!(
                "  {way:9} median {:6.2} s   min {:6.2} s   max {:6.2} s",
                it.median, it.min, it.max
            )
        };
        session.report.tell(
            &[
                format!("{name}: {} runs, {} cores", args.runs, cores),
                line("loop"),
                line("parallel"),
                line(COLD),
                format!("  {ratio:.2} times faster than the loop"),
            ],
            &json!({"event": "bench", "name": format!("template {name}"), "unit": "s", "phases": spreads, "ratio": ratio}),
        );
    }
    unchanged(session, args)
}

/// Removes what the plugins' checks keep from run to run, such as mypy's cache. What cargo has compiled of dependencies stays: that would
/// be a measurement of Tasker Core's size.
fn forget(root: &Path) -> Result<()> {
    let kept = root.join(CACHES);
    match std::fs::remove_dir_all(&kept) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", &kept)(error)),
        _ => Ok(()),
    }
}

/// One whole run in a fresh folder.
fn once(session: &mut Session, repo: &Repo, plugins: &[Plugin], jobs: usize) -> Result<Duration> {
    let scratch = tempfile::Builder::new()
        .prefix("xtask-templates-")
        .tempdir()
        .map_err(Error::io("create", std::env::temp_dir()))?;
    let logs = session.logs("bench");
    let mut planner = Planner::new(repo, &session.tools, &session.core, "bench template", &logs);
    for plugin in plugins {
        add(
            &mut planner,
            plugin,
            &read_spec(plugin)?,
            scratch.path(),
            false,
        )?;
    }
    let started = Instant::now();
    let summary = run::run(
        &session.root,
        &planner.plan,
        &Options {
            jobs,
            ..Options::default()
        },
        &session.interrupt,
        &mut |_| {},
    );
    let took = started.elapsed();
    if summary.interrupted {
        return Err(Error::Interrupted);
    }
    match summary.tasks.iter().find(|task| task.error.is_some()) {
        None => Ok(took),
        Some(task) => Err(Error::ended(&task.id, "failed", &task.log)),
    }
}

/// `template test` when everything is as it was when it passed.
fn unchanged(session: &mut Session, args: &BenchTemplateArgs) -> Result<()> {
    let xtask = std::env::current_exe().map_err(Error::io("find", "xtask"))?;
    let mut argv = vec![
        xtask.display().to_string(),
        "template".to_owned(),
        Job::Test.name().to_owned(),
    ];
    for plugin in &args.plugins {
        argv.extend(["--plugin".to_owned(), plugin.clone()]);
    }
    let command = Invocation::new(&session.root, argv);
    let mut times = Vec::new();
    for round in 0..=args.runs.max(10) {
        let started = Instant::now();
        let ran = capture("bench", &command, &session.interrupt)?;
        if !ran.status.success() {
            let log = session.logs("bench").join("template.log");
            std::fs::write(&log, &ran.text).map_err(Error::io("write", &log))?;
            return Err(Error::ended("`template test`", "failed", &log));
        }
        // The first one may still have something to prove.
        if round > 0 {
            times.push(started.elapsed().as_secs_f64() * 1000.0);
        }
    }
    if let Some(it) = spread(&times) {
        session.report.tell(
            &[format!(
                "nothing changed: median {:.0} ms, min {:.0} ms, max {:.0} ms",
                it.median, it.min, it.max
            )],
            &json!({"event": "bench", "name": "template unchanged", "unit": "ms", "phases": {"total": it}}),
        );
    }
    Ok(())
}
