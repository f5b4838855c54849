//! `--check`, the options and the exit codes.

use super::inventory::objects;
use super::{complaint, connect, json, succeeded, words, Server, COUNT};

#[tokio::test]
async fn check_ends_with_3_and_changes_nothing_and_with_0_when_nothing_is_to_be_done() {
    let mut server = Server::start().await;
    let url = server.plain_database("checked").await;
    let mut database = connect(&url).await;
    let before = objects(&mut database).await;
    let output = server.migrate(&url, &["--check"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("nothing was changed") && said.contains("schema and tables"),
        "{said}"
    );
    let output = server.migrate(&url, &["--check", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let said = json(&output);
    assert_eq!(said["pending"].as_array().unwrap().len(), COUNT);
    assert_eq!(
        (&said["up_to_date"], &said["pgmq"]),
        (&false.into(), &"sql".into())
    );
    assert_eq!(objects(&mut database).await, before);

    succeeded(&server.migrate(&url, &[]));
    let output = server.migrate(&url, &["--check", "--json"]);
    succeeded(&output);
    assert_eq!(json(&output)["up_to_date"], true);
    server.stack.stop();
}

#[tokio::test]
async fn the_url_may_come_from_the_environment_and_its_password_is_never_said() {
    let mut server = Server::start().await;
    let url = server.database("from_environment").await;
    let output = server
        .place
        .command(&["migrate"])
        .env("DATABASE_URL", &url)
        .output()
        .unwrap();
    succeeded(&output);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("tasker:***@") && said.contains("8 migrations ran"),
        "{said}"
    );
    let help = server
        .place
        .command(&["migrate", "--help"])
        .env("DATABASE_URL", &url)
        .output()
        .unwrap();
    assert!(!String::from_utf8_lossy(&help.stdout).contains("tasker:tasker"));
    server.stack.stop();
}

#[tokio::test]
async fn pgmq_can_be_asked_for_only_as_far_as_it_is_possible() {
    let mut server = Server::start().await;
    let plain = server.plain_database("plain").await;
    let said = complaint(&server.migrate(&plain, &["--pgmq", "extension"]));
    assert!(
        said.contains("does not offer the extension") && said.contains("--pgmq sql"),
        "{said}"
    );
    succeeded(&server.migrate(&plain, &[]));
    let said = complaint(&server.migrate(&plain, &["--pgmq", "extension"]));
    assert!(said.contains("installed as SQL"), "{said}");

    let offered = server.database("offered").await;
    succeeded(&server.migrate(&offered, &["--pgmq", "extension"]));
    let said = complaint(&server.migrate(&offered, &["--pgmq", "sql"]));
    assert!(said.contains("installed as an extension"), "{said}");
    server.stack.stop();
}

#[tokio::test]
async fn it_waits_for_a_database_that_is_not_there_yet_and_not_for_a_wrong_password() {
    let place = crate::harness::Place::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("postgresql://tasker:tasker@127.0.0.1:{port}/tasker");
    let said = complaint(&place.run(&["migrate", "--database-url", &url]));
    assert!(
        said.contains(&format!("connection refused at 127.0.0.1:{port}"))
            && said.contains("--wait"),
        "{said}"
    );
    let waiting = place
        .command(&["migrate", "--database-url", &url, "--wait", "60", "--json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let stack = place.up(&["--pg-port", &port.to_string()]);
    let output = waiting.wait_with_output().unwrap();
    succeeded(&output);
    assert_eq!(json(&output)["already"], COUNT);

    let wrong = url.replace("tasker:tasker@", "tasker:secret@");
    let output = place.run(&["migrate", "--database-url", &wrong, "--wait", "60"]);
    let said = complaint(&output);
    assert!(
        said.contains("password authentication failed") && said.contains("correct user, password"),
        "{said}"
    );
    assert!(words(&output).lines().count() == 2, "{said}");
    stack.stop();
}

#[test]
fn health_is_0_for_a_server_that_is_ready_and_1_for_one_that_is_not() {
    let place = crate::harness::Place::new();
    let stack = place.up(&[]);
    let url = stack.url("orchestration_url").to_owned();
    assert!(place.run(&["health", &url]).status.success());
    stack.stop();
    let said = complaint(&place.run(&["health", &url]));
    assert!(
        said.contains("/health/ready is not ready: nothing listens there"),
        "{said}"
    );
}
