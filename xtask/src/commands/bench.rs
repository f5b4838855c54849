//! `bench`: passed on to the package `xtask-bench`, so that measuring is no part of this program.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::shared::session::Session;
use crate::error::{Error, Result};
use crate::tasker_core::PUBLISHED;

/// Measure something and print median, minimum and maximum; `bench --help` lists what.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    #[arg(
        value_name = "ARGUMENT",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    words: Vec<OsString>,
}

/// Becomes `cargo run` of the benchmarks.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    let xtask = std::env::current_exe().map_err(Error::io("find", "xtask"))?;
    let mut command = Command::new("cargo");
    command
        .args(["run", "--quiet", "--manifest-path"])
        .arg(session.root.join("Cargo.toml"))
        .args(["--package", "xtask-bench", "--", "--root"])
        .arg(&session.root)
        .env("XTASK", xtask);
    command.arg("--core").arg(match session.core.checkout()? {
        Some(checkout) => checkout.root.as_os_str(),
        None => PUBLISHED.as_ref(),
    });
    for (flag, is_set) in [
        ("--json", session.style.json),
        ("--quiet", session.style.quiet),
    ] {
        if is_set {
            command.arg(flag);
        }
    }
    Err(Error::io("start", "cargo")(
        command.args(&args.words).exec(),
    ))
}
