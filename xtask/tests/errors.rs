//! What is said about mistakes.

mod common;

use common::{Fixture, Ran};

fn mistake(ran: &Ran, message: &str) {
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(ran.err, message);
}

#[test]
fn an_unknown_unit_gets_a_suggestion() {
    mistake(
        &Fixture::new().run(&["test", "--unit", "greter"]),
        "error: no unit is called `greter`; did you mean `greeter`?\n  \
         fix: choose one of: examples/demo, examples/demo/app, python/greeter, python/plugin, rust/adder\n",
    );
}

#[test]
fn an_unknown_language_gets_a_suggestion() {
    for args in [["test", "--lang", "pyton"].as_slice(), &["setup", "pyton"]] {
        mistake(
            &Fixture::new().run(args),
            "error: no language is called `pyton`; did you mean `python`?\n  \
             fix: choose one of: rust, python, ruby, typescript, tasker-plugin, example, helm, image, terraform\n",
        );
    }
}

#[test]
fn a_malformed_manifest_is_named_with_its_line() {
    let fixture = Fixture::new();
    fixture.write(
        "python/greeter/pyproject.toml",
        "[project]\nname = \"greeter\"\nversion = 0.1.0\n",
    );
    let ran = fixture.run(&["test", "--dry-run"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err
            .starts_with("error: python/greeter/pyproject.toml:3: "),
        "{ran:?}"
    );
}

#[test]
fn a_manifest_that_lacks_something_says_what() {
    let fixture = Fixture::new();
    fixture.write("examples/demo/example.toml", "summary = \"x\"\n");
    mistake(
        &fixture.run(&["lint"]),
        "error: examples/demo/example.toml:1: `name` is missing\n",
    );
    fixture.write(
        "examples/demo/example.toml",
        "name = \"demo\"\n\n[apps.django]\nfolder = \"nowhere\"\n",
    );
    mistake(
        &fixture.run(&["lint"]),
        "error: examples/demo/example.toml:3: app `django` needs `folder`, an existing folder of the example\n",
    );
}

#[test]
fn a_need_that_does_not_exist_is_named() {
    let fixture = Fixture::new();
    let path = "examples/demo/app/pyproject.toml";
    let manifest = std::fs::read_to_string(fixture.root.join(path)).unwrap();
    fixture.write(path, &manifest.replace("rust/adder", "rust/subtractor"));
    mistake(
        &fixture.run(&["test"]),
        "error: examples/demo/app/pyproject.toml:10: `tool.xtask.needs` names `rust/subtractor`, \
         which is not a folder of the repository\n",
    );
}

#[test]
fn a_missing_lock_file_comes_with_the_command_that_writes_it() {
    let fixture = Fixture::new();
    std::fs::remove_file(fixture.root.join("examples/demo/app/requirements.lock")).unwrap();
    mistake(
        &fixture.run(&["test"]),
        "error: examples/demo/app/requirements.lock: the lock file is missing\n  \
         fix: in examples/demo/app: uv pip compile pyproject.toml --group dev --all-extras --universal --python-version 3.10 \
         --generate-hashes --no-emit-index-url --no-annotate --no-header --no-emit-package greeter -o requirements.lock (uv refuses it while the manifest says tool.uv.managed = false)\n",
    );
}

#[test]
fn units_in_a_circle_are_listed() {
    let fixture = Fixture::new();
    fixture.write(
        "python/greeter/pyproject.toml",
        "[project]\nname = \"greeter\"\n\n[tool.uv.sources]\ndemo-app = { path = \"../../examples/demo/app\" }\n",
    );
    let ran = fixture.run(&["test"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err
            .contains("dependency cycle: examples/demo/app → python/greeter → examples/demo/app"),
        "{ran:?}"
    );
}

#[test]
fn outside_the_repository_it_says_how_to_get_in() {
    let fixture = Fixture::new();
    let elsewhere = tempfile::TempDir::new().unwrap();
    let ran = Ran::from(
        fixture
            .xtask(&["test"])
            .current_dir(elsewhere.path())
            .output()
            .unwrap(),
    );
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("no repository found: no parent folder of"),
        "{ran:?}"
    );
    assert!(
        ran.err
            .contains("fix: run it inside a clone of the repository, or pass --root DIR"),
        "{ran:?}"
    );
    let root = fixture.root.display().to_string();
    let found = fixture
        .xtask(&["test", "--dry-run", "--root", &root])
        .current_dir(elsewhere.path())
        .output()
        .unwrap();
    assert!(found.status.success());
}

#[test]
fn in_json_an_error_is_one_object() {
    let ran = Fixture::new().run(&["test", "--unit", "greter", "--json"]);
    let records = ran.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["event"], "error");
    assert_eq!(records[0]["exit_code"], 2);
    assert!(
        records[0]["fix"]
            .as_str()
            .unwrap()
            .starts_with("choose one of"),
        "{ran:?}"
    );
}

#[test]
fn a_usage_mistake_is_exit_code_2_and_no_arguments_print_help_with_examples() {
    let fixture = Fixture::new();
    assert_eq!(fixture.run(&["tset"]).code, Some(2));
    let help = fixture.run(&[]);
    assert!(
        help.err.contains("Examples:") && help.err.contains("cargo xtask test"),
        "{help:?}"
    );
}

#[test]
fn a_unit_without_such_a_job_is_nothing_to_do() {
    let ran = Fixture::new().run(&["build", "--lang", "tasker-plugin"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (
            Some(0),
            "nothing to do: no selected unit has a `build` task\n"
        )
    );
}

#[test]
fn in_json_there_is_always_an_answer() {
    let ran = Fixture::new().run(&["build", "--lang", "tasker-plugin", "--json"]);
    assert_eq!(
        ran.records()[0]["text"],
        "nothing to do: no selected unit has a `build` task"
    );
}

#[test]
fn help_lists_every_language() {
    let fixture = Fixture::new();
    for args in [["test", "--help"], ["setup", "--help"]] {
        let help = fixture.run(&args).out;
        let help: Vec<&str> = help.split_whitespace().collect();
        let help = help.join(" ");
        let names: Vec<&str> = xtask::lang::languages()
            .map(|language| language.name())
            .collect();
        assert!(help.contains(&format!("({})", names.join(", "))), "{help}");
    }
}
