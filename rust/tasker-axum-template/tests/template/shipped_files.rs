//! The files that no other test of the project reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use app::settings::Settings;
use serde_json::Value;
use tempfile::TempDir;

use crate::{command, repository, shown, template, text};

const PROGRAM: &str = env!("CARGO_BIN_EXE_document-intake");

fn yaml(text: &str) -> Value {
    let mut value: serde_yaml::Value = serde_yaml::from_str(text).unwrap();
    value.apply_merge().unwrap();
    serde_json::to_value(value).unwrap()
}

fn of_repository(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

/// What stands between two marks, each time.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    let parts = text.split(begin).skip(1);
    parts
        .filter_map(|part| Some(part.split_once(end)?.0))
        .collect()
}

/// The lines of the README's commands.
fn commands() -> Vec<String> {
    let readme = text("README.md");
    let blocks = between(&readme, "```sh\n", "```");
    let lines = blocks.iter().flat_map(|block| block.lines());
    lines.map(str::to_owned).collect()
}

#[test]
fn actions_are_pinned_as_in_this_repository() {
    let table: toml::Table = of_repository(".github/action-pins.toml").parse().unwrap();
    let row = |action: &toml::Value| {
        let word = |key: &str| action[key].as_str().unwrap().to_owned();
        format!("{}@{} # v{}", word("name"), word("commit"), word("version"))
    };
    let allowed: BTreeSet<String> = table["action"]
        .as_array()
        .unwrap()
        .iter()
        .map(row)
        .collect();
    let ci = text(".github/workflows/ci.yml");
    let used = between(&ci, "uses: ", "\n");
    assert!(used.len() > 2);
    for action in used {
        assert!(allowed.contains(action), "{action}");
    }
}

#[test]
fn ci_has_style_lints_tests_an_audit_and_the_image() {
    let ci = yaml(&text(".github/workflows/ci.yml"));
    let steps = |job: &str| -> Vec<String> {
        let steps = ci["jobs"][job]["steps"].as_array().unwrap().iter();
        steps
            .filter_map(|step| Some(step["run"].as_str()?.to_owned()))
            .collect()
    };
    let check = steps("check");
    for begin in [
        "bin/setup",
        "cargo fmt --check",
        "cargo clippy --locked",
        "cargo test --locked",
        "cargo audit",
    ] {
        assert!(check.iter().any(|line| line.starts_with(begin)), "{begin}");
    }
    // It names targets that there are.
    for target in ["tests/unit/main.rs", "tests/stack/main.rs", "src/lib.rs"] {
        assert!(template().join(target).exists(), "{target}");
    }
    assert_eq!(steps("image"), ["docker build --tag application:ci ."]);
}

/// Values over those of a chart, as Helm lays them.
fn over(chart: &mut Value, values: &Value) {
    match (chart, values) {
        (Value::Object(chart), Value::Object(values)) => {
            for (name, value) in values {
                over(chart.entry(name).or_insert(Value::Null), value);
            }
        }
        (chart, values) => *chart = values.clone(),
    }
}

