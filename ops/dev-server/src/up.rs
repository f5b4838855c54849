//! `tasker-dev up`: brings the stack up, says so, and takes it down.

use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::signal::unix::{signal, Signal, SignalKind};
use tokio::sync::oneshot;

use crate::cli::UpArgs;
use crate::datadir::DataDir;
use crate::postgres::{self, Cluster, Durability, Programs, RunAs};
use crate::ready::{Phases, Ready};
use crate::recovery::Recovery;
use crate::rundir::{Instance, RunDir};
use crate::server::Server;
use crate::{announce, cache, database, files, logging, ports};

const PG_PORT: &str = "--pg-port";

/// Runs until a signal comes or a part of the stack dies.
pub async fn run(args: UpArgs, started: Instant) -> anyhow::Result<()> {
    ports::check(args.port, "--port")?;
    if args.data_dir.is_none() {
        ports::check(args.pg_port, PG_PORT)?;
    }
    ports::check(args.grpc_port.unwrap_or(0), "--grpc-port")?;
    let mut stop = StopSignals::listen(args.until_stdin_ends)?;
    let stack = tokio::select! {
        stack = Stack::start(&args, started) => stack?,
        () = stop.next() => return Ok(()),
    };
    let said = if args.json {
        announce::json(&stack.ready)
    } else {
        announce::banner(&stack.ready, &args)
    };
    if let Err(error) = said {
        tracing::warn!("nobody reads our output: {error}");
    }
    #[cfg(debug_assertions)]
    assert!(
        std::env::var_os("TASKER_DEV_PANIC").is_none(),
        "panicking because TASKER_DEV_PANIC is set"
    );
    stack.hold(stop).await
}

struct Stack {
    ready: Ready,
    server: Server,
    recovery: Option<Recovery>,
    database: Database,
    run_dir: RunDir,
    _data_dir: Option<DataDir>,
}

/// Who runs the database.
enum Database {
    Ours(Box<Cluster>),
    Theirs,
}

impl Stack {
    async fn start(args: &UpArgs, started: Instant) -> anyhow::Result<Self> {
        let mut clock = Clock(Instant::now());
        let mut phases = Phases::default();
        if let Some(url) = &args.database_url {
            database::check_url(url)?;
            database::check_external(url).await?;
        }
        let run_dir = RunDir::create()?;
        let (database, data_dir, url) = match &args.database_url {
            Some(url) => (Database::Theirs, None, url.clone()),
            None => start_database(args, &run_dir, &mut clock, &mut phases).await?,
        };
        let started_stack = async {
            match &database {
                Database::Theirs => database::migrate(&url, database::Whose::Theirs).await?,
                // A copy of the ready-made directory is migrated; kept data may be older than this program.
                Database::Ours(_) if data_dir.is_some() => {
                    database::migrate(&url, database::Whose::Ours).await?
                }
                Database::Ours(_) => {}
            }
            let versions = database::versions(&url).await?;
            phases.migrate = clock.lap();
            let (server, recovery) = tokio::join!(
                Server::start(&url, args.port, args.grpc_port, run_dir.path()),
                Recovery::start(&url, !args.no_recovery),
            );
            phases.server = clock.lap();
            anyhow::Ok((versions, server?, recovery))
        }
        .await;
        let (versions, server, recovery) = match started_stack {
            Ok(parts) => parts,
            Err(error) => {
                database.stop().await;
                return Err(error);
            }
        };
        let ready = Ready {
            orchestration_url: server.url.clone(),
            grpc_url: server.grpc_url.clone(),
            database_url: url,
            postgres_version: versions.postgres,
            pgmq_version: versions.pgmq,
            core_version: env!("TASKER_CORE_VERSION"),
            recovery: recovery.is_some(),
            startup_ms: millis(started),
            phases_ms: phases,
        };
        run_dir.announce(&Instance {
            pid: std::process::id(),
            orchestration_url: ready.orchestration_url.clone(),
            database_url: ready.database_url.clone(),
            data_dir: data_dir.as_ref().map(|dir| dir.path().to_owned()),
            started_in: std::env::current_dir().unwrap_or_default(),
            held: args.until_stdin_ends,
        })?;
        Ok(Self {
            ready,
            server,
            recovery,
            database,
            run_dir,
            _data_dir: data_dir,
        })
    }

