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
        "CHANGELOG.md",
        "ops/dev-server/README.md",
        "ops/recovery/README.md",
        "ops/docker/README.md",
        "ops/helm/tasker-full-stack/README.md",
        "ops/helm/tasker-orchestration/README.md",
        "ops/helm/tasker-worker/README.md",
        "ops/terraform/README.md",
        "examples/etl-pipeline/README.md",
        "examples/e-commerce-workflow/README.md",
    ]
    .iter()
    .map(|name| root.join(name))
    .collect();
    add_documents_below(&root.join("docs"), &mut found);
    found
}

fn add_documents_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_documents_below(&path, found);
        } else if path.extension().is_some_and(|end| end == "md") {
            found.push(path);
        }
    }
}

/// A block of code: its language, its text, and the file that it quotes.
struct Block {
    language: String,
    text: String,
    quoted_from: Option<String>,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut quoted_from = None;
    let mut open: Option<Block> = None;
    for line in text.lines() {
        if let Some(block) = &mut open {
            if line == "```" {
                found.extend(open.take());
            } else {
                block.text += line;
                block.text.push('\n');
            }
        } else if let Some(language) = line.strip_prefix("```") {
            open = Some(Block {
                language: language.to_owned(),
                text: String::new(),
                quoted_from: quoted_from.take(),
            });
        } else {
            quoted_from = line
                .strip_prefix("<!-- quoted from ")
                .and_then(|rest| rest.strip_suffix(" -->"))
                .map(str::to_owned);
        }
    }
    assert!(open.is_none(), "a block of code has no end");
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

/// Targets of the links in a text, without those of code.
fn links(text: &str) -> Vec<&str> {
    let mut inside = false;
    let prose = text.lines().filter(|line| {
        inside ^= line.starts_with("```");
        !inside
    });
    prose
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://"))
        .collect()
}

/// The names that headings can be linked by: small letters, words joined by `-`, nothing else.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let kept = line.trim_start_matches('#').trim().chars();
            kept.filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| {
                    if c == ' ' {
                        '-'
                    } else {
                        c.to_ascii_lowercase()
                    }
                })
                .collect()
        })
        .collect()
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut seen = 0;
    for path in documents() {
        let text = std::fs::read_to_string(&path).unwrap();
        for link in links(&text) {
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let place = if target.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap().join(target)
            };
            assert!(
                place.exists(),
                "{} links to {target}, which is not there",
                path.display()
            );
            let is_page = place.extension().is_some_and(|end| end == "md");
            if is_page && !anchor.is_empty() {
                let there = anchors(&std::fs::read_to_string(&place).unwrap());
                assert!(
                    there.iter().any(|name| name == anchor),
                    "{} links to #{anchor} of {}, which has {there:?}",
                    path.display(),
                    place.display()
                );
            }
            seen += 1;
        }
    }
    assert!(seen > 50, "only {seen} links were found");
}

/// Code in these languages is quoted from a file that a test runs; a package's own README counts, because its tests run it.
const RUN: [&str; 7] = ["ini", "python", "ruby", "rust", "rust,no_run", "ts", "yaml"];

