//! PostgreSQL 17, which has neither `uuidv7()` nor, here, the extension `pg_uuidv7`.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::inventory::{book, difference, objects};
use super::{connect, json, succeeded, words, Server};
use crate::harness::Place;

/// The folder of its programs. CI fetches them; elsewhere this test says that it did not run.
const VARIABLE: &str = "TASKER_DEV_TEST_POSTGRES17";
const NOBODY: u32 = 65534;

/// A running PostgreSQL 17.
struct Old {
    child: Child,
    url: String,
}

impl Old {
    fn start(bin: &Path, place: &Place) -> Self {
        let data = place.path("pgdata17");
        fs::create_dir(&data).unwrap();
        if nix::unistd::geteuid().is_root() {
            chown(&data, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let password = place.path("password17");
        fs::write(&password, "secret").unwrap();
        let made = Self::command(bin, "initdb")
            .args([
                "--username",
                "owner",
                "--auth",
                "scram-sha-256",
                "--encoding",
                "UTF8",
                "--locale",
                "C.UTF-8",
            ])
            .arg("--pwfile")
            .arg(&password)
            .arg("--pgdata")
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Self::command(bin, "postgres")
            .arg("-D")
            .arg(&data)
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
                "-c",
                "fsync=off",
                "-p",
            ])
            .arg(port.to_string())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            url: format!("postgresql://owner:secret@127.0.0.1:{port}/postgres"),
        }
    }

    /// It refuses to run as root. Its libraries may lie beside it.
    fn command(bin: &Path, program: &str) -> Command {
        let mut command = Command::new(bin.join(program));
        let libraries = bin.join("../../../x86_64-linux-gnu");
        command.env("LD_LIBRARY_PATH", libraries).current_dir("/");
        if nix::unistd::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

impl Drop for Old {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_objects_are_those_of_18_and_the_function_that_17_lacks() {
    let Some(bin) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
        eprintln!("not tried: {VARIABLE} names no folder");
        return;
    };
    let mut server = Server::start().await;
    let new = server.plain_database("new").await;
    succeeded(&server.migrate(&new, &[]));
    let old = Old::start(&bin, &server.place);
    let output = server.migrate(&old.url, &["--wait", "60", "--json"]);
    succeeded(&output);
    let said = json(&output);
    assert!(
        said["postgres_version"]
            .as_str()
            .unwrap()
            .starts_with("17."),
        "{said}"
    );
    assert_eq!(said["search_path_set"], true, "{}", words(&output));

    let (mut new, mut old_database) = (connect(&new).await, connect(&old.url).await);
    // Version 18 lists what is not null as constraints.
    let comparable = |lines: Vec<String>| -> Vec<String> {
        let is_listed =
            |line: &String| !(line.starts_with("constraint ") && line.contains(" NOT NULL "));
        lines.into_iter().filter(is_listed).collect()
    };
    let (on_18, on_17) = (
        comparable(objects(&mut new).await),
        comparable(objects(&mut old_database).await),
    );
    let differs = difference(&on_18, &on_17);
    assert_eq!(differs.len(), 2, "{differs:#?}");
    assert!(differs
        .iter()
        .all(|line| line.starts_with("+ ") && line.contains("public.uuidv7()")));
    sqlx::Executor::execute(&mut old_database, "SET search_path = public")
        .await
        .unwrap();
    assert_eq!(book(&mut new).await, book(&mut old_database).await);

    let ids: Vec<String> =
        sqlx::query_scalar("SELECT tasker.uuid_generate_v7()::text FROM generate_series(1, 1000)")
            .fetch_all(&mut old_database)
            .await
            .unwrap();
    assert!(ids
        .iter()
        .all(|id| id.as_bytes()[14] == b'7' && "89ab".contains(id.as_bytes()[19] as char)));
    let parts_of_a_millisecond: Vec<&str> = ids.iter().map(|id| &id[..18]).collect();
    assert!(
        parts_of_a_millisecond.is_sorted(),
        "ids sort as they were made"
    );
    let again = server.migrate(&old.url, &["--check"]);
    succeeded(&again);
    drop(old_database);
    server.stack.stop();
}
