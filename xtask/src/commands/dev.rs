//! `dev`: builds the local stack's program and becomes it.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::shared::session::Session;
use crate::e2e::stack::{dev_server, DevServer};
use crate::error::{Error, Result};
use crate::lang;
use crate::report;

/// Run the local stack: builds tasker-dev if it has changed, and passes all arguments on; `dev` alone prints its help.
#[derive(Debug, clap::Args)]
#[command(
    disable_help_flag = true,
    after_help = "Examples:\n  cargo xtask dev up\n  cargo xtask dev up --data-dir .tasker-data\n  cargo xtask dev psql"
)]
pub struct Args {
    #[arg(
        value_name = "ARGUMENT",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    words: Vec<OsString>,
}

/// Becomes `tasker-dev`, so that Ctrl-C and the exit code are its own.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    let server = build(session)?;
    let mut command = Command::new(&server.program);
    command
        .envs(server.env)
        .env("TASKER_DEV_COMMAND", "cargo xtask dev");
    if args.words.is_empty() {
        command.arg("--help");
    }
    Err(Error::io("start", &server.program)(
        command.args(&args.words).exec(),
    ))
}

/// Standard output is for `tasker-dev` alone: its answers are read by other programs.
fn build(session: &mut Session) -> Result<DevServer> {
    session.style.aside = true;
    session.report = report::choose(session.style, &session.root);
    let repo = lang::discover(&session.root)?;
    session.prepare("dev", &repo, |planner| {
        planner.rerun = Some("dev".to_owned());
        dev_server(planner)
    })
}
