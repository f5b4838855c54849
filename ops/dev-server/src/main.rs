//! `tasker-dev`: Tasker on one machine, in one command.
//!
//! `up` starts PostgreSQL 18 with PGMQ, migrates, and runs Core's orchestration server in this process. See the README for the whole story.

mod announce;
mod cache;
mod choice;
mod cli;
mod commands;
mod config;
mod contract;
mod database;
mod datadir;
mod environment;
mod error;
mod files;
mod fingerprint;
mod health;
mod invocation;
mod logging;
mod migrate;
mod ports;
mod postgres;
mod ready;
mod recovery;
mod rundir;
mod server;
mod up;

use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::cli::{Cli, Command, UpArgs};
use crate::error::StackError;

fn main() -> ExitCode {
    let started = Instant::now();
    let done = |()| ExitCode::SUCCESS;
    let result = match arguments().command {
        Command::Up(args) => up(args, started).map(done),
        Command::Reset(args) => commands::reset(&args).map(done),
        Command::Psql(args) => commands::psql(&args).map(done),
        Command::Config(args) => commands::config(&args).map(done),
        Command::Migrate(args) => block_on(migrate::run(&args)),
        Command::Health(args) => block_on(health::run(&args)).map(done),
        Command::Extension { folder } => postgres::install_extension(&folder)
            .map(|_| ExitCode::SUCCESS)
            .map_err(Into::into),
        Command::Guard => postgres::guard::run().map(done),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            // A reader that went away must not turn a message into a panic.
            let _ = match error.downcast_ref::<StackError>() {
                Some(known) => writeln!(std::io::stderr(), "error: {known}"),
                None => writeln!(std::io::stderr(), "error: {error:#}"),
            };
            ExitCode::FAILURE
        }
    }
}

/// For commands that do one thing after the other.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// The command line; help and usage show the words that started this program.
fn arguments() -> Cli {
    let words = invocation::typed("");
    let command = Cli::command()
        .bin_name(&words)
        .after_help(cli::examples(&words));
    Cli::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
}

fn up(args: UpArgs, started: Instant) -> anyhow::Result<()> {
    environment::relax_umask();
    if args.database_url.is_none() {
        environment::forget_libpq();
    }
    logging::to_stderr(args.log_level);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(up::run(args, started));
    // Core's web server has no stop of its own; do not wait for its tasks.
    runtime.shutdown_background();
    result
}
