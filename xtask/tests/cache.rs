//! Results are left out only if nothing that they depend on has changed.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{git, Fixture, Ran};

/// The fixture as a git repository with one commit, because git says which files count.
fn repository() -> Fixture {
    let fixture = Fixture::new();
    fixture.write(".gitignore", "/target/\n.venv/\n/.xtask/\n");
    git(&fixture.root, &["init", "--quiet"]);
    git(&fixture.root, &["add", "--all"]);
    git(&fixture.root, &["commit", "--quiet", "--message", "all"]);
    fixture
}

/// Its unit depends on `python/greeter` by path and needs `rust/adder` built.
const TEST: [&str; 3] = ["test", "--unit", "examples/demo/app"];
const CACHED: &str = "ok examples/demo/app:pytest  3 passed, 0 failed, 1 skipped  (cached)";

fn is_cached(ran: &Ran) -> bool {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out.ends_with("tests: 3 passed, 0 failed, 1 skipped\n"),
        "{}",
        ran.out
    );
    ran.out.contains(CACHED)
}

/// Runs once to know the result, once to see that it is known, and once to see that the run as a whole is.
fn warm(fixture: &Fixture) {
    fixture.run(&TEST);
    assert!(is_cached(&fixture.run(&TEST)), "nothing has changed");
    let whole = fixture.root.join("target/xtask/cache/whole");
    assert_eq!(fs::read_dir(whole).unwrap().count(), 1);
    assert!(is_cached(&fixture.run(&TEST)), "nothing has changed");
}

#[test]
fn the_second_run_runs_nothing_and_the_log_is_there_again() {
    let fixture = repository();
    let first = fixture.run(&TEST);
    assert!(!is_cached(&first));
    let second = fixture.run(&TEST);
    assert!(is_cached(&second));
    assert!(
        !second.out.contains("prepare"),
        "what only the tests needed is left out, too: {}",
        second.out
    );
    let shown = fixture.run(&[&TEST[..], &["--show-logs"]].concat());
    assert!(
        shown
            .out
            .contains("| ==== 3 passed, 1 skipped in 0.01s ===="),
        "{}",
        shown.out
    );
    let record = fixture.run(&[&TEST[..], &["--json"]].concat()).records();
    let finished = record
        .iter()
        .find(|record| record["event"] == "task_finished")
        .unwrap();
    assert_eq!(finished["outcome"], "cached");
    assert!(fixture
        .root
        .join(finished["log"].as_str().unwrap())
        .is_file());
    assert!(!is_cached(
        &fixture.run(&[&TEST[..], &["--no-cache"]].concat())
    ));
    assert!(
        is_cached(&fixture.run(&TEST)),
        "a forced run keeps its success, too"
    );
    assert_eq!(fixture.run(&["cache", "clean"]).code, Some(0));
    assert!(!is_cached(&fixture.run(&TEST)));
}

#[test]
fn every_kind_of_input_counts() {
    let fixture = repository();
    let root = &fixture.root;
    let own = root.join("examples/demo/app/tests/test_app.py");
    let dependency = root.join("python/greeter/src/greeter/__init__.py");
    let needed = root.join("rust/adder/src/lib.rs");
    let append = |path: &Path| fs::write(path, fs::read_to_string(path).unwrap() + "\n").unwrap();
    let changes: [(&str, &dyn Fn()); 14] = [
        ("a source of the unit", &|| append(&own)),
        ("the same size and the same time", &|| {
            let meta = fs::metadata(&own).unwrap();
            let text = fs::read_to_string(&own).unwrap();
            fs::write(&own, text.replace("test", "tset")).unwrap();
            let file = fs::File::options().write(true).open(&own).unwrap();
            file.set_modified(meta.modified().unwrap()).unwrap();
        }),
        ("a source of a path dependency", &|| append(&dependency)),
        ("a source of a unit that must be built", &|| append(&needed)),
        ("a lock file", &|| {
            append(&root.join("examples/demo/app/requirements.lock"))
        }),
        ("a lock file that units of a language share", &|| {
            append(&root.join("Cargo.lock"))
        }),
        ("a manifest", &|| {
            append(&root.join("python/greeter/pyproject.toml"))
        }),
        ("the manifest of the example around it", &|| {
            append(&root.join("examples/demo/example.toml"))
        }),
        ("a file of no unit", &|| fixture.write("VERSION", "1")),
        ("a new file that git does not know yet", &|| {
            fixture.write("examples/demo/app/tests/test_new.py", "")
        }),
        ("permissions", &|| {
            fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap()
        }),
        ("a link instead of a file", &|| {
            fs::remove_file(&dependency).unwrap();
            std::os::unix::fs::symlink("/dev/null", &dependency).unwrap();
        }),
        ("a deleted file", &|| {
            fs::remove_file(root.join("VERSION")).unwrap()
        }),
        ("the tools' table", &|| {
            append(&root.join("xtask/tools.toml"))
        }),
    ];
    for (what, change) in changes {
        warm(&fixture);
        // With the change staged in the index of the time before, stat data is fresh and the content is what must tell.
        git(root, &["add", "--all"]);
        warm(&fixture);
        change();
        assert!(!is_cached(&fixture.run(&TEST)), "{what} must run the tests");
    }
}

