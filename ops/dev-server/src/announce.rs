//! What `up` prints when the stack is ready.

use std::io::Write as _;

use crate::ready::Ready;

/// One line of JSON, for programs.
pub fn json(ready: &Ready) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer(&mut stdout, ready)?;
    writeln!(stdout)?;
    stdout.flush()?;
    Ok(())
}

/// A banner, for people.
pub fn banner(ready: &Ready, args: &crate::cli::UpArgs) -> anyhow::Result<()> {
    let data = match (&args.data_dir, &args.database_url) {
        (Some(path), _) => format!("kept in {}", path.display()),
        (None, Some(_)) => "kept in your database".to_owned(),
        (None, None) => "temporary; removed at the end".to_owned(),
    };
    let mut stdout = std::io::stdout().lock();
    let grpc = match &ready.grpc_url {
        Some(url) => format!("\n  gRPC API    {url}"),
        None => String::new(),
    };
    // Safe for several workers only with the guards of recovery.
    let delivery = if ready.recovery {
        " TASKER_WORKER__DELIVERY=Hybrid"
    } else {
        ""
    };
    writeln!(
        stdout,
        "Tasker {core} is ready ({ms} ms)\n\n  \
         REST API    {api}\n  \
         API docs    {api}/api-docs/ui{grpc}\n  \
         Database    {database}\n  \
         Data        {data}\n  \
         Runs on     PostgreSQL {postgres}, PGMQ {pgmq}\n\n\
         Point an application at it:\n\n  \
         export TASKER_ORCHESTRATION_URL={api} DATABASE_URL={database}{delivery}\n\n\
         Tables that it creates without a schema land in schema `tasker`, beside Tasker's own. For a schema of your own, create\n\
         it and append ?options=-csearch_path%3DSCHEMA to the URL of the application's own connections.\n\n\
         Stop it with Ctrl-C.",
        core = ready.core_version,
        ms = ready.startup_ms,
        api = ready.orchestration_url,
        database = ready.database_url,
        postgres = ready.postgres_version,
        pgmq = ready.pgmq_version,
    )?;
    stdout.flush()?;
    Ok(())
}
