//! Workflows of continuous integration: what they may do, what they run, and that everything foreign in them is pinned.

use std::path::{Path, PathBuf};

use clap::Parser;
use xtask::cli::Cli;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Name and text of every workflow.
fn workflows() -> Vec<(String, String)> {
    let folder = root().join(".github/workflows");
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    assert!(found.len() >= 2);
    found
}

fn text_of(name: &str) -> String {
    std::fs::read_to_string(root().join(".github/workflows").join(name)).unwrap()
}

/// The lines of a job, without comments.
fn job<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    text.lines()
        .skip_while(|line| *line != format!("  {name}:"))
        .skip(1)
        .take_while(|line| {
            !line.starts_with("  ") || line.starts_with("   ") || line.trim().is_empty()
        })
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect()
}

/// What a workflow must write behind `uses:` for each row of `.github/action-pins.toml`.
fn pins() -> Vec<String> {
    let text = std::fs::read_to_string(root().join(".github/action-pins.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let rows = table["action"].as_array().unwrap();
    rows.iter()
        .map(|row| {
            let text = |key: &str| row.get(key).map(|value| value.as_str().unwrap());
            let (name, version) = (text("name").unwrap(), text("version").unwrap());
            assert!(row.get("looked_up").is_some_and(toml::Value::is_datetime));
            match text("commit") {
                Some(commit) => {
                    let is_commit =
                        commit.len() == 40 && commit.bytes().all(|c| c.is_ascii_hexdigit());
                    assert!(is_commit, "{name}: `{commit}` is not a commit");
                    format!("{name}@{commit} # v{version}")
                }
                None => format!("{name}@v{version}"),
            }
        })
        .collect()
}

#[test]
fn every_action_is_pinned_as_the_table_says() {
    let pins = pins();
    let mut used = std::collections::BTreeSet::new();
    for (file, text) in workflows() {
        for line in text.lines().filter(|line| line.contains("uses:")) {
            let action = line.split("uses:").nth(1).unwrap().trim();
            assert!(
                pins.iter().any(|pin| pin == action),
                "{file}: `{action}` is not in .github/action-pins.toml, which has {pins:#?}"
            );
            used.insert(action.to_owned());
        }
    }
    let unused: Vec<&String> = pins.iter().filter(|pin| !used.contains(*pin)).collect();
    assert!(unused.is_empty(), "no workflow uses {unused:?}");
}

/// Everything between `${{` and `}}` becomes part of a script if it stands in one.
#[test]
fn nothing_foreign_becomes_part_of_a_script() {
    for (file, text) in workflows() {
        let mut script: Option<usize> = None;
        for line in text.lines() {
            let indent = line.len() - line.trim_start().len();
            if script.is_some_and(|outer| !line.trim().is_empty() && indent <= outer) {
                script = None;
            }
            let key = line.trim_start().trim_start_matches("- ");
            if key.starts_with("run:") {
                script = Some(indent + line.trim_start().len() - key.len());
            }
            let is_script = script.is_some();
            assert!(
                !is_script || !line.contains("${{"),
                "{file}: `{}`",
                line.trim()
            );
        }
    }
}

#[test]
fn every_command_of_the_tool_is_understood() {
    let mut seen = 0;
    for (file, text) in workflows() {
        for line in text.lines().filter(|line| line.contains("cargo xtask ")) {
            let command = &line[line.find("cargo xtask ").unwrap()..];
            let command = command
                .trim_end_matches([')', '"'])
                .replace("${UNIT:+\"--unit=$UNIT\"}", "--unit x");
            let words = command.split_whitespace().skip(1);
            // Their values are known only there.
            if command.contains("$ARGS") || command.contains('`') {
                continue;
            }
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("{file}: `{command}`: {error}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 7, "only {seen} commands");
}

#[test]
fn a_release_has_no_right_that_it_does_not_need() {
    let text = text_of("release.yml");
    assert!(text.contains("\npermissions: {}\n"), "nothing by default");
    for name in ["plan", "pack"] {
        let job = job(&text, name);
        assert!(job.contains(&"      contents: read"), "{name}: {job:#?}");
        let strong = job
            .iter()
            .find(|line| line.contains(": write") || line.contains("secrets."));
        assert_eq!(
            strong, None,
            "{name} runs code of others, and may only read"
        );
        let keeps = job
            .iter()
            .filter(|line| line.contains("persist-credentials: false"));
        assert_eq!(keeps.count(), 1, "{name} leaves no token in the clone");
    }
    let publish = job(&text, "publish");
    let rights: Vec<&str> = publish
        .iter()
        .filter_map(|line| {
            line.trim()
                .split(" #")
                .next()
                .unwrap()
                .strip_suffix(": write")
        })
        .collect();
    assert_eq!(rights, ["contents", "id-token"]);
    assert!(
        publish.contains(&"    environment: release"),
        "somebody approves"
    );
    assert!(
        !text.contains("secrets."),
        "registries trust the job: no long-lived token is stored"
    );
    assert!(
        text.contains("cancel-in-progress: false"),
        "a release is never cut off"
    );
}

#[test]
fn versions_are_checked_on_every_change() {
    let plan = job(&text_of("ci.yml"), "plan").join("\n");
    assert!(plan.contains("run: cargo xtask version check"), "{plan}");
}

#[test]
fn the_oldest_rust_is_the_one_that_the_crates_promise() {
    let text = text_of("ci.yml");
    let job = job(&text, "msrv").join("\n");
    for crate_folder in ["rust/tasker-contrib-axum", "ops/dev-server"] {
        let manifest =
            std::fs::read_to_string(root().join(crate_folder).join("Cargo.toml")).unwrap();
        let promised = manifest
            .lines()
            .find_map(|line| line.strip_prefix("rust-version = "));
        let promised = promised.unwrap_or_else(|| panic!("{crate_folder} promises nothing"));
        assert!(
            job.contains(&format!("MSRV: {promised}")),
            "{crate_folder}: {promised} is not in {job}"
        );
    }
}

#[test]
fn the_pythons_are_those_that_the_packages_promise() {
    let text = text_of("ci.yml");
    let quoted = |line: &str| -> Vec<String> {
        line.split('"')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let matrix = job(&text, "python");
    let units = job(&text, "xtask");
    let mut tested: Vec<String> = (matrix.iter().map(|line| line.trim()))
        .filter(|line| line.starts_with("python: ["))
        .chain((units.iter().copied()).filter(|line| line.contains("python-version:")))
        .flat_map(quoted)
        .collect();
    tested.sort();
    for package in [
        "tasker-contrib",
        "tasker-contrib-fastapi",
        "tasker-contrib-django",
    ] {
        let folder = format!("python/{package}");
        let manifest = std::fs::read_to_string(root().join(&folder).join("pyproject.toml"));
        let promised: Vec<String> = (manifest.unwrap().lines())
            .filter_map(|line| {
                line.trim()
                    .strip_prefix("\"Programming Language :: Python :: ")
            })
            .filter(|line| line.starts_with("3."))
            .map(|line| line.trim_end_matches("\",").to_owned())
            .collect();
        assert_eq!(promised, tested, "{folder}");
        let command = matrix.join(" ");
        assert!(command.contains(&format!("--unit {folder}")), "{command}");
    }
}
