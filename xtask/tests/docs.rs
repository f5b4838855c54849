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
            // What comes behind `dev` is tasker-dev's, whose own test reads its README.
            if command.starts_with("cargo xtask dev ") {
                continue;
            }
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
                place.exists() || target == "docs/images/report.png",
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

/// Runs the script of the guide to daily jobs against a server that answers every request with `status`.
fn create_daily_report(status: &str) -> (std::process::Output, String) {
    use std::io::{BufRead, BufReader, Read, Write};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut request, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
            request += &line;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        request + &String::from_utf8(body).unwrap()
    });
    let script = root().join("docs/guides/run-a-job-every-day/create-daily-report");
    let output = std::process::Command::new(script)
        .env("TASKER_ORCHESTRATION_URL", url)
        .env("NO_PROXY", "*")
        .output()
        .unwrap();
    (output, server.join().unwrap())
}

#[test]
fn the_script_for_daily_jobs_creates_one_task_a_day() {
    let (created, request) = create_daily_report("200 OK");
    assert!(created.status.success(), "{created:?}");
    assert!(request.starts_with("POST /v1/tasks "), "{request}");
    let task: serde_json::Value =
        serde_json::from_str(&request[request.find('{').unwrap()..]).unwrap();
    // What Core requires of a new task.
    for key in [
        "namespace",
        "name",
        "version",
        "initiator",
        "source_system",
        "reason",
    ] {
        assert!(task[key].is_string(), "{key}: {task}");
    }
    let day = task["context"]["day"].as_str().unwrap();
    let said = String::from_utf8(created.stdout).unwrap();
    assert_eq!(said, format!("created the report of {day}\n"));
    assert_eq!((day.len(), day.matches('-').count()), (10, 2), "{day}");

    let (there, _) = create_daily_report("409 Conflict");
    assert!(there.status.success(), "{there:?}");
    let (refused, _) = create_daily_report("400 Bad Request");
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
}
