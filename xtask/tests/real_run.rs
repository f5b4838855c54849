//! The same fixture for real.

mod common;

use common::{Fixture, Ran};

fn lines_with<'a>(ran: &'a Ran, word: &str) -> Vec<&'a str> {
    ran.out.lines().filter(|line| line.contains(word)).collect()
}

#[test]
fn a_test_run_fetches_tools_makes_environments_and_adds_up_totals() {
    let fixture = Fixture::new();
    let ran = fixture.run(&["test"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(fixture.root.join(".xtask/tools/uv-1.0/bin/uv").is_file());
    assert!(fixture
        .root
        .join("python/greeter/.venv/bin/pytest")
        .is_file());
    // Two tests of cargo (its documentation tests are none), three and three of the Python units.
    assert_eq!(
        ran.out.lines().last(),
        Some("tests: 8 passed, 0 failed, 2 skipped"),
        "{ran:?}"
    );
    assert_eq!(
        lines_with(
            &ran,
            "tools:uv: uv 1.0 from npm (uv 1.0) into .xtask/tools/uv-1.0"
        )
        .len(),
        1,
        "{ran:?}"
    );

    let again = fixture.run(&["test"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(
        lines_with(&again, "prepare"),
        [""; 0],
        "nothing had changed"
    );
    assert_eq!(
        fixture.calls().len(),
        1,
        "the tool was fetched once: {:?}",
        fixture.calls()
    );
}

#[test]
fn an_environment_that_was_moved_with_its_checkout_is_made_again() {
    let mut fixture = Fixture::new();
    let args = ["test", "--unit", "demo"];
    assert_eq!(fixture.run(&args).code, Some(0));
    let moved = fixture.root.with_file_name("moved");
    std::fs::rename(&fixture.root, &moved).unwrap();
    fixture.root = moved;
    let program = fixture.root.join("examples/demo/app/.venv/bin/pytest");
    std::fs::write(&program, "#!/gone/.venv/bin/python\n").unwrap();
    let ran = fixture.run(&args);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let again = std::fs::read_to_string(&program).unwrap();
    assert!(!again.contains("/gone/"), "{again}");
}

#[test]
fn an_environment_is_renewed_when_the_lock_or_a_dependency_changes() {
    let fixture = Fixture::new();
    let args = ["test", "--unit", "demo"];
    assert_eq!(fixture.run(&args).code, Some(0));
    assert_eq!(lines_with(&fixture.run(&args), ":prepare").len(), 0);
    fixture.write("examples/demo/app/requirements.lock", "# changed\n");
    assert_ne!(
        lines_with(&fixture.run(&args), ":prepare").len(),
        0,
        "the lock changed"
    );
    let manifest =
        std::fs::read_to_string(fixture.root.join("python/greeter/pyproject.toml")).unwrap();
    fixture.write(
        "python/greeter/pyproject.toml",
        &format!("{manifest}\n# changed\n"),
    );
    assert_ne!(
        lines_with(&fixture.run(&args), ":prepare").len(),
        0,
        "a path dependency changed"
    );
}

#[test]
fn a_unit_that_needs_another_gets_it_built_and_is_told_where_it_is() {
    let fixture = Fixture::new();
    let plan = fixture.run(&["test", "--unit", "demo", "--dry-run"]);
    assert!(
        plan.out.contains("ADDER_BIN=../../../target/debug/adder"),
        "{plan:?}"
    );
    assert!(
        plan.out
            .contains("(after examples/demo/app:prepare, rust/adder:cargo-build)"),
        "{plan:?}"
    );
    // An installed path dependency comes in the environment, the greeter before the app that needs it.
    assert!(
        plan.out.contains("--editable ../../../python/greeter"),
        "{plan:?}"
    );
}

#[test]
fn what_people_see() {
    let fixture = Fixture::new();
    insta::assert_snapshot!(fixture.run(&["test", "--unit", "greeter"]).stable());
}

#[test]
fn what_programs_see() {
    let fixture = Fixture::new();
    let records = fixture
        .run(&["test", "--unit", "greeter", "--json"])
        .records();
    insta::assert_snapshot!(records
        .iter()
        .map(|record| {
            let mut record = record.clone();
            for field in ["duration_ms", "cpu_ms", "critical_path_ms"] {
                if record.get(field).is_some() {
                    record[field] = "[time]".into();
                }
            }
            if record.get("slowest").is_some() {
                record["slowest"] = "[tasks]".into();
            }
            Ran::without_run(&serde_json::to_string_pretty(&record).unwrap()) + "\n"
        })
        .collect::<String>());
}

#[test]
fn a_failing_unit_does_not_stop_its_siblings_and_its_log_comes_last() {
    let fixture = Fixture::new();
    fixture.write("python/greeter/tests/FAIL", "");
    let ran = fixture.run(&["test"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(
        lines_with(&ran, "   ok rust/adder:cargo-test").len(),
        1,
        "{ran:?}"
    );
    assert_eq!(
        lines_with(&ran, "   ok examples/demo/app:pytest").len(),
        1,
        "{ran:?}"
    );
    let end = ran
        .out
        .split("──── ")
        .nth(1)
        .expect("the failed log is shown");
    assert!(end.starts_with("python/greeter:pytest"), "{end}");
    for wanted in [
        "E   assert 1 == 2",
        "failed: python/greeter: `(cd python/greeter && VIRTUAL_ENV=.venv .venv/bin/pytest)` failed with exit code 1",
        "   log: target/xtask/runs/[run]/test/python-greeter-pytest.log",
        " rerun: cargo xtask test --unit python/greeter",
    ] {
        assert!(Ran::without_run(end).contains(wanted), "no `{wanted}` in\n{end}");
    }
    assert_eq!(
        ran.out.lines().last(),
        Some("tests: 7 passed, 1 failed, 1 skipped")
    );
    assert_eq!(ran.err, "error: 1 of 8 tasks failed\n");
}

#[test]
fn what_needs_a_failed_task_is_skipped_and_says_why() {
    let fixture = Fixture::new();
    fixture.write("rust/adder/src/lib.rs", "this is not Rust");
    let ran = fixture.run(&["test", "--unit", "adder"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains(
            " skip rust/adder:cargo-test  because rust/adder:compile-tests did not succeed"
        ),
        "{ran:?}"
    );
    assert!(
        ran.out.contains("tasks: 0 ok, 1 failed, 1 skipped in"),
        "{ran:?}"
    );
}

#[test]
fn quiet_prints_only_the_end() {
    let ran = Fixture::new().run(&["test", "--unit", "greeter", "--quiet"]);
    let lines: Vec<_> = ran.out.lines().collect();
    assert_eq!(lines.len(), 3, "{ran:?}");
    assert!(lines[0].starts_with("slowest: "), "{ran:?}");
    assert!(lines[1].starts_with("tasks: 3 ok in"), "{ran:?}");
    assert_eq!(lines[2], "tests: 3 passed, 0 failed, 1 skipped");
}

#[test]
fn github_gets_a_fold_and_an_annotation() {
    let fixture = Fixture::new();
    fixture.write("python/greeter/tests/FAIL", "");
    let output = fixture
        .xtask(&["test", "--unit", "greeter"])
        .env("GITHUB_ACTIONS", "true")
        .output()
        .unwrap();
    let ran = Ran::from(output);
    assert_eq!(ran.code, Some(1));
    let start = ran
        .out
        .find("::group::python/greeter:pytest\n")
        .expect("a fold");
    let end = ran.out.find("::endgroup::\n").expect("its end");
    assert!(ran.out[start..end].contains("E   assert 1 == 2"), "{ran:?}");
    assert!(
        ran.out
            .contains("::error title=python/greeter pytest::python/greeter: `"),
        "{ran:?}"
    );
    assert!(
        ran.out
            .contains("%0Arerun: cargo xtask test --unit python/greeter\n"),
        "{ran:?}"
    );
}

#[test]
fn lint_fmt_and_build_run_the_units_own_tools() {
    let fixture = Fixture::new();
    for (command, tasks) in [("lint", 12), ("fmt", 3), ("build", 2)] {
        let ran = fixture.run(&[command]);
        assert_eq!(ran.code, Some(0), "{command}: {ran:?}");
        assert!(
            ran.out.contains(&format!("tasks: {tasks} ok in")),
            "{command}: {ran:?}"
        );
    }
    let shown = fixture
        .run(&["lint", "--unit", "greeter", "--show-logs"])
        .out;
    assert!(
        shown.contains("      | mypy\n"),
        "the manifest says what to check"
    );
}

#[test]
fn a_broken_plugin_is_reported_file_by_file() {
    let fixture = Fixture::new();
    std::fs::remove_file(
        fixture
            .root
            .join("python/plugin/templates/handler/handler.py.tera"),
    )
    .unwrap();
    let ran = fixture.run(&["lint", "--lang", "tasker-plugin"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("templates/handler/template.toml: `handler.py.tera` is not a file of the template's folder"),
        "{ran:?}"
    );
}

#[test]
fn a_locked_build_backend_is_used_and_nothing_else_is_fetched() {
    let fixture = Fixture::new();
    let isolated = |command: &str| {
        let plan = fixture.run(&[command, "--unit", "greeter", "--dry-run"]);
        let lines = plan
            .out
            .lines()
            .filter(|line| line.contains("uv build") || line.contains("uv pip install"));
        lines
            .map(|line| !line.contains("--no-build-isolation"))
            .collect::<Vec<_>>()
    };
    assert_eq!(isolated("build"), [true, true]);
    fixture.write(
        "python/greeter/requirements.lock",
        "hatchling==1.27.0 \\\n    --hash=sha256:00\n",
    );
    assert_eq!(
        isolated("build"),
        [true, false],
        "an editable install takes `editables` too"
    );
    fixture.write(
        "python/greeter/requirements.lock",
        "editables==0.5\nhatchling==1.27.0\n",
    );
    assert_eq!(isolated("build"), [false, false]);
}
