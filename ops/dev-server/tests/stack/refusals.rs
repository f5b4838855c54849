//! Each way in which a start can be impossible: one message with the fix, a failing exit code, and nothing damaged.

use std::fs;
use std::net::TcpListener;

use crate::harness::{fake_postgres, Place};
use sqlx::{Connection as _, PgConnection};

/// Runs `up` and returns its complaint.
fn complaint(place: &Place, arguments: &[&str]) -> String {
    let mut all = vec!["up", "--json"];
    all.extend(arguments);
    let output = place.run(&all);
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(output.stdout.is_empty(), "no ready line after a failure");
    assert!(
        words.starts_with("error: ") && words.contains("\nfix: "),
        "{words}"
    );
    assert!(
        !words.contains("panicked") && !words.contains("RUST_BACKTRACE"),
        "{words}"
    );
    place.assert_nothing_left();
    words
}

#[test]
fn a_data_directory_in_use() {
    let place = Place::new();
    let data = place.path("data");
    let stack = place.up(&["--data-dir", data.to_str().unwrap()]);
    let output = place.run(&["up", "--data-dir", data.to_str().unwrap()]);
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        words.contains(&format!(
            "in use by another tasker-dev (process {})",
            stack.child.id()
        )),
        "{words}"
    );
    let reset = place.run(&["reset", "--data-dir", data.to_str().unwrap()]);
    assert!(
        String::from_utf8(reset.stderr).unwrap().contains("in use"),
        "a running stack's data is not removed"
    );
    stack.stop();
}

#[test]
fn a_foreign_data_directory() {
    let place = Place::new();
    let data = place.path("photos");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("cat.jpg"), "cat").unwrap();
    let words = complaint(&place, &["--data-dir", data.to_str().unwrap()]);
    assert!(words.contains("was not made by tasker-dev"), "{words}");
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
    let reset = place.run(&["reset", "--data-dir", data.to_str().unwrap()]);
    assert_eq!(reset.status.code(), Some(1));
    assert_eq!(fs::read_to_string(data.join("cat.jpg")).unwrap(), "cat");
}

#[test]
fn a_data_directory_that_cannot_be_one() {
    let place = Place::new();
    let file = place.path("notes.txt");
    fs::write(&file, "notes").unwrap();
    let words = complaint(&place, &["--data-dir", file.to_str().unwrap()]);
    assert!(
        words.contains("cannot be used as a data directory"),
        "{words}"
    );
    let words = complaint(&place, &["--data-dir", "/proc/nothing"]);
    assert!(
        words.contains("cannot be used as a data directory"),
        "{words}"
    );
    let mistyped = place.path("mistyped");
    let reset = place.run(&["reset", "--data-dir", mistyped.to_str().unwrap()]);
    assert_eq!(reset.status.code(), Some(1));
    assert!(!mistyped.exists(), "a mistyped name makes no directory");
}

#[test]
fn an_old_postgresql_and_none_at_all() {
    let place = Place::new();
    let old = fake_postgres(place.folder.path(), "16.9");
    let words = complaint(&place, &["--postgres-bin", old.to_str().unwrap()]);
    assert!(
        words.contains("PostgreSQL 16.9") && words.contains("18 or later"),
        "{words}"
    );
    let words = complaint(
        &place,
        &["--postgres-bin", place.folder.path().to_str().unwrap()],
    );
    assert!(words.contains("there is no `initdb` in"), "{words}");
}

#[test]
fn a_taken_port() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    for option in ["--port", "--pg-port", "--grpc-port"] {
        let words = complaint(&place, &[option, &port]);
        assert!(words.contains(&port) && words.contains(option), "{words}");
    }
}

#[test]
fn a_database_that_cannot_be_reached_or_understood() {
    let place = Place::new();
    let port = {
        TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port()
    };
    let words = complaint(
        &place,
        &[
            "--database-url",
            &format!("postgresql://me:hunter2@127.0.0.1:{port}/app"),
        ],
    );
    assert!(
        words.contains(&format!("connection refused at 127.0.0.1:{port}"))
            && words.contains("--database-url")
            && !words.contains("hunter2"),
        "{words}"
    );
    let words = complaint(
        &place,
        &["--database-url", "postgres://me:hunter2@localhost/app"],
    );
    assert!(
        words.contains("must begin with postgresql://") && !words.contains("hunter2"),
        "{words}"
    );
}

#[tokio::test]
async fn a_database_without_pgmq_and_one_with_somebody_elses_tables() {
    let host = Place::new();
    let stack = host.up(&[]);
    let mut admin = PgConnection::connect(stack.url("database_url"))
        .await
        .unwrap();
    for sql in [
        "CREATE DATABASE plain",
        // What the server offers depends on this setting, which a database can narrow.
        "ALTER DATABASE plain SET extension_control_path = '$system'",
        "CREATE DATABASE taken",
    ] {
        sqlx::query(sql).execute(&mut admin).await.unwrap();
    }
    let base = stack
        .url("database_url")
        .rsplit_once('/')
        .unwrap()
        .0
        .to_owned();
    let place = Place::new();
    let words = complaint(&place, &["--database-url", &format!("{base}/plain")]);
    assert!(
        words.contains("does not have the extension pgmq")
            && words.contains("`tasker-dev migrate --database-url URL`"),
        "{words}"
    );

    let mut taken = PgConnection::connect(&format!("{base}/taken"))
        .await
        .unwrap();
    for sql in [
        "CREATE SCHEMA tasker",
        "CREATE TYPE tasker.dlq_reason AS ENUM ('mine')",
    ] {
        sqlx::query(sql).execute(&mut taken).await.unwrap();
    }
    let words = complaint(&place, &["--database-url", &format!("{base}/taken")]);
    assert!(
        words.contains("a migration of")
            && words.contains("already exists")
            && !words.contains(":tasker@"),
        "{words}"
    );
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_type WHERE typname = 'dlq_reason'")
        .fetch_one(&mut taken)
        .await
        .unwrap();
    assert_eq!(kept, 1);
    stack.stop();
}

#[test]
fn commands_that_need_a_running_stack_say_so_with_the_words_of_whoever_started_them() {
    let place = Place::new();
    for arguments in [&["psql"][..], &["config", "worker"]] {
        let output = place.run(arguments);
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            words.contains("no stack is running") && words.contains("`tasker-dev up`"),
            "{words}"
        );
    }
    for (arguments, expected) in [
        (&["config", "worker"][..], "`cargo xtask dev up`"),
        (&["psql", "--help"], "Usage: cargo xtask dev psql"),
        (&["--help"], "\n  cargo xtask dev psql "),
    ] {
        let mut command = place.command(arguments);
        command.env("TASKER_DEV_COMMAND", "cargo xtask dev");
        let output = command.output().unwrap();
        let words = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(words.contains(expected), "{words}");
    }
}
