//! A relay that is killed at any moment loses no task and creates none twice.

use std::collections::BTreeMap;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::json;
use tasker_contrib_axum::outbox::{Outbox, Relay};
use tasker_contrib_axum::{shutdown_signal, TaskerClient};

use super::proxy::Proxy;
use super::{pool, stack, until, Bed};
use crate::ALONE;

const SELF: &str = "outbox::kills::a_relay_is_killed_at_every_statement_and_call";
/// Database, server and table of a relay in a process of its own.
const PROCESS: [&str; 3] = ["OUTBOX_DATABASE", "OUTBOX_SERVER", "OUTBOX_TABLE"];
const ROWS: u32 = 2;

/// What such a process does.
async fn relay([database, server, table]: [String; 3]) {
    let outbox = Outbox::with_table(table).unwrap();
    let client = TaskerClient::new(server).unwrap();
    let relay = Relay::new(outbox, pool(&database).await, client).await;
    let relay = relay.unwrap().poll_every(Duration::from_millis(20));
    relay.run(shutdown_signal()).await;
}

/// Kills a process when the n-th piece since its first transaction is on its way: to the database or the server, which do not get it, or back.
struct Fuse {
    at: usize,
    seen: usize,
    process: Option<Child>,
}

impl Fuse {
    fn at(at: usize) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            at,
            seen: 0,
            process: None,
        }))
    }

    fn passes(&mut self, piece: &[u8]) -> bool {
        let begins = || piece.windows(5).any(|part| part == b"BEGIN");
        if self.seen > 0 || begins() {
            self.seen += 1;
        }
        if self.seen < self.at {
            return true;
        }
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        false
    }
}

fn lock(fuse: &Mutex<Fuse>) -> MutexGuard<'_, Fuse> {
    fuse.lock().unwrap()
}

/// A relay behind proxies that burn the fuse.
async fn start(bed: &Bed, fuse: &Arc<Mutex<Fuse>>) {
    let watched = async |url: &str| {
        let fuse = fuse.clone();
        let watch = move |piece: &[u8]| lock(&fuse).passes(piece);
        Proxy::watching(url, watch).await.url(url)
    };
    let database = watched(&stack().database_url).await;
    let server = watched(&stack().url).await;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([SELF, "--exact", "--nocapture"])
        .envs(
            PROCESS
                .into_iter()
                .zip([&database, &server, bed.outbox.table()]),
        )
        .stdout(Stdio::null());
    // What it sends meanwhile waits for the lock.
    let mut fuse = lock(fuse);
    fuse.process = Some(command.spawn().unwrap());
}

fn terminate(mut process: Child) -> ExitStatus {
    let id = process.id().to_string();
    Command::new("kill").args(["-TERM", &id]).status().unwrap();
    process.wait().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_is_killed_at_every_statement_and_call() {
    if let [Ok(database), Ok(server), Ok(table)] = PROCESS.map(std::env::var) {
        return relay([database, server, table]).await;
    }
    let _alone = ALONE.lock().await;
    let bed = Bed::new().await;
    let mut written = BTreeMap::new();
    let mut kills = 0;
    loop {
        assert!(kills < 100, "a relay has not relayed {ROWS} rows");
        for row in 0..ROWS {
            let context = json!({"kill": kills, "row": row});
            let row = bed.enqueue(context.clone()).await;
            written.insert(row.correlation_id, context);
        }
        let fuse = Fuse::at(kills + 1);
        start(&bed, &fuse).await;
        until("the kill", async || lock(&fuse).process.is_none()).await;
        kills += 1;
        if bed.is_empty().await {
            break;
        }
        bed.drain().await;
        assert!(bed.is_empty().await, "after kill {kills}");
    }
    // For each row begin, claim, creation, deletion and commit; before and after.
    assert!(kills > 20, "{kills} kills");
    bed.assert_each_once(written).await;
    println!("{kills} kills");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_relays_ends_well_after_a_signal() {
    let _alone = ALONE.lock().await;
    let bed = Bed::new().await;
    let row = bed.enqueue(json!({"n": 1})).await;
    let fuse = Fuse::at(usize::MAX);
    start(&bed, &fuse).await;
    until("its task", async || bed.is_empty().await).await;
    let process = lock(&fuse).process.take().unwrap();
    assert!(terminate(process).success());
    bed.assert_each_once([(row.correlation_id, json!({"n": 1}))].into())
        .await;
}
