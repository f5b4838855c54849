//! Slow, so `.ci/run` starts it by name: the published crates of Tasker Core, side by side as a checkout, take the place of those from the
//! registry, and the ETL example runs on the server that is compiled from them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn output(program: &str, args: &[&str]) -> String {
    let ran = Command::new(program)
        .args(args)
        .current_dir(repository())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{program} {args:?}: {errors}");
    String::from_utf8(ran.stdout).unwrap()
}

fn copy(from: &Path, into: &Path) {
    fs::create_dir_all(into).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let place = into.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}

/// A workspace of all of Core's crates that this repository is built with.
fn checkout(folder: &Path) {
    let metadata = output("cargo", &["metadata", "--locked", "--format-version=1"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let mut members = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        if !name.starts_with("tasker-") || package["source"].is_null() {
            continue;
        }
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        let place = folder.join(name);
        copy(manifest.parent().unwrap(), &place);
        members.push(format!("{name:?}"));
    }
    assert!(members.len() >= 4, "{members:?}");
    let workspace = format!(
        "[workspace]\nresolver = \"2\"\nmembers = [{}]\n",
        members.join(", ")
    );
    fs::write(folder.join("Cargo.toml"), workspace).unwrap();
}

#[test]
fn the_example_runs_on_a_server_from_a_checkout_and_git_sees_nothing() {
    // Always the same place, so that cargo replaces what it compiled the last time.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("core");
    let _ = fs::remove_dir_all(&folder);
    checkout(&folder);
    let before = output("git", &["status", "--porcelain"]);
    let place = folder.display().to_string();
    let said = output(
        env!("CARGO_BIN_EXE_xtask"),
        &["--core", &place, "e2e", "examples/etl-pipeline"],
    );
    println!("{said}");
    assert!(
        said.starts_with(&format!("Tasker Core: {place}")),
        "the checkout is named first"
    );
    assert!(said.ends_with("scenarios: 5 passed, 0 failed\n"));
    assert_eq!(output("git", &["status", "--porcelain"]), before);
    // The compiler writes the places of sources into a program.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let program = fs::read(target.join("debug/tasker-dev")).unwrap();
    let source = folder
        .join("tasker-orchestration/src")
        .display()
        .to_string();
    let is_in = program
        .windows(source.len())
        .any(|piece| piece == source.as_bytes());
    assert!(is_in, "the server is not compiled from the checkout");
}