#[test]
fn code_is_quoted_from_files_that_are_tested() {
    let root = root();
    let examples = root.join("examples");
    // A test of its own tries what these say.
    let others = [
        "ops/dev-server/README.md",
        "docs/architecture/add-an-ecosystem.md",
        "docs/guides/django.md",
    ];
    let others = others.map(|name| root.join(name));
    let manifest = std::fs::read_to_string(root.join("xtask/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let inputs = manifest["package"]["metadata"]["xtask"]["inputs"]
        .as_array()
        .unwrap();
    let inputs: Vec<&str> = inputs.iter().map(|input| input.as_str().unwrap()).collect();
    let mut seen = 0;
    for path in documents() {
        if path.starts_with(&examples) || others.contains(&path) {
            continue;
        }
        for block in blocks(&std::fs::read_to_string(&path).unwrap()) {
            let page = path.strip_prefix(&root).unwrap().display();
            let Some(source) = block.quoted_from else {
                let language = block.language;
                assert!(
                    !RUN.contains(&language.as_str()),
                    "{page}: a block of {language} does not say where it is quoted from:\n{}",
                    block.text
                );
                continue;
            };
            assert!(
                inputs.iter().any(|input| Path::new(&source).starts_with(input)),
                "{page} quotes {source}: add it to `inputs` of xtask/Cargo.toml, so that a change of it runs this test"
            );
            let text = std::fs::read_to_string(root.join(&source))
                .unwrap_or_else(|error| panic!("{page} quotes {source}: {error}"));
            // In its own tests the package has another name than for its users.
            let text = text.replace("'../../src/client.ts'", "'tasker-contrib-bun/client'");
            assert!(
                format!("\n{text}").contains(&format!("\n{}", block.text)),
                "{page} does not quote {source} word for word:\n{}",
                block.text
            );
            seen += 1;
        }
    }
    assert!(seen >= 15, "only {seen} quotations");
}

#[test]
fn data_in_the_documents_can_be_read() {
    for path in documents() {
        for block in blocks(&std::fs::read_to_string(&path).unwrap()) {
            let wrong = match block.language.as_str() {
                "toml" => block
                    .text
                    .parse::<toml::Table>()
                    .err()
                    .map(|e| e.to_string()),
                "json" => serde_json::Deserializer::from_str(&block.text)
                    .into_iter::<serde_json::Value>()
                    .find_map(Result::err)
                    .map(|e| e.to_string()),
                _ => None,
            };
            assert_eq!(wrong, None, "{}:\n{}", path.display(), block.text);
        }
    }
}

/// Names of settings: keys of Core, with the sections above them, and what our packages call them.
fn settings() -> std::collections::BTreeSet<String> {
    fn add(table: &toml::Table, above: &str, names: &mut std::collections::BTreeSet<String>) {
        for (key, value) in table {
            let name = format!("{above}{key}");
            if let Some(below) = value.as_table() {
                add(below, &format!("{name}."), names);
            }
            names.insert(name);
        }
    }
    let read = |name: &str| -> toml::Table {
        let path = root().join("xtask/contract").join(name);
        std::fs::read_to_string(path).unwrap().parse().unwrap()
    };
    let mut names = std::collections::BTreeSet::new();
    add(&read("config.toml"), "", &mut names);
    for setting in read("settings.toml")["setting"].as_array().unwrap() {
        names.insert(setting["name"].as_str().unwrap().to_owned());
    }
    // Ours, without a key of Core.
    names.extend(["orchestration.token", "orchestration.api_key"].map(str::to_owned));
    for chart in std::fs::read_dir(root().join("ops/helm")).unwrap() {
        if let Ok(schema) =
            std::fs::read_to_string(chart.unwrap().path().join("values.schema.json"))
        {
            add_values(&serde_json::from_str(&schema).unwrap(), "", &mut names);
        }
    }
    names
}

/// The values of a chart.
fn add_values(
    schema: &serde_json::Value,
    above: &str,
    names: &mut std::collections::BTreeSet<String>,
) {
    let properties = schema["properties"].as_object().into_iter().flatten();
    for (name, below) in properties {
        let name = format!("{above}{name}");
        add_values(below, &format!("{name}."), names);
        names.insert(name);
    }
}

#[test]
fn settings_that_guides_name_exist() {
    let settings = settings();
    let is_setting = |word: &&str| {
        word.bytes()
            .all(|c| c.is_ascii_lowercase() || matches!(c, b'.' | b'_'))
            && ["common.", "database.", "orchestration.", "worker."]
                .iter()
                .any(|start| word.starts_with(start))
    };
    let mut seen = 0;
    for path in documents() {
        let text = std::fs::read_to_string(&path).unwrap();
        for word in text.split('`').skip(1).step_by(2).filter(is_setting) {
            assert!(
                settings.contains(word),
                "{}: there is no setting `{word}`",
                path.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} settings");
}
