//! A project that is made from the template, and requests of which nothing is made.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::{command, repository, shown, template, text};

const OLD: &str = "document-intake";
const NAME: &str = "claims-desk";

fn make(cwd: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let mut new_project = command(template().join("template/new-project"));
    new_project.args(words).current_dir(cwd);
    // The crates are here already: these tests were compiled with them.
    new_project.env("CARGO_NET_OFFLINE", "true");
    shown(new_project.output().unwrap())
}

/// All files below a folder, by their paths in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    fn add(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    add(folder, &mut found);
    found.sort();
    let inside = |path: &PathBuf| path.strip_prefix(folder).unwrap().to_owned();
    found.iter().map(inside).collect()
}

fn succeeds(project: &Path, words: &[&str]) -> String {
    let mut cargo = command(env!("CARGO"));
    cargo.args(words).current_dir(project);
    let (code, out, errors) = shown(cargo.output().unwrap());
    assert_eq!(code, Some(0), "{words:?}: {out}{errors}");
    out
}

#[test]
fn a_project_has_its_own_name_and_is_understood_by_cargo() {
    let scratch = TempDir::new().unwrap();
    let (code, out, errors) = make(scratch.path(), &[NAME]);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(out.starts_with("claims-desk is in "), "{out}");
    let left: Vec<_> = fs::read_dir(scratch.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let project = scratch.path().join(NAME);
    no_file_has_the_old_name(&project);
    nothing_of_the_template_itself_is_left(&project);
    what_is_run_can_be_run(&project);
    succeeds(&project, &["fmt", "--check"]);
    it_is_resolved_with_the_versions_of_this_repository(&project);
}

fn no_file_has_the_old_name(project: &Path) {
    let ours = files(project);
    let ours: Vec<_> = ours
        .iter()
        .filter(|path| !path.starts_with("vendor"))
        .collect();
    assert!(ours.len() > 60, "{ours:?}");
    for path in ours {
        let content = fs::read_to_string(project.join(path)).unwrap();
        for old in [OLD, "document_intake", "template only", "tests/template"] {
            assert!(!content.contains(old), "{}: {old}", path.display());
        }
    }
}

fn nothing_of_the_template_itself_is_left(project: &Path) {
    for path in ["template", "tests/template", "cargo-generate.toml"] {
        assert!(template().join(path).exists(), "{path}");
        assert!(!project.join(path).exists(), "{path}");
    }
    let manifest = fs::read_to_string(project.join("Cargo.toml")).unwrap();
    for word in ["xtask", "../", "serde_yaml", "grpc", "\n\n\n"] {
        assert!(!manifest.contains(word), "{word:?}: {manifest}");
    }
    // All else is the template's.
    let kept = files(&template());
    let is_kept = |path: &&PathBuf| {
        let out = [
            "template",
            "tests/template",
            "target",
            "vendor",
            "cargo-generate.toml",
            ".env",
        ];
        !out.iter().any(|left_out| path.starts_with(left_out))
    };
    for path in kept.iter().filter(is_kept) {
        assert!(project.join(path).is_file(), "{}", path.display());
    }
}

fn what_is_run_can_be_run(project: &Path) {
    for name in ["entrypoint", "setup"] {
        let mode = fs::metadata(project.join("bin").join(name)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o111, 0o111, "{name}");
    }
}

fn versions(lock: &str) -> BTreeSet<(String, String)> {
    let table: toml::Table = lock.parse().unwrap();
    let word = |package: &toml::Value, key: &str| package[key].as_str().unwrap().to_owned();
    let packages = table["package"].as_array().unwrap().iter();
    packages
        .map(|package| (word(package, "name"), word(package, "version")))
        .collect()
}

/// With the crate as it is packed, and without a network.
fn it_is_resolved_with_the_versions_of_this_repository(project: &Path) {
    let host = succeeds(project, &["-vV"]);
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let words = ["metadata", "--offline", "--format-version", "1"];
    let words = [&words[..], &["--filter-platform", host.unwrap()]].concat();
    let metadata: Value = serde_json::from_str(&succeeds(project, &words)).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let manifest = |name: &str| {
        let package = packages.iter().find(|package| package["name"] == name);
        let path = package.unwrap()["manifest_path"].as_str().unwrap();
        PathBuf::from(path).canonicalize().unwrap()
    };
    let project = project.canonicalize().unwrap();
    assert_eq!(manifest(NAME), project.join("Cargo.toml"));
    let vendored = project.join("vendor/tasker-contrib-axum/Cargo.toml");
    assert_eq!(manifest("tasker-contrib-axum"), vendored);
    // cargo has dropped from the lock file what only this repository needs.
    let own = versions(&fs::read_to_string(project.join("Cargo.lock")).unwrap());
    let all = versions(&fs::read_to_string(repository().join("Cargo.lock")).unwrap());
    let new: Vec<_> = own
        .difference(&all)
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(new, [NAME]);
    assert!(!own.iter().any(|(name, _)| name == "xtask"));
}

#[test]
fn a_package_that_was_made_before_is_taken() {
    let scratch = TempDir::new().unwrap();
    let crates = scratch.path().join("crates");
    let packed = crates.join("tasker-contrib-axum-0.1.9");
    fs::create_dir_all(&packed).unwrap();
    fs::write(packed.join("Cargo.toml"), "packed before").unwrap();
    let archive = crates.join("it.crate");
    let tar = command("tar")
        .args(["-czf"])
        .arg(&archive)
        .arg("-C")
        .arg(&crates)
        .arg("tasker-contrib-axum-0.1.9")
        .status();
    assert!(tar.unwrap().success());
    let (code, _, errors) = make(scratch.path(), &[NAME, "crates/it.crate"]);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let vendored = scratch
        .path()
        .join(NAME)
        .join("vendor/tasker-contrib-axum/Cargo.toml");
    assert_eq!(fs::read_to_string(vendored).unwrap(), "packed before");
    let (code, _, errors) = make(scratch.path(), &["other", "nothing.crate"]);
    assert_eq!(code, Some(2));
    assert!(
        errors.starts_with("error: there is no package "),
        "{errors}"
    );
    assert!(!scratch.path().join("other").exists());
}

/// One sentence, and nothing is written.
fn refused(cwd: &Path, words: &[&str]) -> String {
    let before = files(cwd);
    let (code, out, errors) = make(cwd, words);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{words:?}: {errors}");
    assert!(errors.starts_with("error: "), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert_eq!(files(cwd), before, "{words:?}");
    errors
}

#[test]
fn a_wrong_name_makes_nothing() {
    let long = "x".repeat(41);
    for (name, why) in [
        ("Claims", "is not a name for a project"),
        ("a--b", "is not a name for a project"),
        ("a-", "is not a name for a project"),
        ("1st", "is not a name for a project"),
        ("a;b", "is not a name for a project"),
        ("a\nb", "is not a name for a project"),
        ("..", "is not a name for a project"),
        (&long, "is not a name for a project"),
        (
            "crate",
            "is a reserved word: choose another name, such as \"crate-service\".",
        ),
        ("app", "is a reserved word"),
        ("tests", "is a reserved word"),
        ("axum", "is a reserved word"),
        ("tasker-contrib-axum", "is a reserved word"),
        ("", "expected a folder"),
        ("--force", "expected a folder"),
        ("nowhere/claims", "there is no folder nowhere"),
    ] {
        let scratch = TempDir::new().unwrap();
        let errors = refused(scratch.path(), &[name]);
        assert!(errors.contains(why), "{name:?}: {errors}");
        let left: Vec<_> = fs::read_dir(scratch.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
    let scratch = TempDir::new().unwrap();
    let errors = refused(scratch.path(), &["one", "two", "three"]);
    assert!(errors.contains("got 3 words"), "{errors}");
}

/// What cargo-generate hands over; there a name is no folder.
#[test]
fn a_name_is_checked_before_a_folder_is_made() {
    let scratch = TempDir::new().unwrap();
    fs::create_dir(scratch.path().join("template")).unwrap();
    fs::copy(
        template().join("template/new-project"),
        scratch.path().join("template/new-project"),
    )
    .unwrap();
    fs::copy(
        template().join("Cargo.toml"),
        scratch.path().join("Cargo.toml"),
    )
    .unwrap();
    let check = |name: &str| {
        fs::write(scratch.path().join("template/name"), name).unwrap();
        // Not as a program: a process that another test has just forked may have the copy open for writing, and the kernel refuses it then.
        let mut check = command("/bin/sh");
        shown(
            check
                .args(["template/new-project", "--check"])
                .current_dir(scratch.path())
                .output()
                .unwrap(),
        )
    };
    assert_eq!(check(NAME), (Some(0), String::new(), String::new()));
    for (name, why) in [
        ("../x", "\"../x\" is not a name for a project"),
        ("x; touch y", "is not a name for a project"),
        ("tokio", "is a reserved word"),
        ("", "is not a name for a project"),
    ] {
        let (code, out, errors) = check(name);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{name}");
        assert!(
            errors.contains(why) && errors.lines().count() == 1,
            "{errors}"
        );
    }
}

#[test]
fn what_is_there_is_left_alone() {
    for file in ["README.md", ".env", "deep/notes.txt"] {
        let scratch = TempDir::new().unwrap();
        let there = scratch.path().join(NAME).join(file);
        fs::create_dir_all(there.parent().unwrap()).unwrap();
        fs::write(&there, "mine").unwrap();
        let errors = refused(scratch.path(), &[NAME]);
        assert!(
            errors.contains("claims-desk exists and is not empty: name a folder"),
            "{errors}"
        );
        assert_eq!(fs::read_to_string(there).unwrap(), "mine");
    }
    let scratch = TempDir::new().unwrap();
    fs::write(scratch.path().join(NAME), "mine").unwrap();
    refused(scratch.path(), &[NAME]);
    assert_eq!(
        fs::read_to_string(scratch.path().join(NAME)).unwrap(),
        "mine"
    );
}

#[test]
fn a_project_is_no_part_of_a_workspace() {
    let scratch = TempDir::new().unwrap();
    fs::write(scratch.path().join("Cargo.toml"), "[workspace]\n").unwrap();
    fs::create_dir(scratch.path().join("deep")).unwrap();
    let errors = refused(scratch.path(), &["deep/claims-desk"]);
    assert!(
        errors.contains("is in the workspace of") && errors.contains("name a folder outside"),
        "{errors}"
    );
}

#[test]
fn cargo_generate_runs_what_is_there() {
    let config: toml::Table = text("cargo-generate.toml").parse().unwrap();
    let mut hooks = 0;
    for scripts in config["hooks"].as_table().unwrap().values() {
        for script in scripts.as_array().unwrap() {
            let script = text(script.as_str().unwrap());
            assert!(
                script.contains("system::command(\"template/new-project --"),
                "{script}"
            );
            hooks += 1;
        }
    }
    assert_eq!(hooks, 2);
    // Nothing is rendered: braces of YAML and of Rust stay what they are.
    assert_eq!(config["template"]["exclude"].as_array().unwrap().len(), 1);
}
