//! What brings tasks back after a kill, and a server that no longer listens.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

use crate::harness::{wait_for, Place};

fn ask<T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>>(
    url: &str,
    sql: &str,
) -> T {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let answer = sqlx::query_scalar(sql).fetch_one(&mut connection).await;
        connection.close().await.unwrap();
        answer.unwrap()
    })
}

const PASSED: &str = "SELECT to_regclass('tasker_contrib.watch') IS NOT NULL";

#[test]
fn it_is_there_unless_it_is_not_wanted() {
    let place = Place::new();
    let stack = place.up(&[]);
    let url = stack.url("database_url").to_owned();
    assert_eq!(stack.ready["recovery"], true);
    assert!(ask::<bool>(&url, PASSED));
    wait_for("a pass", || {
        ask(&url, "SELECT EXISTS (SELECT FROM tasker_contrib.watch)")
    });
    stack.stop();
    let stack = place.up(&["--no-recovery"]);
    assert_eq!(stack.ready["recovery"], false);
    assert!(!ask::<bool>(stack.url("database_url"), PASSED));
    stack.stop();
}

/// What stands between a server and its database, and can cut it off.
struct Cable {
    cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    port: u16,
}

impl Cable {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let cable = Self {
            cut: Arc::default(),
            open: Arc::default(),
            port: listener.local_addr().unwrap().port(),
        };
        let (cut, open) = (cable.cut.clone(), cable.open.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                // Looks at the cut under the lock: a connection that begins at that moment must not survive it.
                let mut open = open.lock().unwrap();
                if cut.load(Ordering::SeqCst) {
                    continue;
                }
                open.extend([&client, &server].map(|end| end.try_clone().unwrap()));
                pipe(client.try_clone().unwrap(), server.try_clone().unwrap());
                pipe(server, client);
            }
        });
        cable
    }

    fn cut(&self) {
        let mut open = self.open.lock().unwrap();
        self.cut.store(true, Ordering::SeqCst);
        for end in open.drain(..) {
            let _ = end.shutdown(std::net::Shutdown::Both);
        }
    }

    fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}

fn pipe(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

#[test]
fn a_server_that_no_longer_listens_is_restarted() {
    let place = Place::new();
    // Its PostgreSQL is the database of the other one, which can be cut off from it.
    let database = place.up(&["--no-recovery"]);
    let direct = database.url("database_url").to_owned();
    let created: Result<(), String> = {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&direct).await.unwrap();
            let created = sqlx::query("CREATE DATABASE other")
                .execute(&mut connection)
                .await;
            created.map(drop).map_err(|error| error.to_string())
        })
    };
    created.unwrap();
    let direct = format!("{}/other", direct.rsplit_once('/').unwrap().0);
    let port = url::Url::parse(&direct).unwrap().port().unwrap();
    let cable = Cable::to(port);
    let through = direct.replace(&format!(":{port}/"), &format!(":{}/", cable.port));
    let mut stack = place.up(&["--database-url", &through]);
    let listeners = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'other' AND query LIKE 'LISTEN %pgmq_message_ready.orchestration\"%'";
    wait_for("the server to listen", || {
        ask::<i64>(&direct, listeners) > 0
    });

    cable.cut();
    // Core gives up after its acquire timeout of ten seconds; nothing says when it has.
    std::thread::sleep(Duration::from_secs(13));
    cable.mend();
    wait_for("passes to go on", || {
        ask(
            &direct,
            "SELECT passed_at > clock_timestamp() - interval '3 s' FROM tasker_contrib.watch",
        )
    });
    wait_for("the server to be restarted", || {
        ask::<i64>(&direct, listeners) > 0
    });
    let port = stack.ports()[0];
    wait_for("it to answer where it was", || {
        crate::harness::is_open(port)
    });
    stack.signal(nix::sys::signal::Signal::SIGTERM);
    let (status, words) = stack.wait();
    assert!(status.success(), "{words}");
    assert!(
        words.contains("no longer listens"),
        "Core has learned to listen again: this test and the restart can go. {words}"
    );
}
