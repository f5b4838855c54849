//! `bench release`: how long a plan takes to compute, and a whole release beside a script that makes the same uploads.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;
use xtask::lang;

use serde_json::json;

use crate::spread::Samples;
use anyhow::{anyhow, Context as _, Result};
use xtask::commands::shared::session::Session;
use xtask::process::{capture, Invocation};
use xtask::release::plan::{plan, Seen};
use xtask::release::units;
use xtask::version::{check, packages};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many units the trees have whose plan is computed.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "10,100,1000", value_parser = clap::value_parser!(u16).range(1..10_000))]
    sizes: Vec<u16>,
    /// How often each thing is measured.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Leave out the whole releases, which take registries and minutes.
    #[arg(long)]
    plan_only: bool,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    for size in &args.sizes {
        plan_of(session, usize::from(*size), args.runs)?;
    }
    if args.plan_only {
        return Ok(());
    }
    whole(session, args.runs)
}

/// Everything between the manifests and the plan; what registries say takes as long as they take.
fn plan_of(session: &mut Session, size: usize, runs: u16) -> Result<()> {
    let scratch = tempfile::tempdir()
        .with_context(|| format!("cannot create {}", std::env::temp_dir().display()))?;
    let root = scratch.path();
    write_tree(root, size)?;
    let mut samples = Samples::default();
    let mut steps = 0;
    for _ in 0..runs {
        let started = Instant::now();
        let mut before = started;
        let mut lap = |samples: &mut Samples, name: &str| {
            let now = Instant::now();
            samples.add(name, (now - before).as_secs_f64() * 1e3);
            before = now;
        };
        let packages = packages(root, &lang::ecosystems())?;
        let repo = lang::discover(root)?;
        lap(&mut samples, "1 read");
        let drifts = check::drifts(root, &packages, &lang::ecosystems())?.len();
        lap(&mut samples, "2 check");
        let chosen: Vec<usize> = (0..packages.len()).collect();
        let units = units::units(&packages, &chosen, &repo.units)?;
        lap(&mut samples, "3 order");
        let seen = vec![Seen::NOTHING; units.len()];
        let plan =
            plan(&units, &seen).map_err(|_| anyhow!("{drifts} versions do not fit together"))?;
        lap(&mut samples, "4 plan");
        samples.add("total", started.elapsed().as_secs_f64() * 1e3);
        steps = plan.len();
    }
    let spreads = samples.spreads();
    let mut line = format!("{size} units, {steps} steps, {runs} runs, milliseconds (median, min):");
    for (name, spread) in &spreads {
        // Writing to a string cannot fail.
        let _ = write!(line, "  {name} {:.1} {:.1}", spread.median, spread.min);
    }
    let record = json!({"event": "bench", "name": format!("release plan {size}"), "result": {"unit": "ms", "phases": spreads}});
    session.report.tell(&[line], &record);
    Ok(())
}

/// Packages of three ecosystems in turn, each of which builds on two earlier ones of its own.
fn write_tree(root: &Path, size: usize) -> Result<()> {
    let file = |path: String, text: &str| {
        let path = root.join(path);
        let folder = path.parent().unwrap_or(root);
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", Path::new(folder).display()))?;
        std::fs::write(&path, text)
            .with_context(|| format!("cannot write {}", Path::new(&path).display()))
    };
    file("xtask/tools.toml".into(), "")?;
    for unit in 0..size {
        let (group, place) = (unit % 3, unit / 3);
        let mut uses = vec![place / 2 * 3 + group, place / 3 * 3 + group];
        uses.retain(|used| *used < unit);
        uses.dedup();
        let list = |write: &dyn Fn(usize) -> String| {
            uses.iter().map(|used| write(*used)).collect::<Vec<_>>()
        };
        let folder = format!("units/u{unit:04}");
        match group {
            0 => file(
                format!("{folder}/Cargo.toml"),
                &format!(
                    "[package]\nname = \"u{unit}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n{}\n",
                    list(&|used| format!("u{used} = {{ path = \"../u{used:04}\", version = \"0.1\" }}")).join("\n")
                ),
            )?,
            1 => file(
                format!("{folder}/pyproject.toml"),
                &format!(
                    "[build-system]\nrequires = []\n\n[project]\nname = \"u{unit}\"\nversion = \"0.1.0\"\ndependencies = [{}]\n",
                    list(&|used| format!("\"u{used}>=0.1,<0.2\"")).join(", ")
                ),
            )?,
            _ => file(
                format!("{folder}/package.json"),
                &format!(
                    "{{\"name\": \"u{unit}\", \"version\": \"0.1.0\", \"dependencies\": {{{}}}}}\n",
                    list(&|used| format!("\"u{used}\": \"^0.1.0\"")).join(", ")
                ),
            )?,
        }
    }
    Ok(())
}

/// The harness of the proof has the registries, so this is a program beside it.
fn whole(session: &mut Session, runs: u16) -> Result<()> {
    let words = [
        "cargo",
        "test",
        "--quiet",
        "--package",
        "xtask",
        "--test",
        "release_bench",
        "--",
    ];
    let mut bench = Invocation::new(&session.root, words);
    bench.argv.push(runs.to_string());
    let ran = capture("bench", &bench, &session.interrupt)?;
    if !ran.status.success() {
        return Err(crate::failed::failed(session, "release", &ran.text));
    }
    for line in ran.text.lines().filter(|line| line.starts_with('{')) {
        let record: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        let words = format!(
            "{:34} median {:>6.2} s   min {:>6.2} s   {:.2} times the script",
            record["case"].as_str().unwrap_or_default(),
            record["median_s"].as_f64().unwrap_or_default(),
            record["min_s"].as_f64().unwrap_or_default(),
            record["ratio"].as_f64().unwrap_or_default(),
        );
        session.report.tell(
            &[words],
            &json!({"event": "bench", "name": "release", "result": record}),
        );
    }
    Ok(())
}
