//! What the documents tell people to type is understood, and CI runs what the README promises.

use std::path::{Path, PathBuf};

use clap::Parser;
use xtask::cli::Cli;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

fn documents() -> Vec<PathBuf> {
    let root = root();
    let mut found: Vec<PathBuf> = [
        "README.md",
        "DEVELOPMENT.md",
        "ops/dev-server/README.md",
        "examples/etl-pipeline/README.md",
        "examples/e-commerce-workflow/README.md",
    ]
    .iter()
    .map(|name| root.join(name))
    .collect();
    for folder in ["docs", "docs/guides", "docs/architecture"] {
        let entries = std::fs::read_dir(root.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        found.extend(entries.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    found
}

/// Lines of code blocks that call `cargo xtask`, without prompt and comment.
fn commands(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside {
            let line = line.trim_start_matches("$ ");
            if line.starts_with("cargo xtask") {
                found.push(line.split(" #").next().unwrap().trim().to_owned());
            }
        }
    }
    found
}

#[test]
fn every_command_in_the_documents_is_understood() {
    let mut seen = 0;
    for path in documents() {
        for command in commands(&std::fs::read_to_string(&path).unwrap()) {
            let words = command.split_whitespace().skip(1);
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("{}: `{command}`: {error}", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} commands were found");
}

#[test]
fn ci_runs_the_first_commands_of_the_readme() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let ci = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    let promised = commands(&readme);
    assert_eq!(promised.len(), 2, "the first screen has two commands");
    for command in promised {
        assert!(
            ci.lines()
                .any(|line| line.starts_with("step ") && line.ends_with(&command)),
            ".ci/run does not run `{command}`"
        );
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    for path in documents() {
        let text = std::fs::read_to_string(&path).unwrap();
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = target.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let place = path.parent().unwrap().join(target);
            assert!(
                place.exists(),
                "{} links to {target}, which is not there",
                path.display()
            );
        }
    }
}
