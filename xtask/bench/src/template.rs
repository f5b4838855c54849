//! `bench template`: proving plugins with parallel tasks, against the same commands one after the other.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::spread::{spread, Samples};
use anyhow::{bail, Context as _, Result};
use xtask::commands::shared::session::Session;
use xtask::error::Error;
use xtask::lang::{self, Job};
use xtask::plugin::Plugin;
use xtask::process::{capture, Invocation};
use xtask::prove::plan::{add, read_spec};
use xtask::prove::Choice;
use xtask::repo::Repo;
use xtask::run::{self, Options};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this plugin, by name or folder; may be repeated.
    #[arg(long = "plugin", value_name = "PLUGIN")]
    plugins: Vec<String>,
    /// How many runs are measured, each way.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

/// The run in parallel that finds nothing of earlier ones.
const COLD: &str = "cold";
/// Where checks keep what makes them faster the next time, relative to the repository.
const CACHES: &str = "target/xtask/templates";

/// Measures each plugin alone, and all together if there are several.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    let repo = lang::discover(&session.root)?;
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
            &json!({"event": "bench", "name": format!("template {name}"), "result": {"unit": "s", "phases": spreads, "ratio": ratio}}),
        );
    }
    unchanged(session, args)
}

/// Removes what the plugins' checks keep from run to run, such as mypy's cache. What cargo has compiled of dependencies stays: that would
/// be a measurement of Tasker Core's size.
fn forget(root: &Path) -> Result<()> {
    let kept = root.join(CACHES);
    match std::fs::remove_dir_all(&kept) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", kept.display()))
        }
        _ => Ok(()),
    }
}

/// One whole run in a fresh folder.
fn once(session: &mut Session, repo: &Repo, plugins: &[Plugin], jobs: usize) -> Result<Duration> {
    let scratch = tempfile::Builder::new()
        .prefix("xtask-templates-")
        .tempdir()
        .with_context(|| format!("cannot create {}", std::env::temp_dir().display()))?;
    let logs = session.logs("bench");
    let mut planner = lang::planner(repo, &session.tools, &session.core, "bench template", &logs);
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
        return Err(Error::Interrupted.into());
    }
    match summary.tasks.iter().find(|task| task.error.is_some()) {
        None => Ok(took),
        Some(task) => bail!("{} failed; log: {}", task.id, task.log.display()),
    }
}

/// `template test` when everything is as it was when it passed.
fn unchanged(session: &mut Session, args: &Args) -> Result<()> {
    let xtask = crate::program::xtask()?;
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
            return Err(crate::failed::failed(session, "template", &ran.text));
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
            &json!({"event": "bench", "name": "template unchanged", "result": {"unit": "ms", "phases": {"total": it}}}),
        );
    }
    Ok(())
}
