//! What belongs to the user's environment does not reach a stack.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;

use crate::harness::{Place, Stack};
use nix::sys::stat::{umask, Mode};

/// Asks the server for tasks: it needs its database for that.
fn answers(stack: &Stack) {
    let url = format!("{}/v1/tasks", stack.url("orchestration_url"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let status = runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.get(url).send().await.unwrap().status()
    });
    assert!(status.is_success(), "{status}");
}

#[test]
fn metrics_can_be_scraped() {
    let place = Place::new();
    let stack = place.up(&[]);
    let url = format!("{}/metrics", stack.url("orchestration_url"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let text = runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.get(url).send().await.unwrap().text().await.unwrap()
    });
    assert!(text.contains("# TYPE tasker_"), "{text}");
    stack.stop();
}

#[test]
fn variables_of_other_databases_are_ignored() {
    let place = Place::new();
    let mut command = place.command(&["up", "--json"]);
    command
        .env("PGSSLMODE", "verify-full")
        .env("PGSSLROOTCERT", "/nowhere/root.crt")
        .env("PGOPTIONS", "-c default_transaction_read_only=on")
        .env("PGPASSWORD", "wrong");
    let stack = place.up_with(command);
    answers(&stack);
    stack.stop();
}

#[test]
fn so_are_those_of_a_file_in_the_working_folder() {
    let place = Place::new();
    let folder = place.path("app");
    fs::create_dir(&folder).unwrap();
    fs::write(
        folder.join(".env"),
        "PGSSLMODE=require\nPGOPTIONS='-c default_transaction_read_only=on'\n",
    )
    .unwrap();
    let mut command = place.command(&["up", "--json"]);
    command.current_dir(&folder);
    let stack = place.up_with(command);
    answers(&stack);
    stack.stop();
}

#[test]
fn a_strict_umask_keeps_nobody_out() {
    let place = Place::new();
    let data = place.path("data");
    for arguments in [&["up", "--json"][..], &["up", "--json", "--data-dir"]] {
        let mut command = place.command(arguments);
        if arguments.len() > 2 {
            command.arg(&data);
        }
        command.env("TASKER_DEV_CACHE", place.path("cache"));
        // SAFETY: one system call between fork and exec.
        unsafe {
            command.pre_exec(|| {
                umask(Mode::from_bits_truncate(0o077));
                Ok(())
            });
        }
        place.up_with(command).stop();
    }
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(data.join("pgdata")), 0o700, "the data stay private");
    place.assert_nothing_left();
}
