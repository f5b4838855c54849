//! Every line `rerun:` is a command that the command line takes.

mod common;

use std::process::Command;

use common::{assert_reruns, copy, reruns, Fixture};

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
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let mut command = Command::new("git");
        let done = command
            .args(identity)
            .args(args)
            .current_dir(&fixture.root)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "all"]);
    let here = env!("CARGO_MANIFEST_DIR");
    let ours = std::path::Path::new(here)
        .parent()
        .unwrap()
        .display()
        .to_string();
    let example = format!("{ours}/examples/etl-pipeline");
    let commands: [&[&str]; 15] = [
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
        &["core", "use", "published"],
        &["--core", "published", "test"],
    ];
    for command in commands {
        let mut args = command.to_vec();
        args.extend(["--dry-run", "--json"]);
        assert_reruns(command, &fixture.run(&args));
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
