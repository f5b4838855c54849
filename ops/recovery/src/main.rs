//! `tasker-recovery`: see the README.

mod cli;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use tasker_recovery::{http, install, run, status, uninstall, Error, Monitor, Pass, Settings};
use tokio::signal::unix::{signal, SignalKind};

use crate::cli::{Cli, Command, RunArgs, TimeArgs};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new("info,sqlx=off"))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
    match execute(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A reader that went away must not turn a message into a panic.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn execute(cli: Cli) -> Result<(), Error> {
    let url = cli.database_url;
    match cli.command {
        Command::Install => {
            install(&url).await?;
            say("recovery is installed; `tasker-recovery run` does the work.\n");
        }
        Command::Uninstall => {
            uninstall(&url).await?;
            say("recovery is uninstalled; nothing of it is left.\n");
        }
        Command::Status => say(&status(&url).await?.to_string()),
        Command::Pass(args) => pass(&url, &args.times.settings(), args.dry_run).await?,
        Command::Run(args) => run_until_signal(&url, &args).await?,
    }
    Ok(())
}

async fn pass(url: &str, settings: &Settings, dry_run: bool) -> Result<(), Error> {
    settings.check()?;
    match Pass::once(url, settings, dry_run).await? {
        None => say("another process works at this moment; try again.\n"),
        Some(rows) if rows.is_empty() => say("nothing to recover.\n"),
        Some(rows) => rows.iter().for_each(|row| say(&format!("{row}\n"))),
    }
    // A worker must be missed by several passes before it is dead; one pass alone cannot know.
    let missing = status(url).await?.claims_without_worker;
    if missing > 0 {
        say(&format!("{missing} steps are without their worker; passes of `tasker-recovery run` recover them after {} s.\n", settings.grace.as_secs()));
    }
    Ok(())
}

async fn run_until_signal(url: &str, args: &RunArgs) -> Result<(), Error> {
    let settings = args.times.settings();
    let monitor = Monitor::new();
    let listener = http::bind(&args.listen).await?;
    if args.install {
        install(url).await?;
    }
    // Port 0 takes a free one.
    let address = listener
        .local_addr()
        .map_or_else(|_| args.listen.clone(), |address| address.to_string());
    tracing::info!("health and metrics on http://{address}");
    tokio::select! {
        result = run(url, &settings, &monitor, stop()) => result,
        result = http::serve(listener, monitor.clone(), &settings) => {
            result.map_err(|why| Error::Listen { address: args.listen.clone(), why })
        }
    }
}

async fn stop() {
    let mut terminate = signal(SignalKind::terminate()).expect("a process may handle SIGTERM");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

fn say(text: &str) {
    let _ = write!(std::io::stdout(), "{text}");
}

impl TimeArgs {
    fn settings(&self) -> Settings {
        Settings {
            interval: self.interval,
            grace: self.grace,
            settle: self.settle,
            margin: self.margin,
            lease: self.lease,
            max_losses: self.max_losses,
            keep_archives: (!self.keep_archives.is_zero()).then_some(self.keep_archives),
            ..Settings::default()
        }
    }
}