#[test]
fn what_it_does_not_use_does_not_count() {
    let fixture = repository();
    warm(&fixture);
    fixture.write(
        "python/plugin/templates/handler/handler.py.tera",
        "# changed\n",
    );
    assert!(
        is_cached(&fixture.run(&TEST)),
        "a unit that it does not use"
    );
    git(&fixture.root, &["add", "--all"]);
    git(&fixture.root, &["commit", "--quiet", "--message", "more"]);
    assert!(
        is_cached(&fixture.run(&TEST)),
        "a commit changes no content"
    );
    let touched = fixture.root.join("python/greeter/src/greeter/__init__.py");
    let text = fs::read(&touched).unwrap();
    fs::write(&touched, "changed = True\n").unwrap();
    fs::write(&touched, text).unwrap();
    assert!(
        is_cached(&fixture.run(&TEST)),
        "the same content at another time"
    );
    fixture.write("target/other", "ignored");
    assert!(is_cached(&fixture.run(&TEST)), "what git ignores");
}

#[test]
fn an_input_that_git_ignores_is_refused_because_its_changes_go_unnoticed() {
    let fixture = repository();
    let manifest = "rust/adder/Cargo.toml";
    let text = fs::read_to_string(fixture.root.join(manifest)).unwrap();
    fixture.write(
        manifest,
        &format!(
            "{text}\n[package.metadata.xtask]\ninputs = [\"rust/adder/secret.env\", \"notes\"]\n"
        ),
    );
    fixture.write("notes/today", "seen by git\n");
    fixture.write("notes-of-another", "has the same beginning\n");
    fixture.write("rust/adder/secret.env", "TOKEN=1\n");
    let ignore = |more: &str| {
        fixture.write(
            ".gitignore",
            &format!("/target/\n.venv/\n/.xtask/\n{more}\n"),
        );
        fixture.run(&["test", "--unit", "rust/adder", "--dry-run"])
    };
    assert_eq!(ignore("").code, Some(0));
    for (pattern, input) in [
        ("secret.env", "rust/adder/secret.env"),
        ("/notes/", "notes"),
    ] {
        let refused = ignore(pattern);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        let words = format!("Cargo.toml:7: `{input}` in `inputs` is ignored by git");
        assert!(refused.err.contains(&words), "{}", refused.err);
    }
}

