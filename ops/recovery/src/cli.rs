//! The command line.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Brings Tasker's tasks to their end after a worker, the server or PostgreSQL was killed.
#[derive(Debug, Parser)]
#[command(
    name = "tasker-recovery",
    version,
    about,
    after_help = "Example:\n  tasker-recovery run --install --database-url postgresql://tasker:tasker@127.0.0.1:5432/tasker"
)]
pub struct Cli {
    /// Tasker's database, not through a connection pooler: postgresql://user:password@host:port/database
    #[arg(
        long,
        global = true,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        default_value = "postgresql://tasker:tasker@127.0.0.1:5432/tasker"
    )]
    pub database_url: String,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add the schema tasker_contrib to the database, or update it; refuses a database that it does not know
    Install,
    /// Remove everything that `install` has added
    Uninstall,
    /// Recover until SIGTERM or Ctrl-C; of several processes one works at a time
    Run(RunArgs),
    /// Look once
    Pass(PassArgs),
    /// Say who works, what is open and what was recovered
    Status,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Install or update the schema first
    #[arg(long)]
    pub install: bool,
    /// Where /live, /ready and /metrics are
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9187")]
    pub listen: String,
    #[command(flatten)]
    pub times: TimeArgs,
}

/// Options of `pass`.
#[derive(Debug, Args)]
pub struct PassArgs {
    /// Print what a pass would do, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub times: TimeArgs,
}

/// How long to wait for what: a number with s, m, h or d.
#[derive(Debug, Args)]
pub struct TimeArgs {
    /// Time between two passes
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = time)]
    pub interval: Duration,
    /// A worker without a session for this long is dead
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub grace: Duration,
    /// What has not moved for this long is compared with the queues
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = time)]
    pub settle: Duration,
    /// How long after its timeout_seconds a step of a living worker is given up
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub margin: Duration,
    /// The same for a step without timeout_seconds, from its claim
    #[arg(long, value_name = "TIME", default_value = "25m", value_parser = time)]
    pub lease: Duration,
    /// How often a step may lose its worker before it ends as failed
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    pub max_losses: u32,
    /// Delete PGMQ's archived messages of Tasker's queues after this time; 0 keeps them
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = time)]
    pub keep_archives: Duration,
}

fn time(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[number.len()..] {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        other => {
            return Err(format!(
                "unknown unit `{other}`; write a number with s, m, h or d, such as 15s"
            ))
        }
    };
    let number: f64 = number
        .parse()
        .map_err(|_| "write a number with s, m, h or d, such as 15s".to_owned())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{time, Cli};
    use clap::CommandFactory as _;
    use std::time::Duration;

    #[test]
    fn times_have_units() {
        for (text, seconds) in [
            ("2s", 2),
            ("25m", 1500),
            ("7d", 604_800),
            ("0", 0),
            ("1h", 3600),
        ] {
            assert_eq!(time(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert!(time("1w").unwrap_err().contains("unknown unit `w`"));
        assert!(time("soon").is_err());
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
