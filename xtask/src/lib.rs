//! The repository's tool. `cargo xtask` builds, tests and lints every unit of the repository with the unit's own tools.
//!
//! `docs/architecture/xtask.md` has the layers.
//!
//! A command computes a [`plan::Plan`] without touching anything; [`run::run`] executes it through [`apply`]; reporters
//! subscribe to the events. Work that must hold a running process uses [`process::ChildGroup`].

mod apply;
mod archive;
mod cache;
pub mod cli;
mod clock;
pub mod commands;
mod contract;
mod docker;
pub mod e2e;
mod environment;
pub mod error;
mod file;
pub mod git;
mod http;
pub mod interrupt;
pub mod lang;
mod layout;
mod order;
pub mod plan;
pub mod plugin;
pub mod process;
pub mod prove;
mod publish;
pub mod release;
pub mod repo;
pub mod report;
pub mod run;
mod tables;
pub mod tasker_core;
pub mod tools;
pub mod unit;
pub mod version;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use commands::shared::session::Session;

/// Parses the command line, runs the command, prints a failure, and gives the exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if process::guard::answered(args.iter().cloned()) {
        return ExitCode::SUCCESS;
    }
    let cli = cli::Cli::parse_from(args);
    let style = report::Style {
        json: cli.json,
        quiet: cli.quiet,
        logs: cli.show_logs,
        aside: false,
    };
    let core = if cli.command.replaces_core() {
        Some(tasker_core::PUBLISHED)
    } else {
        cli.core.as_deref()
    };
    let result = Session::open(cli.root.as_deref(), core, style).map_or_else(
        |error| {
            report::choose(style, std::path::Path::new("")).error(&error);
            Err(error)
        },
        |mut session| {
            session.command_line = cli::Cli::command;
            let result = cli.command.run(&mut session);
            if let Err(error) = &result {
                session.report.error(error);
            }
            result
        },
    );
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(error.exit_code()),
    }
}