#[test]
fn the_environment_counts_and_nothing_else_of_it_reaches_a_task() {
    let fixture = repository();
    let pytest = "#!/bin/sh\nenv > seen.env\necho '==== 3 passed, 1 skipped in 0.01s ===='\n";
    fixture.write(".gitignore", "/target/\n.venv/\n/.xtask/\nseen.env\n");
    fixture.run(&TEST);
    let place = fixture.root.join("examples/demo/app/.venv/bin/pytest");
    fs::write(&place, pytest).unwrap();
    let with = |name: &str, value: &str| {
        Ran::from(fixture.xtask(&TEST).env(name, value).output().unwrap())
    };
    warm(&fixture);
    assert!(
        !is_cached(&with("LC_ALL", "C")),
        "a variable that tasks can see"
    );
    assert!(is_cached(&with("LC_ALL", "C")));
    assert!(!is_cached(&with("LC_ALL", "POSIX")), "another value");
    assert!(
        is_cached(&with("UNDECLARED", "1")),
        "a variable that tasks cannot see"
    );
    fixture.write(
        "rust/adder/src/lib.rs",
        "// changed\npub fn f() {}\nfn main() {}\n",
    );
    let seen = || fs::read_to_string(fixture.root.join("examples/demo/app/seen.env")).unwrap();
    assert!(!seen().contains("UNDECLARED"), "{}", seen());

    let manifest = fixture.root.join("examples/demo/app/pyproject.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(
        &manifest,
        text.replace("[tool.xtask]", "[tool.xtask]\nenv = [\"DECLARED\"]"),
    )
    .unwrap();
    assert!(!is_cached(&with("DECLARED", "one")));
    assert!(seen().contains("DECLARED=one"), "{}", seen());
    assert!(is_cached(&with("DECLARED", "one")));
    assert!(
        !is_cached(&with("DECLARED", "two")),
        "a variable that the unit asks for"
    );
}

#[test]
fn versions_of_tools_count() {
    let fixture = repository();
    warm(&fixture);
    // The fixture's table says that Python units need npm; a shim is a script, so it is asked each time.
    let shim = fixture.shims.join("npm");
    let text = fs::read_to_string(&shim).unwrap();
    fs::write(&shim, text.replace("10.0.0", "11.0.0")).unwrap();
    assert!(
        !is_cached(&fixture.run(&TEST)),
        "another version of a tool must run the tests"
    );
}

#[test]
fn inputs_outside_the_unit_are_those_that_its_manifest_lists() {
    let fixture = repository();
    fixture.write("python/plugin/notes.md", "one");
    warm(&fixture);
    fixture.write("python/plugin/notes.md", "two");
    assert!(is_cached(&fixture.run(&TEST)));
    let manifest = fixture.root.join("examples/demo/app/pyproject.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(
        &manifest,
        text.replace(
            "[tool.xtask]",
            "[tool.xtask]\ninputs = [\"python/plugin/notes.md\"]",
        ),
    )
    .unwrap();
    warm(&fixture);
    fixture.write("python/plugin/notes.md", "three");
    assert!(!is_cached(&fixture.run(&TEST)));
    fs::write(
        &manifest,
        text.replace("[tool.xtask]", "[tool.xtask]\ninputs = [\"nowhere\"]"),
    )
    .unwrap();
    let wrong = fixture.run(&TEST);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("examples/demo/app/pyproject.toml:10: `tool.xtask.inputs` names `nowhere`, which is not in the repository"), "{wrong:?}");
}

#[test]
fn a_failure_is_not_kept_and_neither_is_a_success_that_changed_files() {
    let fixture = repository();
    fixture.write("examples/demo/app/tests/FAIL", "");
    assert_eq!(fixture.run(&TEST).code, Some(1));
    assert_eq!(fixture.run(&TEST).code, Some(1), "a failure runs again");
    fs::remove_file(fixture.root.join("examples/demo/app/tests/FAIL")).unwrap();
    fixture.run(&TEST);
    let pytest = fixture.root.join("examples/demo/app/.venv/bin/pytest");
    let script = fs::read_to_string(&pytest).unwrap();
    fs::write(
        &pytest,
        script.replacen('\n', "\ndate +%N > tests/written\n", 1),
    )
    .unwrap();
    fixture.write("examples/demo/app/tests/another", "");
    assert!(!is_cached(&fixture.run(&TEST)));
    assert!(
        !is_cached(&fixture.run(&TEST)),
        "the inputs were others after the run"
    );
}