#[test]
fn the_values_fit_the_chart() {
    let schema: Value =
        serde_json::from_str(&of_repository("ops/helm/tasker-worker/values.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let problems = |values: &Value| -> Vec<String> {
        let mut all = yaml(&of_repository("ops/helm/tasker-worker/values.yaml"));
        over(&mut all, values);
        schema
            .iter_errors(&all)
            .map(|error| error.to_string())
            .collect()
    };
    let mut values = yaml(&text("values.yaml"));
    assert_eq!(problems(&values), [] as [&str; 0]);
    assert_eq!(
        values["args"],
        serde_json::json!(["document-intake", "worker"])
    );
    assert_eq!(values["probes"]["prefix"], "/tasker");
    values["database"]["existingSecret"]["nam"] = "x".into();
    assert_eq!(problems(&values).len(), 1);
}

#[test]
fn services_are_confined_and_start_programs_that_there_are() {
    let (_, help, _) = shown(command(PROGRAM).arg("--help").output().unwrap());
    for file in ["compose.yaml", "compose.production.yaml"] {
        let compose = yaml(&text(file));
        let services = compose["services"].as_object().unwrap();
        for name in ["migrate", "web", "relay", "worker"] {
            let service = &services[name];
            assert_eq!(service["read_only"], true, "{file}: {name}");
            assert_eq!(
                service["cap_drop"],
                serde_json::json!(["ALL"]),
                "{file}: {name}"
            );
            if name != "web" {
                assert_eq!(
                    service["command"],
                    serde_json::json!(["document-intake", name]),
                    "{file}"
                );
            }
            assert!(help.contains(&format!("\n  {name} ")), "{name}: {help}");
            // Tasker's database is the worker's alone.
            let variables = service["environment"].as_object().unwrap().keys();
            let has = variables
                .filter(|key| key.starts_with("DATABASE_URL"))
                .count();
            assert_eq!(has, usize::from(name == "worker"), "{file}: {name}");
        }
        for service in services.values() {
            for port in service["ports"].as_array().into_iter().flatten() {
                assert!(
                    port.as_str().unwrap().starts_with("127.0.0.1:"),
                    "{file}: {port}"
                );
            }
        }
    }
}

#[test]
fn the_image_has_what_it_copies_and_runs_as_nobody() {
    let (dockerfile, sent) = (text("Dockerfile"), text(".dockerignore"));
    let sent: BTreeSet<&str> = sent
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    let build = [
        "build.rs",
        "src",
        "Cargo.toml",
        "Cargo.lock",
        ".cargo",
        "migrations",
        "vendor",
    ];
    for path in build {
        assert!(sent.contains(path), "{path}");
    }
    for line in dockerfile
        .lines()
        .filter(|line| line.starts_with("COPY") && !line.contains("--from"))
    {
        let source = line.split(' ').nth(1).unwrap().trim_end_matches('/');
        let begin = source.split('/').next().unwrap();
        assert!(source == "." || sent.contains(begin), "{line}");
        assert!(template().join(source).exists(), "{line}");
    }
    let last = dockerfile.rsplit_once("\nFROM ${DEBIAN}").unwrap().1;
    for line in [
        "USER 10001:10001",
        "STOPSIGNAL SIGTERM",
        "ENTRYPOINT [\"entrypoint\"]",
        "CMD [\"document-intake\", \"web\"]",
    ] {
        assert!(last.lines().any(|other| other == line), "{line}");
    }
    assert!(last.contains("CMD [\"document-intake\", \"health\"]"));
}

#[test]
fn other_data_files_can_be_read() {
    for name in ["renovate.json", ".devcontainer/devcontainer.json"] {
        let value: Value = serde_json::from_str(&text(name)).unwrap();
        assert!(value.is_object(), "{name}");
    }
    assert_eq!(text("LICENSE"), of_repository("LICENSE"));
    let cargo: toml::Table = text(".cargo/config.toml").parse().unwrap();
    assert_eq!(cargo["env"]["SQLX_OFFLINE"].as_str(), Some("true"));
}

#[test]
fn the_workflows_are_those_of_the_other_templates() {
    for name in ["intake_document", "finish_review"] {
        let file = format!("config/tasks/{name}.yaml");
        let theirs = of_repository(&format!("python/tasker-fastapi-template/{file}"));
        assert_eq!(yaml(&text(&file)), yaml(&theirs), "{name}");
    }
}

#[test]
fn the_example_of_env_is_taken_in_development_alone() {
    let example = text(".env.example");
    let lines = example.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    let mut given: BTreeMap<String, String> = pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert!(given.len() > 5);
    Settings::read(given.clone()).expect("they are settings of development");
    given.insert("APP_ENV".to_owned(), "production".to_owned());
    let refusals = Settings::read(given).err().unwrap().to_string();
    for name in ["JWT_SECRET", "APP_DATABASE_URL", "DATABASE_URL"] {
        assert!(refusals.contains(&format!("{name} ")), "{name}: {refusals}");
    }
}

#[test]
fn secrets_come_from_files() {
    let folder = TempDir::new().unwrap();
    let secret = folder.path().join("jwt_secret");
    let run = |name: &str, value: &std::ffi::OsStr| {
        let mut entrypoint = command(template().join("bin/entrypoint"));
        entrypoint
            .args(["sh", "-c", "printf %s \"$JWT_SECRET\""])
            .env(name, value);
        shown(entrypoint.output().unwrap())
    };
    fs::write(&secret, "a $(b) 'c'\n").unwrap();
    assert_eq!(run("JWT_SECRET_FILE", secret.as_os_str()).1, "a $(b) 'c'");
    assert_eq!(run("JWT_SECRET", "given".as_ref()).1, "given");
    fs::write(&secret, "").unwrap();
    for file in [secret, folder.path().join("missing")] {
        let (code, out, errors) = run("JWT_SECRET_FILE", file.as_os_str());
        assert_eq!(
            (code, out.as_str(), errors.lines().count()),
            (Some(1), "", 1)
        );
        assert!(errors.contains("JWT_SECRET_FILE"), "{errors}");
    }
}

#[test]
fn the_setup_says_what_is_missing_and_keeps_your_settings() {
    let folder = TempDir::new().unwrap();
    let (project, programs) = (
        folder.path().join("project"),
        folder.path().join("programs"),
    );
    fs::create_dir_all(project.join("bin")).unwrap();
    fs::create_dir(&programs).unwrap();
    fs::copy(template().join("bin/setup"), project.join("bin/setup")).unwrap();
    fs::copy(
        template().join(".env.example"),
        project.join(".env.example"),
    )
    .unwrap();
    let tool = |name: &str| {
        fs::write(programs.join(name), "#!/bin/sh\n").unwrap();
        fs::set_permissions(programs.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    };
    for name in ["dirname", "cp"] {
        let found = ["/usr/bin", "/bin"].map(|folder| std::path::Path::new(folder).join(name));
        let found = found.iter().find(|path| path.exists()).unwrap();
        std::os::unix::fs::symlink(found, programs.join(name)).unwrap();
    }
    let setup = || {
        let mut setup = command("/bin/sh");
        setup.arg(project.join("bin/setup")).env("PATH", &programs);
        shown(setup.output().unwrap())
    };
    for missing in ["cargo", "cc", "protoc"] {
        let (code, out, errors) = setup();
        assert_eq!(
            (code, out.as_str(), errors.lines().count()),
            (Some(1), "", 1),
            "{errors}"
        );
        assert!(
            errors.starts_with(&format!("error: there is no {missing}: ")),
            "{errors}"
        );
        tool(missing);
    }
    assert_eq!(setup().0, Some(0));
    fs::write(project.join(".env"), "MINE=1").unwrap();
    assert_eq!(setup().0, Some(0));
    assert_eq!(fs::read_to_string(project.join(".env")).unwrap(), "MINE=1");
}

#[test]
fn the_readme_names_what_is_there() {
    let readme = text("README.md");
    let rows = between(&readme, "\n| `", "`");
    assert!(rows.len() > 6, "{rows:?}");
    for path in rows {
        assert!(template().join(path).exists(), "{path}");
    }
    let settings = text("src/settings.rs");
    for name in ["JWT_SECRET", "APP_DATABASE_URL", "DB_POOL_SIZE"] {
        assert!(readme.contains(name), "{name}");
        assert!(settings.contains(&format!("\"{name}\"")), "{name}");
    }
    assert!(readme.contains(app::telemetry::VARIABLE));
}

#[test]
fn the_commands_of_the_readme_are_understood() {
    let commands = commands();
    assert_eq!(
        commands[..3],
        [
            "bin/setup",
            "docker compose up --detach --wait",
            "cargo test --lib --test unit"
        ]
    );
    let mut asked = BTreeSet::new();
    for line in &commands {
        let ours = [
            "cargo run -- ",
            "docker compose exec -T web document-intake ",
            "docker compose --file compose.production.yaml run --rm -T web document-intake ",
        ];
        let ours = ours.iter().find_map(|begin| line.split_once(begin));
        if let Some((_, words)) = ours {
            asked.insert(words.split(' ').next().unwrap());
            continue;
        }
        let others = [
            "bin/setup",
            "docker compose up",
            "cargo test",
            "token=$(curl",
            "curl -s",
        ];
        assert!(others.iter().any(|begin| line.starts_with(begin)), "{line}");
    }
    assert_eq!(
        asked,
        BTreeSet::from(["add-user", "migrate", "relay", "web", "worker"])
    );
    for name in asked {
        let (code, out, _) = shown(command(PROGRAM).args([name, "--help"]).output().unwrap());
        assert_eq!(code, Some(0), "{name}");
        assert_eq!(out.contains("--reviewer"), name == "add-user", "{out}");
    }
}
