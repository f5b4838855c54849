//! Each crate is compiled once, whichever package of the workspace is built: cargo compiles a crate once for each set of features that is asked
//! of it, and `workspace-hack` asks for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use xtask::unit::locks::merged;

/// Named beside every package that xtask builds.
const FEATURES: &str = "workspace-hack";
/// Whose own crate has features that only its tests turn on.
const OURS: &str = "tasker-contrib-axum";

type Features = BTreeMap<String, BTreeSet<String>>;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The sets of features that cargo compiles each crate with.
fn features(folder: &Path, edges: &str, packages: &[&str]) -> Features {
    let mut tree = Command::new(env!("CARGO"));
    tree.current_dir(folder)
        .args(["tree", "--prefix", "none", "--format", "{p}|{f}"])
        .args(["--edges", edges]);
    for package in packages {
        tree.args(["--package", package]);
    }
    let output = tree.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let mut all = Features::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let line = line.trim_end_matches(" (*)");
        if let Some((package, features)) = line.rsplit_once('|') {
            let of_package = all.entry(package.to_owned()).or_default();
            of_package.insert(features.to_owned());
        }
    }
    all
}

/// The same for tasker-ctl, in a package like that which xtask makes to compile it.
fn of_tasker_ctl() -> Features {
    let scratch = tempfile::tempdir().unwrap();
    let read = |file: &str| std::fs::read_to_string(repository().join(file)).unwrap();
    let table: toml::Table = read("xtask/tools.toml").parse().unwrap();
    let tool = &table["tool"]["tasker-ctl"];
    let beside: Vec<String> = tool["build"]["beside"]
        .as_table()
        .unwrap()
        .iter()
        .map(|(name, what)| format!("{name} = {what}\n"))
        .collect();
    let manifest = format!(
        "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n[dependencies]\n\
         tasker-ctl = \"={}\"\n{FEATURES} = {{ path = {:?} }}\n{}",
        tool["version"].as_str().unwrap(),
        repository().join("xtask/workspace-hack"),
        beside.concat()
    );
    let lock = [read("Cargo.lock"), read("xtask/tools/tasker-ctl.lock")];
    let lock = merged(&[&lock[0], &lock[1]]).unwrap();
    std::fs::create_dir(scratch.path().join("src")).unwrap();
    for (file, text) in [
        ("Cargo.toml", manifest.as_str()),
        ("Cargo.lock", &lock),
        ("src/lib.rs", ""),
    ] {
        std::fs::write(scratch.path().join(file), text).unwrap();
    }
    features(scratch.path(), "normal,build", &["tasker-ctl"])
}

#[test]
fn a_crate_has_the_same_features_whatever_is_built() {
    let packages = [
        "tasker-dev",
        OURS,
        "e-commerce-axum",
        "document-intake",
        "xtask",
        "xtask-bench",
    ];
    let mut seen = Features::new();
    for package in packages {
        for edges in ["normal,build", "normal,build,dev"] {
            for (name, sets) in features(repository(), edges, &[package, FEATURES]) {
                seen.entry(name).or_default().extend(sets);
            }
        }
    }
    // What only tasker-ctl takes is compiled for it alone.
    for (name, sets) in of_tasker_ctl() {
        if let Some(known) = seen.get_mut(&name) {
            known.extend(sets);
        }
    }
    let core = |name: &str| seen.keys().any(|package| package.starts_with(name));
    assert!(core("tasker-shared ") && core("sqlx-core ") && core("tasker-orchestration "));
    let several: Vec<_> = seen
        .iter()
        .filter(|(package, sets)| sets.len() > 1 && !package.starts_with(OURS))
        .collect();
    assert!(
        several.is_empty(),
        "these crates are compiled more than once; add what tasker-ctl asks for to xtask/tasker-ctl-features/Cargo.toml, and run `cargo hakari generate` (cargo install cargo-hakari --locked): {several:#?}"
    );
}

#[test]
fn tests_of_applications_ask_for_every_feature_that_the_crates_own_tests_have() {
    let of_tests = |package: &str| {
        let all = features(repository(), "normal,build,dev", &[package, FEATURES]);
        let sets = all.into_iter().filter(|(name, _)| name.starts_with(OURS));
        sets.flat_map(|(_, sets)| sets)
            .max_by_key(String::len)
            .unwrap()
    };
    for application in ["e-commerce-axum", "document-intake"] {
        assert_eq!(
            of_tests(application),
            of_tests(OURS),
            "list all features of {OURS} in the dev-dependencies of {application}: it is compiled a second time otherwise"
        );
    }
}

#[test]
fn without_the_common_features_core_would_be_compiled_again() {
    let alone = features(repository(), "normal,build", &["tasker-dev"]);
    let together = features(repository(), "normal,build", &["tasker-dev", FEATURES]);
    let differs = |name: &str| {
        let sets = |all: &Features| {
            let package = all.iter().find(|(package, _)| package.starts_with(name));
            package.map(|(_, sets)| sets.clone())
        };
        sets(&alone) != sets(&together)
    };
    assert!(differs("tokio ") || differs("sqlx-core "));
}