#[test]
fn a_damaged_cache_has_no_hits() {
    let fixture = repository();
    let cache = fixture.root.join("target/xtask/cache");
    let whole = || fs::read_dir(cache.join("whole")).unwrap().next().unwrap();
    warm(&fixture);
    fs::write(cache.join("results.json"), "{\"0\":").unwrap();
    assert!(
        is_cached(&fixture.run(&TEST)),
        "the run as a whole is known"
    );
    fs::write(whole().unwrap().path(), "{\"sum\":").unwrap();
    assert!(!is_cached(&fixture.run(&TEST)));
    warm(&fixture);
    fs::remove_file(cache.join("results.json")).unwrap();
    fs::remove_file(whole().unwrap().path()).unwrap();
    assert!(!is_cached(&fixture.run(&TEST)), "its logs are no results");
    warm(&fixture);
    for log in fs::read_dir(cache.join("results")).unwrap() {
        fs::remove_file(log.unwrap().path()).unwrap();
    }
    assert!(!is_cached(&fixture.run(&TEST)), "its log is gone");
}

#[test]
fn a_run_that_finds_everything_writes_nothing() {
    let fixture = repository();
    warm(&fixture);
    let written = |path: &str| {
        let meta = fs::metadata(fixture.root.join(path)).unwrap();
        meta.modified().unwrap()
    };
    let before = (
        written("target/xtask/cache/results.json"),
        written("target/xtask/runs"),
    );
    assert!(is_cached(&fixture.run(&TEST)));
    let after = (
        written("target/xtask/cache/results.json"),
        written("target/xtask/runs"),
    );
    assert_eq!(before, after);
}

#[test]
fn what_planning_looks_for_beside_files_is_looked_for_again() {
    let fixture = repository();
    fixture.write(
        ".gitignore",
        "/target/\n.venv/\n/.xtask/\n/python/more/tests/\n",
    );
    fixture.write("python/more/pyproject.toml", "[project]\nname = \"more\"\n");
    fixture.write("python/more/requirements.lock", "");
    let run = || fixture.run(&["test", "--lang", "python"]);
    for _ in 0..3 {
        let ran = run();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(!ran.out.contains("python/more"), "{}", ran.out);
    }
    fixture.write("python/more/tests/test_more.py", "");
    let ran = run();
    assert!(ran.out.contains("python/more:pytest"), "{}", ran.out);
}

#[test]
fn explain_names_what_differs() {
    let fixture = repository();
    let explain = || fixture.run(&[&TEST[..], &["--explain"]].concat()).out;
    assert_eq!(
        explain(),
        "Tasker Core: published\nexamples/demo/app:pytest: runs, no success is cached\n"
    );
    warm(&fixture);
    assert_eq!(
        explain(),
        "Tasker Core: published\nexamples/demo/app:pytest: cached, it succeeded on the same inputs\n"
    );
    fixture.write("python/greeter/src/greeter/__init__.py", "changed = True\n");
    fixture.write("python/greeter/src/greeter/more.py", "");
    assert_eq!(
        explain(),
        "Tasker Core: published\nexamples/demo/app:pytest: runs, because these inputs have changed since its last success:\n    \
         files of python/greeter (python)\n        \
         python/greeter/src/greeter/__init__.py (changed)\n        \
         python/greeter/src/greeter/more.py (new)\n"
    );
    warm(&fixture);
    let ran = Ran::from(
        fixture
            .xtask(&[&TEST[..], &["--explain"]].concat())
            .env("LC_ALL", "C")
            .output()
            .unwrap(),
    );
    assert!(
        ran.out.contains("\n    the variable LC_ALL\n"),
        "{}",
        ran.out
    );
}

#[test]
fn lint_is_kept_too_and_a_dependent_gets_what_it_needs_built() {
    let fixture = repository();
    assert!(fixture.run(&["lint"]).out.contains("tasks: 12 ok in"));
    let second = fixture.run(&["lint"]);
    assert!(
        second.out.contains("tasks: 0 ok, 9 cached in"),
        "{}",
        second.out
    );
    // The adder's own test is known, but its program is needed again for a test that is not.
    fixture.run(&["test"]);
    fixture.write("examples/demo/app/tests/test_more.py", "");
    let ran = fixture.run(&["test"]);
    assert!(ran.out.contains("ok rust/adder:cargo-build"), "{}", ran.out);
    assert!(
        ran.out
            .contains("ok rust/adder:cargo-test  2 passed, 0 failed, 0 skipped  (cached)"),
        "{}",
        ran.out
    );
}

#[test]
fn without_git_everything_runs() {
    let fixture = Fixture::new();
    fixture.run(&TEST);
    assert!(!is_cached(&fixture.run(&TEST)));
}
