//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::commands::Command;

const EXAMPLES: &str = "\
Examples:
  cargo xtask setup                       fetch the tools that are missing
  cargo xtask doctor                      list every tool: wanted, found, required or optional
  cargo xtask test                        run the tests of every unit
  cargo xtask test --unit ops/dev-server  run those of one unit
  cargo xtask test --affected             run those that changes since main can affect
  cargo xtask lint --lang python          lint the Python units and check their formatting
  cargo xtask dev up                      start PostgreSQL and Tasker's server on this machine
  cargo xtask e2e examples/etl-pipeline   run an example end to end
  cargo xtask codegen --check             are the generated constants up to date?";

/// Builds, tests and lints every unit of this repository with the unit's own tools.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Cli {
    /// Print one JSON object a line instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print only failures and the closing lines.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// The repository [default: the nearest parent folder with xtask/tools.toml].
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Tasker Core for this run: a checkout's folder, or `published` [default: what `core use` chose].
    #[arg(long, global = true, value_name = "PATH|published")]
    pub core: Option<String>,
    /// Print the log of every task, also of cached ones [default: only of failed ones].
    #[arg(long, global = true)]
    pub show_logs: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}
