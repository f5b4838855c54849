//! A dry run changes nothing and starts nothing.

mod common;

use common::Fixture;

const COMMANDS: [&[&str]; 6] = [
    &["setup", "--dry-run"],
    &["test", "--dry-run"],
    &["lint", "--dry-run"],
    &["fmt", "--dry-run"],
    &["build", "--dry-run"],
    &["test", "--dry-run", "--json"],
];

/// Everything that a real run would start is a recording script here, and PATH holds nothing else.
fn with_only_shims() -> Fixture {
    let fixture = Fixture::new();
    for name in ["cargo", "rustc", "python3", "uv", "git", "node", "sh"] {
        fixture.shim(name, "exit 1");
    }
    fixture
}

#[test]
fn the_tree_is_byte_identical_and_no_process_was_started() {
    let fixture = with_only_shims();
    let before = fixture.tree();
    for args in COMMANDS {
        let path = fixture.shims.display().to_string();
        let output = fixture.xtask_with_path(args, &path).output().unwrap();
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!output.stdout.is_empty(), "{args:?} printed no plan");
        assert_eq!(fixture.tree(), before, "{args:?} changed the tree");
        // What the machine lacks is said before anything is fetched; for that its tools are asked for their versions.
        let started: Vec<String> = fixture
            .calls()
            .into_iter()
            .filter(|call| !(args[0] == "setup" && call.ends_with(" --version")))
            .collect();
        assert_eq!(started, [""; 0], "{args:?} started something");
        let _ = std::fs::remove_file(fixture.shims.join("calls"));
    }
}

#[test]
fn the_same_scripts_would_have_noticed_a_real_run() {
    let fixture = with_only_shims();
    let before = fixture.tree();
    let path = fixture.shims.display().to_string();
    let output = fixture.xtask_with_path(&["test"], &path).output().unwrap();
    assert!(!output.status.success());
    assert!(
        fixture
            .calls()
            .iter()
            .any(|call| call.starts_with("cargo test")),
        "{:?}",
        fixture.calls()
    );
    assert!(
        fixture
            .calls()
            .iter()
            .any(|call| call.starts_with("npm pack")),
        "{:?}",
        fixture.calls()
    );
    assert_ne!(fixture.tree(), before);
}

#[test]
fn the_plan_of_a_test_run() {
    let ran = Fixture::new().run(&["test", "--dry-run"]);
    insta::assert_snapshot!(ran.stable());
}

#[test]
fn the_plan_of_lint_fmt_and_build() {
    let fixture = Fixture::new();
    let plans =
        ["lint", "fmt", "build"].map(|command| fixture.run(&[command, "--dry-run"]).stable());
    insta::assert_snapshot!(plans
        .concat()
        .replace(&xtask::tools::platform(), "[platform]"));
}

#[test]
fn the_templates_that_a_package_carries_are_no_unit() {
    let fixture = Fixture::new();
    common::copy(
        &fixture.root.join("python/plugin"),
        &fixture.root.join("python/greeter/plugin"),
    );
    let ran = fixture.run(&["lint", "--dry-run"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out.contains("python/plugin:templates") && !ran.out.contains("greeter/plugin"),
        "{ran:?}"
    );
}
