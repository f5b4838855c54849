//! Tests that passed are left out only if nothing at all has changed.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use common::{Fixture, Ran};

/// The fixture as a git repository, because git says which files count.
fn repository() -> Fixture {
    let fixture = Fixture::new();
    fixture.write(".gitignore", "/target/\n.venv/\n/.xtask/\n");
    for args in [&["init", "--quiet"][..], &["add", "--all"]] {
        let done = Command::new("git")
            .args(args)
            .current_dir(&fixture.root)
            .status()
            .unwrap();
        assert!(done.success());
    }
    fixture
}

const TEST: [&str; 3] = ["test", "--unit", "greeter"];
const UNCHANGED: &str = "ok python/greeter:pytest  3 passed, 0 failed, 1 skipped  (nothing has changed since it passed)";

fn was_left_out(ran: &Ran) -> bool {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out.ends_with("tests: 3 passed, 0 failed, 1 skipped\n"),
        "{}",
        ran.out
    );
    ran.out.contains(UNCHANGED)
}

#[test]
fn the_second_run_of_an_unchanged_repository_runs_nothing() {
    let fixture = repository();
    assert!(!was_left_out(&fixture.run(&TEST)));
    let second = fixture.run(&TEST);
    assert!(was_left_out(&second));
    assert!(
        !second.out.contains("prepare"),
        "what only the tests needed is left out, too: {}",
        second.out
    );
    assert!(!was_left_out(&fixture.run(&[
        "test",
        "--unit",
        "greeter",
        "--no-cache"
    ])));
    fixture.write("rust/adder/src/lib.rs", "// changed\n");
    fixture.run(&["test", "--unit", "greeter", "--no-cache"]);
    assert!(
        was_left_out(&fixture.run(&TEST)),
        "a forced run notes its success, too"
    );
}

#[test]
fn any_change_anywhere_runs_the_tests() {
    let fixture = repository();
    let source = fixture.root.join("python/greeter/src/greeter/__init__.py");
    let other = fixture.root.join("rust/adder/src/lib.rs");
    let changes: [(&str, &dyn Fn()); 5] = [
        ("a source of the unit", &|| {
            fs::write(&source, "changed = True\n").unwrap()
        }),
        ("a source of another unit", &|| {
            fs::write(&other, "// changed\n").unwrap()
        }),
        ("a new file that git does not know yet", &|| {
            fixture.write("python/greeter/tests/test_new.py", "")
        }),
        ("permissions", &|| {
            fs::set_permissions(&source, fs::Permissions::from_mode(0o755)).unwrap()
        }),
        ("a deleted file", &|| fs::remove_file(&other).unwrap()),
    ];
    fixture.run(&TEST);
    for (what, change) in changes {
        assert!(
            was_left_out(&fixture.run(&TEST)),
            "before the change of {what}"
        );
        change();
        assert!(
            !was_left_out(&fixture.run(&TEST)),
            "{what} must run the tests"
        );
    }
}

#[test]
fn the_environment_and_the_toolchains_count() {
    let fixture = repository();
    fixture.run(&TEST);
    let with = |name: &str| Ran::from(fixture.xtask(&TEST).env(name, "1").output().unwrap());
    assert!(!was_left_out(&with("SOME_SWITCH")));
    assert!(
        !was_left_out(&fixture.run(&TEST)),
        "the last success was noted with the switch"
    );
    assert!(
        was_left_out(&with("SHLVL")),
        "a variable of the terminal does not count"
    );
    fixture.shim("python3", "echo Python 9.9; exit 0");
    assert!(
        !was_left_out(&fixture.run(&TEST)),
        "another Python must run the tests"
    );
}

#[test]
fn a_failure_is_not_noted_and_neither_is_a_success_that_changed_files() {
    let fixture = repository();
    fixture.write("python/greeter/tests/FAIL", "");
    assert_eq!(fixture.run(&TEST).code, Some(1));
    assert_eq!(fixture.run(&TEST).code, Some(1), "a failure runs again");
    fs::remove_file(fixture.root.join("python/greeter/tests/FAIL")).unwrap();
    fixture.run(&TEST);
    let pytest = fixture.root.join("python/greeter/.venv/bin/pytest");
    let script = fs::read_to_string(&pytest).unwrap();
    fs::write(
        &pytest,
        script.replacen('\n', "\ndate +%N > tests/written\n", 1),
    )
    .unwrap();
    fixture.write("python/greeter/tests/another", "");
    assert!(!was_left_out(&fixture.run(&TEST)));
    assert!(
        !was_left_out(&fixture.run(&TEST)),
        "the repository was another one after the run"
    );
}

#[test]
fn without_git_tests_always_run() {
    let fixture = Fixture::new();
    fixture.run(&TEST);
    assert!(!was_left_out(&fixture.run(&TEST)));
}
