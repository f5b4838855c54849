//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Runs Tasker on this machine in one command, without Docker.
#[derive(Debug, Parser)]
#[command(name = "tasker-dev", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The examples below the help, with the words that start this program.
pub fn examples(words: &str) -> String {
    [
        ("up", "a throw-away stack on free ports"),
        (
            "up --data-dir .tasker-data",
            "the same, but the data is kept",
        ),
        ("psql", "psql on the running stack"),
        (
            "config worker > worker.toml",
            "a configuration for a worker of the running stack",
        ),
        (
            "migrate --check",
            "whether the database at DATABASE_URL is up to date",
        ),
    ]
    .iter()
    .fold("Examples:".to_owned(), |text, (arguments, does)| {
        format!("{text}\n  {words} {arguments:<28} {does}")
    })
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start PostgreSQL with PGMQ, migrate, and run the orchestration server until Ctrl-C
    Up(UpArgs),
    /// Empty a data directory made by `up --data-dir`
    Reset(ResetArgs),
    /// Open psql on a running stack
    Psql(PsqlArgs),
    /// Print a complete configuration file for a worker or another server of a running stack
    Config(ConfigArgs),
    /// Bring a database up to Tasker's schema: PGMQ and Core's migrations
    Migrate(MigrateArgs),
    /// Ask a running server whether it is ready; ends with 0 if it is
    Health(HealthArgs),
    /// Write the files of the extension PGMQ into a folder, for images
    #[command(name = "__extension", hide = true)]
    Extension {
        /// The folder; `extension_control_path` finds them in its folder `extension`
        folder: PathBuf,
    },
    /// Run PostgreSQL for another tasker-dev process
    #[command(name = "__guard", hide = true)]
    Guard,
}

/// Options of `up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// Keep the data in this directory [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR", conflicts_with = "database_url")]
    pub data_dir: Option<PathBuf>,
    /// Port of the REST API on 127.0.0.1; 0 for a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    /// Also serve the gRPC API, on this port of 127.0.0.1; 0 for a free one
    #[arg(long, value_name = "PORT")]
    pub grpc_port: Option<u16>,
    /// Port of PostgreSQL on 127.0.0.1; 0 for a free one
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 0,
        conflicts_with = "database_url"
    )]
    pub pg_port: u16,
    /// Use (and migrate) this database instead of starting one: postgresql://user:password@host:port/database
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Directory of the PostgreSQL 18 programs `initdb` and `postgres`
    #[arg(long, value_name = "DIR", env = "TASKER_DEV_POSTGRES_BIN")]
    pub postgres_bin: Option<PathBuf>,
    /// Leave the database as Core has it: nothing brings back what a killed process leaves behind, or restarts a server that no longer listens
    #[arg(long)]
    pub no_recovery: bool,
    /// Print one line of JSON to stdout when ready, instead of the banner
    #[arg(long)]
    pub json: bool,
    /// Also stop when standard input ends, so that the stack does not outlive the program that holds the other end
    #[arg(long)]
    pub until_stdin_ends: bool,
    /// Least severe log level shown on stderr
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = LogLevel::Warn)]
    pub log_level: LogLevel,
}

/// Severity of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum LogLevel {
    /// Nothing but errors.
    Error,
    /// Warnings too.
    Warn,
    /// What the server does.
    Info,
    /// How it does it.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The level as the logging filter spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Options of `reset`.
#[derive(Debug, Args)]
pub struct ResetArgs {
    /// The data directory to empty
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,
}

/// Which of several running stacks is meant.
#[derive(Debug, Args)]
pub struct StackArgs {
    /// The stack that uses this data directory
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The stack whose REST API is on this port [default: the stack that TASKER_ORCHESTRATION_URL or DATABASE_URL points at, else the one
    /// that was started in this checkout]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
}

/// Options of `psql`.
#[derive(Debug, Args)]
pub struct PsqlArgs {
    #[command(flatten)]
    pub stack: StackArgs,
    /// Arguments for psql, after `--`
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<String>,
}

/// Options of `config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// Which process the file is for
    #[arg(value_enum)]
    pub role: Role,
    #[command(flatten)]
    pub stack: StackArgs,
    /// Use this database instead of the one of a running stack
    #[arg(long, value_name = "URL", requires = "orchestration_url", conflicts_with_all = ["data_dir", "port"])]
    pub database_url: Option<String>,
    /// Use this server instead of the one of a running stack
    #[arg(long, value_name = "URL", requires = "database_url")]
    pub orchestration_url: Option<String>,
}

/// Options of `migrate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done, or nothing to do; 1 failed or refused; 3 with --check, if something is to be done"
)]
pub struct MigrateArgs {
    /// The database: postgresql://user:password@host:port/database
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// How PGMQ gets into the database; `auto` takes the extension if the server offers it, else the SQL that this program carries
    #[arg(long, value_enum, default_value_t = PgmqChoice::Auto)]
    pub pgmq: PgmqChoice,
    /// Wait up to so many seconds for the database to accept connections
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub wait: u64,
    /// Change nothing; say what is to be done, and end with 3 if that is anything
    #[arg(long)]
    pub check: bool,
    /// Print one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// Where PGMQ comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PgmqChoice {
    /// What the server allows.
    Auto,
    /// `CREATE EXTENSION pgmq`.
    Extension,
    /// The same SQL, without an extension.
    Sql,
}

/// Options of `health`.
#[derive(Debug, Args)]
pub struct HealthArgs {
    /// The server; a URL with a path is asked as it is
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub timeout: u64,
}

/// The two kinds of process that read Core's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// A worker: `[common]` and `[worker]`.
    Worker,
    /// The server: `[common]` and `[orchestration]`.
    Orchestration,
}
