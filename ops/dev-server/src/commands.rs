//! The short commands: `reset`, `psql` and `config`.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use clap::ValueEnum as _;

use crate::choice::{choose, Surroundings, Wanted};
use crate::cli::{ConfigArgs, PsqlArgs, ResetArgs, StackArgs};
use crate::config::{self, Stack};
use crate::datadir::DataDir;
use crate::error::StackError;
use crate::invocation::typed;
use crate::rundir::{self, Instance};
use crate::{database, environment};

/// Empties a data directory.
pub fn reset(args: &ResetArgs) -> anyhow::Result<()> {
    if !args.data_dir.is_dir() {
        let path = args.data_dir.clone();
        return Err(StackError::NoDataDir { path }.into());
    }
    let dir = DataDir::take(&args.data_dir)?;
    dir.empty()?;
    writeln!(
        std::io::stdout(),
        "{path} is empty now; the next `{up}` fills it.",
        path = dir.path().display(),
        up = typed("up --data-dir")
    )?;
    Ok(())
}

/// Becomes psql on the database of a running stack.
pub fn psql(args: &PsqlArgs) -> anyhow::Result<()> {
    let instance = find(&args.stack, "psql")?;
    let mut command = Command::new("psql");
    command.arg(&instance.database_url).args(&args.args);
    for name in environment::of_libpq() {
        command.env_remove(name);
    }
    let error = command.exec();
    if error.kind() == std::io::ErrorKind::NotFound {
        return Err(StackError::NoPsql {
            url: instance.database_url,
        }
        .into());
    }
    Err(error.into())
}

/// Prints a configuration file.
pub fn config(args: &ConfigArgs) -> anyhow::Result<()> {
    let (database_url, orchestration_url) = match (&args.database_url, &args.orchestration_url) {
        (Some(database), Some(orchestration)) => {
            database::check_url(database)?;
            (database.clone(), orchestration.clone())
        }
        _ => {
            let role = args.role.to_possible_value();
            let role = role.as_ref().map_or("", |role| role.get_name());
            let instance = find(&args.stack, &format!("config {role}"))?;
            (instance.database_url, instance.orchestration_url)
        }
    };
    let text = config::render(
        args.role,
        &Stack {
            database_url: &database_url,
            orchestration_url: &orchestration_url,
            grpc_address: None,
        },
    )?;
    write!(std::io::stdout(), "{text}")?;
    Ok(())
}

fn find(args: &StackArgs, command: &str) -> anyhow::Result<Instance> {
    let wanted = Wanted {
        data_dir: args
            .data_dir
            .as_deref()
            .map(std::path::absolute)
            .transpose()?,
        port: args.port,
    };
    let running = rundir::running()?;
    Ok(choose(running, &wanted, &Surroundings::here()?, command)?)
}