    /// Waits for a signal or for the end of PostgreSQL, and takes everything down.
    async fn hold(mut self, mut stop: StopSignals) -> anyhow::Result<()> {
        let failure = loop {
            tokio::select! {
                () = stop.next() => break None,
                error = self.database.unexpected_end() => break Some(error),
                () = deaf(self.recovery.as_ref()) => {}
            }
            tracing::warn!("the server no longer listens for messages, as after an outage of the database: it is restarted");
            let restart = self
                .server
                .restart(&self.ready.database_url, self.run_dir.path());
            tokio::select! {
                () = stop.next() => break None,
                result = restart => if let Err(error) = result {
                    tracing::warn!("the server did not start again, and will be tried again: {error:#}");
                },
            }
        };
        logging::stack_is_stopping();
        let down = async {
            self.server.stop().await;
            self.database.stop().await;
        };
        tokio::select! {
            () = down => {}
            // A second signal: leave at once, the guard does the rest.
            () = stop.next() => {}
        }
        failure.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// Ends when the server must be restarted.
async fn deaf(recovery: Option<&Recovery>) {
    match recovery {
        Some(recovery) => recovery.server_is_deaf().await,
        None => std::future::pending().await,
    }
}

impl Database {
    async fn unexpected_end(&mut self) -> crate::error::StackError {
        match self {
            Self::Ours(cluster) => cluster.unexpected_end().await,
            Self::Theirs => std::future::pending().await,
        }
    }

    async fn stop(self) {
        if let Self::Ours(cluster) = self {
            if let Err(error) = cluster.stop().await {
                tracing::warn!("{error:#}");
            }
        }
    }
}

async fn start_database(
    args: &UpArgs,
    run_dir: &RunDir,
    clock: &mut Clock,
    phases: &mut Phases,
) -> anyhow::Result<(Database, Option<DataDir>, String)> {
    let run_as = RunAs::detect()?;
    let programs = run_as.reachable_programs(
        Programs::find(args.postgres_bin.as_deref())?,
        &cache::folder()?,
    )?;
    if let Some(path) = &args.data_dir {
        // Before the directory is made: one that PostgreSQL cannot use should not be left behind.
        run_as.check_reach(&std::path::absolute(path)?)?;
    }
    let data_dir = args.data_dir.as_deref().map(DataDir::take).transpose()?;
    let pgdata = match &data_dir {
        Some(dir) => kept_data(dir, args.pg_port, &programs, &run_as, run_dir).await?,
        None => ephemeral_data(&programs, &run_as, run_dir).await?,
    };
    phases.data = clock.lap();
    let durability = match data_dir {
        Some(_) => Durability::Full,
        None => Durability::None,
    };
    let remove = vec![run_dir.path().to_owned()];
    let cluster = Cluster::start(
        &programs,
        &run_as,
        &pgdata,
        args.pg_port,
        durability,
        run_dir,
        remove,
    )
    .await?;
    phases.postgres = clock.lap();
    let url = postgres::url(cluster.port, postgres::DATABASE);
    Ok((Database::Ours(Box::new(cluster)), data_dir, url))
}

async fn ephemeral_data(
    programs: &Programs,
    run_as: &RunAs,
    run_dir: &RunDir,
) -> anyhow::Result<PathBuf> {
    let pgdata = run_dir.path().join("pgdata");
    run_as.check_reach(&pgdata)?;
    copy_ready_made(programs, run_as, run_dir, &pgdata).await?;
    Ok(pgdata)
}

async fn kept_data(
    dir: &DataDir,
    port: u16,
    programs: &Programs,
    run_as: &RunAs,
    run_dir: &RunDir,
) -> anyhow::Result<PathBuf> {
    let pgdata = dir.pgdata();
    run_as.check_reach(&pgdata)?;
    postgres::wait_for_predecessor(&pgdata).await?;
    // Only now: the PostgreSQL of a tasker-dev that was killed listens until it has ended, usually on the same port.
    ports::check(port, PG_PORT)?;
    if !dir.holds_data(&programs.major())? {
        copy_ready_made(programs, run_as, run_dir, &pgdata).await?;
        dir.mark(&programs.major())?;
    }
    Ok(pgdata)
}

async fn copy_ready_made(
    programs: &Programs,
    run_as: &RunAs,
    run_dir: &RunDir,
    pgdata: &Path,
) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let ready_made = postgres::ready_made(programs, run_as, run_dir).await?;
    std::fs::create_dir(pgdata)?;
    std::fs::set_permissions(pgdata, std::fs::Permissions::from_mode(0o700))?;
    files::copy_tree(&ready_made, pgdata)?;
    run_as.own(pgdata)
}

/// Measures one phase after the other.
struct Clock(Instant);

impl Clock {
    fn lap(&mut self) -> u64 {
        let lap = millis(self.0);
        self.0 = Instant::now();
        lap
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// What means "stop": Ctrl-C, a service manager, a closed terminal, and the end of standard input if that was asked for.
struct StopSignals {
    stdin: Option<oneshot::Receiver<()>>,
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl StopSignals {
    fn listen(until_stdin_ends: bool) -> anyhow::Result<Self> {
        Ok(Self {
            stdin: until_stdin_ends.then(stdin_end),
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        let ended = async {
            match &mut self.stdin {
                Some(end) => drop(end.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = ended => self.stdin = None,
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

/// Reads standard input to its end on a thread of its own, because nothing can interrupt that.
fn stdin_end() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = sender.send(());
    });
    receiver
}
