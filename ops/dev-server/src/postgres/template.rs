//! A ready-made data directory: initialised, with PGMQ and all migrations, made once per user and copied for every new stack.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::cluster::initialise;
use super::{url, Cluster, Durability, Programs, RunAs, DATABASE, PGMQ_VERSION};
use crate::rundir::RunDir;
use crate::{cache, database, files, fingerprint};

/// Raise when the way the directory is made changes.
const FORMAT: &str = "1";

/// The directory to copy, which is made first if it is not there.
pub async fn ready_made(
    programs: &Programs,
    run_as: &RunAs,
    run_dir: &RunDir,
) -> anyhow::Result<PathBuf> {
    let cache = cache::folder()?;
    let place = cache.join(format!("data-{}", key(programs)));
    if !place.is_dir() {
        tracing::info!("making a ready-made data directory at {}", place.display());
        let fresh = tempfile::Builder::new()
            .prefix(".new-")
            .tempdir_in(&cache)?;
        // Root's cache may be out of reach for PostgreSQL's user; the directory of a run never is.
        let pgdata = run_dir.path().join("ready-made");
        build(programs, run_as, run_dir, &pgdata).await?;
        files::copy_tree(&pgdata, fresh.path())?;
        std::fs::remove_dir_all(&pgdata)?;
        files::publish(fresh, &place)?;
    }
    Ok(place)
}

/// Everything that is inside the directory has a part in its name.
fn key(programs: &Programs) -> String {
    let migrations = database::migration_names();
    fingerprint::of(&[FORMAT, &programs.version, PGMQ_VERSION, &migrations])
}

async fn build(
    programs: &Programs,
    run_as: &RunAs,
    run_dir: &RunDir,
    pgdata: &Path,
) -> anyhow::Result<()> {
    initialise(programs, run_as, pgdata)?;
    let cluster = Cluster::start(
        programs,
        run_as,
        pgdata,
        0,
        Durability::None,
        run_dir,
        vec![],
    )
    .await?;
    let made = async {
        database::create(&url(cluster.port, "postgres"), DATABASE).await?;
        database::migrate(&url(cluster.port, DATABASE), database::Whose::Ours).await
    }
    .await;
    cluster.stop().await?;
    made.context("prepare the ready-made data directory")
}
