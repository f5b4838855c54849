//! One program for everything that is deployed: the web process, the worker, the relay, and the commands of a deployment.

use std::process::ExitCode;

use app::settings::Settings;
use app::{logs, programs, telemetry};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Takes in documents", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answers requests. It creates tasks and runs no steps
    Web,
    /// Runs the steps
    Worker,
    /// Creates the tasks whose rows are in the outbox. Any number of relays may run
    Relay,
    /// Brings the tables up to date: a step of the deployment, and never of a start
    Migrate,
    /// Adds somebody who may sign in; the password is the first line of the standard input
    AddUser {
        email: String,
        /// They may answer reviews
        #[arg(long)]
        reviewer: bool,
    },
    /// Asks the program that runs beside it whether it is ready, for a container's health check
    Health,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // For development; an image has no such file. What is set already stays.
    let _ = dotenvy::from_path(".env");
    match Settings::from_env()
        .map_err(|error| error.to_string())
        .and_then(|settings| run(cli.command, &settings))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, settings: &Settings) -> Result<(), String> {
    if matches!(command, Command::Health) {
        return programs::health(settings);
    }
    // Before the runtime, because the exporter of spans has threads of its own.
    let telemetry = telemetry::start(std::env::var(telemetry::VARIABLE).ok().as_deref())?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let ended = runtime.block_on(async {
        match command {
            Command::Migrate => return programs::migrate(settings).await,
            Command::AddUser { email, reviewer } => {
                return programs::add_user(settings, &email, reviewer).await;
            }
            _ => logs::install(settings.log_level, telemetry.as_ref()),
        }
        let ended = match command {
            Command::Web => programs::web(settings).await,
            Command::Worker => programs::worker(settings).await,
            _ => programs::relay(settings).await,
        };
        ended.inspect_err(|error| tracing::error!("{error}"))
    });
    if let Some(telemetry) = telemetry {
        telemetry.stop();
    }
    ended
}
