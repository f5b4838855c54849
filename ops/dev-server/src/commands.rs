//! The short commands: `reset`, `psql` and `config`.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crate::cli::{ConfigArgs, PsqlArgs, ResetArgs};
use crate::config::{self, Stack};
use crate::datadir::DataDir;
use crate::error::StackError;
use crate::rundir::{self, Instance};

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
        "{} is empty; the next `tasker-dev up --data-dir` fills it.",
        dir.path().display()
    )?;
    Ok(())
}

/// Becomes psql on the database of a running stack.
pub fn psql(args: &PsqlArgs) -> anyhow::Result<()> {
    let instance = find(args.data_dir.as_deref(), "")?;
    let error = Command::new("psql")
        .arg(&instance.database_url)
        .args(&args.args)
        .exec();
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
            crate::database::check_url(database)?;
            (database.clone(), orchestration.clone())
        }
        _ => {
            let instance = find(
                args.data_dir.as_deref(),
                ", or pass --database-url and --orchestration-url",
            )?;
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

fn find(data_dir: Option<&Path>, alternative: &'static str) -> anyhow::Result<Instance> {
    let wanted = data_dir.map(std::path::absolute).transpose()?;
    let mut running = rundir::running()?;
    if wanted.is_some() {
        running.retain(|instance| instance.data_dir == wanted);
    }
    match running.len() {
        1 => Ok(running.remove(0)),
        0 => Err(StackError::NoInstance {
            hint: wanted
                .map(|path| format!(" on {}", path.display()))
                .unwrap_or_default(),
            alternative,
        }
        .into()),
        _ => Err(StackError::ManyInstances {
            list: lines(&running),
        }
        .into()),
    }
}

fn lines(instances: &[Instance]) -> String {
    let line = |instance: &Instance| {
        let data = instance
            .data_dir
            .as_ref()
            .map_or("ephemeral".to_owned(), |path| path.display().to_string());
        format!(
            "  process {}: {} ({data})",
            instance.pid, instance.orchestration_url
        )
    };
    instances.iter().map(line).collect::<Vec<_>>().join("\n")
}
