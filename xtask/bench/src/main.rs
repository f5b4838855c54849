//! The measurements of `docs/benchmarks.md`; `cargo xtask bench …` passes its arguments on to this program.

mod delivery;
mod dev_server;
mod failed;
mod program;
mod python;
mod release;
mod runner;
mod spread;
mod template;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::commands::shared::session::Session;
use xtask::error::Error;
use xtask::process::guard;
use xtask::report::Style;

/// Measure something and print median, least and greatest.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask bench",
    bin_name = "cargo xtask bench",
    arg_required_else_help = true,
    after_help = "Examples:\n  cargo xtask bench dev-server\n  cargo xtask bench dev-server --runs 30 --json"
)]
struct Cli {
    /// Print one JSON object a line instead of text.
    #[arg(long, global = true)]
    json: bool,
    /// Print only failures and the closing lines.
    #[arg(long, short, global = true)]
    quiet: bool,
    /// The repository [default: the nearest parent folder with xtask/tools.toml].
    #[arg(long, global = true, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Tasker Core for this run: a checkout's folder, or `published` [default: what `core use` chose].
    #[arg(long, global = true, value_name = "PATH|published")]
    core: Option<String>,
    #[command(subcommand)]
    what: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Warm starts of the local stack, by phase.
    DevServer(dev_server::Args),
    /// Time of a task, steps a second, and steps that ran twice, by delivery and number of worker processes.
    Delivery(delivery::Args),
    /// Latency of a FastAPI route with the worker inside the web process, with the worker apart, and without steps.
    Fastapi,
    /// What a step costs in Core's own loop, in a FastAPI worker and in a Django worker; latency of a page of the approval example with the worker apart.
    Django,
    /// A run in which nothing has to be done, and the question what a change affects: xtask, turbo, moon and nx on generated trees.
    Runner(runner::Args),
    /// Proving plugins with parallel tasks, against the same commands one after the other, and when nothing has changed.
    Template(template::Args),
    /// Computing the plan of a release, and a whole release to registries on loopback beside a script of the same uploads.
    Release(release::Args),
}

fn main() -> ExitCode {
    if guard::answered(std::env::args_os()) {
        return ExitCode::SUCCESS;
    }
    let cli = Cli::parse();
    let style = Style {
        json: cli.json,
        quiet: cli.quiet,
        logs: false,
        aside: false,
    };
    let ended = Session::open(cli.root.as_deref(), cli.core.as_deref(), style)
        .map_err(Into::into)
        .and_then(|mut session| run(&mut session, &cli.what));
    let Err(error) = ended else {
        return ExitCode::SUCCESS;
    };
    eprintln!("error: {error:#}");
    error
        .downcast_ref::<Error>()
        .map_or(ExitCode::FAILURE, |error| error.exit_code().into())
}

fn run(session: &mut Session, what: &Bench) -> Result<()> {
    session.announce()?;
    match what {
        Bench::DevServer(args) => dev_server::run(session, args),
        Bench::Delivery(args) => delivery::run(session, args),
        Bench::Fastapi => python::run(session, &python::FASTAPI),
        Bench::Django => {
            python::run(session, &python::DJANGO)?;
            python::run(session, &python::APPROVALS)
        }
        Bench::Runner(args) => runner::run(session, args),
        Bench::Template(args) => template::run(session, args),
        Bench::Release(args) => release::run(session, args),
    }
}
