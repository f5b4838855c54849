//! The repository's tool. `cargo xtask` builds, tests and lints every unit of the repository with the unit's own tools.
//!
//! ```text
//! cli        the command line            commands   one file per command
//! repo       units and their graph       lang       one file per ecosystem
//! plan       what would be done          apply      the only code that does it
//! git        what changed                cache      results that need not be computed again
//! run        the scheduler               report     what people and programs see of it
//! tools      pinned tools                contract   tables → constants of each language
//! core       which Tasker Core           
//! stack      the local stack             e2e        examples, run for real
//! version    versions and changelogs   release    one release of every ecosystem
//! ```
//!
//! A command computes a [`plan::Plan`] without touching anything; [`run::run`] executes it through [`apply`]; reporters
//! subscribe to the events. Work that must hold a running process uses [`process::ChildGroup`].

pub mod apply;
pub mod cache;
pub mod cli;
pub mod commands;
pub mod contract;
pub mod core;
pub mod e2e;
pub mod environment;
pub mod error;
pub mod file;
pub mod git;
pub mod http;
pub mod interrupt;
pub mod lang;
pub mod plan;
pub mod process;
pub mod release;
pub mod repo;
pub mod report;
pub mod run;
pub mod stack;
pub mod template;
pub mod tools;
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
        Some(core::PUBLISHED)
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
