//! Every line `rerun:` is a command that the command line takes.

mod common;

use clap::Parser;
use common::{copy, Fixture, Ran};
use xtask::cli::Cli;

/// The commands that `rerun` names in a plan, or in what ran.
fn reruns(ran: &Ran) -> Vec<String> {
    let mut found = Vec::new();
    for record in ran.records() {
        let tasks = record["tasks"].as_array().cloned().unwrap_or_default();
        for task in tasks.iter().chain([&record]) {
            found.extend(task["rerun"].as_str().map(str::to_owned));
        }
    }
    found
}

/// Splits as a shell does, as far as `quote` needs it.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words
}

fn check(command: &[&str], ran: &Ran) {
    let lines = reruns(ran);
    assert!(!lines.is_empty(), "{command:?}: {ran:?}");
    for line in lines {
        let words = words(&line);
        assert_eq!(words[..2], ["cargo", "xtask"], "{line}");
        if let Err(error) = Cli::try_parse_from(&words[1..]) {
            panic!("{command:?}: `{line}`: {error}");
        }
        // A command starts with what was typed; fetching a tool has a command of its own.
        let says = |command: &str| words.contains(&command.to_owned());
        assert!(
            says(command[0]) || says("setup") || says("codegen") || command[0] == "--core",
            "{command:?}: {line}"
        );
    }
}

/// Plans of the fixture, and of this repository, which has units of every language.
#[test]
fn every_rerun_line_is_a_valid_command() {
    let fixture = Fixture::new();
    copy(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/served"),
        &fixture.root.join("examples/the served"),
    );
    fixture.write("ops/dev-server/src/main.rs", "fn main() {}");
    fixture.write(
        "ops/dev-server/Cargo.toml",
        "[package]\nname = \"tasker-dev\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    );
    let here = env!("CARGO_MANIFEST_DIR");
    let ours = std::path::Path::new(here)
        .parent()
        .unwrap()
        .display()
        .to_string();
    let example = format!("{ours}/examples/etl-pipeline");
    let commands: [&[&str]; 14] = [
        &["setup"],
        &["test"],
        &["lint"],
        &["fmt"],
        &["build"],
        &["e2e", "examples/the served", "--scenario", "good"],
        &["test", "--root", &ours],
        &["lint", "--root", &ours],
        &["fmt", "--root", &ours],
        &["build", "--root", &ours],
        &["e2e", &example, "--root", &ours],
        &["template", "test", "--root", &ours],
        &["bump", "rust/adder", "minor", "--pre", "rc"],
        &["--core", "published", "test"],
    ];
    for command in commands {
        let mut args = command.to_vec();
        args.extend(["--dry-run", "--json"]);
        check(command, &fixture.run(&args));
    }
}

#[test]
fn e2e_names_its_example_and_its_scenarios() {
    let fixture = Fixture::new();
    copy(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/served"),
        &fixture.root.join("examples/served"),
    );
    fixture.write("ops/dev-server/src/main.rs", "fn main() {}");
    fixture.write(
        "ops/dev-server/Cargo.toml",
        "[package]\nname = \"tasker-dev\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    );
    // The environment of the app cannot be made.
    fixture.shim("npm", "exit 7");
    let ran = fixture.run(&[
        "e2e",
        "examples/served",
        "--scenario",
        "good",
        "--scenario",
        "bad",
    ]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains(" rerun: cargo xtask setup uv\n"),
        "{ran:?}"
    );
    let plan = fixture.run(&[
        "e2e",
        "examples/served",
        "--scenario",
        "good",
        "--dry-run",
        "--json",
    ]);
    let lines = reruns(&plan);
    assert!(
        lines.contains(
            &"cargo xtask e2e examples/served --framework plain --scenario good".to_owned()
        ),
        "{lines:?}"
    );
}
