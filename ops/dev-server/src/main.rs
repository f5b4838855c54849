//! `tasker-dev`: Tasker on one machine, in one command.
//!
//! `up` starts PostgreSQL 18 with PGMQ, migrates, and runs Core's orchestration server in this process. See the README for the whole story.

mod announce;
mod cache;
mod cli;
mod commands;
mod config;
mod contract;
mod database;
mod datadir;
mod error;
mod files;
mod fingerprint;
mod ports;
mod postgres;
mod rundir;
mod server;
mod up;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, LogLevel, UpArgs};
use crate::error::StackError;

fn main() -> ExitCode {
    let started = Instant::now();
    let result = match Cli::parse().command {
        Command::Up(args) => up(args, started),
        Command::Reset(args) => commands::reset(&args),
        Command::Psql(args) => commands::psql(&args),
        Command::Config(args) => commands::config(&args),
        Command::Guard => postgres::guard::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
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

fn up(args: UpArgs, started: Instant) -> anyhow::Result<()> {
    log_to_stderr(args.log_level);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(up::run(args, started));
    // Core's web server has no stop of its own; do not wait for its tasks.
    runtime.shutdown_background();
    result
}

/// Standard output belongs to the ready line, so logs go to standard error.
fn log_to_stderr(level: LogLevel) {
    // Core's pollers wait inside the database on purpose, which the driver reports as slow statements.
    let driver = if level >= LogLevel::Debug {
        "warn"
    } else {
        "off"
    };
    let filter = EnvFilter::new(format!(
        "{level},sqlx={driver},hyper=warn,h2=warn",
        level = level.as_str()
    ));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| -> Box<dyn std::io::Write> {
            if STOPPING.load(Ordering::Relaxed) {
                Box::new(std::io::sink())
            } else {
                Box::new(std::io::stderr())
            }
        })
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
}

/// Set when the stack is being taken down. Core's pollers then report each connection they lose, which is no news.
pub static STOPPING: AtomicBool = AtomicBool::new(false);
