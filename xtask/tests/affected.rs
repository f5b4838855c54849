//! `--affected` in real repositories with real histories.

mod common;

use common::{git, Fixture, Ran};

/// The fixture with a commit on `main`, on a branch that starts there.
fn repository() -> Fixture {
    let fixture = Fixture::new();
    fixture.write(".gitignore", "/target/\n.venv/\n/.xtask/\n");
    git(
        &fixture.root,
        &["init", "--quiet", "--initial-branch", "main"],
    );
    commit(&fixture);
    git(&fixture.root, &["checkout", "--quiet", "-b", "work"]);
    fixture
}

fn commit(fixture: &Fixture) {
    git(&fixture.root, &["add", "--all"]);
    git(&fixture.root, &["commit", "--quiet", "--message", "more"]);
}

/// Names of the jobs that a workflow would run.
fn jobs(fixture: &Fixture, args: &[&str]) -> Vec<String> {
    let ran = fixture.run(&[&["ci", "matrix"], args].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let matrix: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let jobs = matrix["include"].as_array().unwrap().iter();
    jobs.map(|job| job["name"].as_str().unwrap().to_owned())
        .collect()
}

const ALL: [&str; 5] = [
    "test python/greeter",
    "test rust/adder",
    "test examples/demo/app",
    "lint",
    "e2e examples/demo",
];

#[test]
fn changes_count_committed_or_not_and_reach_dependents() {
    let fixture = repository();
    let affected = || jobs(&fixture, &["--affected", "main"]);
    assert_eq!(affected(), [""; 0]);
    fixture.write("python/plugin/new.txt", "untracked");
    assert_eq!(affected(), ["lint"]);
    fixture.write("rust/adder/src/lib.rs", "// changed\n");
    let reached = [
        "test rust/adder",
        "test examples/demo/app",
        "lint",
        "e2e examples/demo",
    ];
    assert_eq!(affected(), reached);
    git(&fixture.root, &["add", "--all"]);
    assert_eq!(affected(), reached, "staged");
    commit(&fixture);
    assert_eq!(affected(), reached, "committed");
    fixture.write("VERSION", "belongs to nobody");
    assert_eq!(affected(), ALL);
    git(&fixture.root, &["reset", "--quiet", "--hard", "main"]);
    std::fs::remove_file(fixture.root.join("VERSION")).unwrap();
    assert_eq!(affected(), [""; 0]);
    git(
        &fixture.root,
        &[
            "mv",
            "python/greeter/tests/test_greeter.py",
            "rust/adder/moved.py",
        ],
    );
    assert_eq!(affected(), ALL, "a file that moved changed both places");
}

#[test]
fn what_main_got_meanwhile_is_no_change_of_the_branch() {
    let fixture = repository();
    git(&fixture.root, &["checkout", "--quiet", "main"]);
    fixture.write("python/greeter/src/greeter/__init__.py", "# of main\n");
    commit(&fixture);
    git(&fixture.root, &["checkout", "--quiet", "work"]);
    fixture.write("python/plugin/new.txt", "");
    assert_eq!(
        jobs(&fixture, &["--affected"]),
        ["lint"],
        "main is found without being named"
    );
}

#[test]
fn run_and_matrix_decide_alike() {
    let fixture = repository();
    fixture.write("rust/adder/src/lib.rs", "// changed\n");
    let plan = fixture.run(&["test", "--affected", "main", "--dry-run"]);
    assert!(
        plan.out.contains("rust/adder:cargo-test") && plan.out.contains("examples/demo/app:pytest"),
        "{plan:?}"
    );
    assert!(!plan.out.contains("python/greeter:pytest"), "{plan:?}");
    let selected = fixture.run(&[
        "test",
        "--affected",
        "main",
        "--lang",
        "python",
        "--dry-run",
    ]);
    assert!(
        !selected.out.contains("rust/adder:cargo-test"),
        "{selected:?}"
    );
    let build = fixture.run(&["build", "--affected", "main", "--dry-run"]);
    assert!(
        !build.out.contains("greeter:uv-build") && build.out.contains("adder:cargo-build"),
        "{build:?}"
    );
    git(&fixture.root, &["checkout", "--quiet", "."]);
    assert_eq!(
        fixture.run(&["test", "--affected", "main"]).out,
        "nothing has changed since main\n"
    );
    fixture.write("python/plugin/new.txt", "of no unit with tests");
    assert_eq!(
        fixture.run(&["test", "--affected", "main"]).out,
        "nothing to do: the changes since main affect no selected unit with a `test` task\n"
    );
}

#[test]
fn why_goes_from_the_unit_to_the_changed_file() {
    let fixture = repository();
    fixture.write("rust/adder/src/lib.rs", "// changed\n");
    let why = |unit: &str| {
        fixture
            .run(&["test", "--affected", "main", "--why", unit])
            .out
    };
    assert_eq!(why("examples/demo/app"), "examples/demo/app needs for its tests rust/adder\nrust/adder: rust/adder/src/lib.rs changed\n");
    assert_eq!(why("greeter"), "python/greeter is not affected\n");
    fixture.write("Cargo.lock", "version = 4\n");
    fixture.write("python/greeter/x", "");
    fixture.write("examples/demo/example.toml", "name = \"demo\"\n");
    assert_eq!(
        why("rust/adder"),
        "rust/adder: Cargo.lock changed, which all rust units share\n"
    );
    assert_eq!(why("greeter"), "python/greeter: python/greeter/x changed\n");
    assert_eq!(
        why("examples/demo/app"),
        "examples/demo/app: examples/demo/example.toml changed, in a unit around it\n"
    );
    fixture.write("VERSION", "");
    assert_eq!(
        why("python/plugin"),
        "python/plugin: VERSION changed, which belongs to no unit and therefore counts for all\n"
    );
    assert_eq!(
        fixture
            .run(&["test", "--affected", "main", "--why", "greter"])
            .code,
        Some(2)
    );
}

#[test]
fn a_shallow_clone_runs_everything_and_says_so_or_fails_if_it_must_know() {
    let fixture = repository();
    fixture.write("rust/adder/src/lib.rs", "// changed\n");
    commit(&fixture);
    git(&fixture.root, &["checkout", "--quiet", "main"]);
    fixture.write("python/plugin/new.txt", "");
    commit(&fixture);
    let clone = fixture.root.join("../clone");
    let from = format!("file://{}", fixture.root.display());
    let to = clone.display().to_string();
    git(
        &fixture.root,
        &[
            "clone", "--quiet", "--depth", "1", "--branch", "work", &from, &to,
        ],
    );
    git(
        &clone,
        &[
            "fetch",
            "--quiet",
            "--depth",
            "1",
            "origin",
            "main:refs/remotes/origin/main",
        ],
    );
    let run = |args: &[&str]| {
        Ran::from(
            fixture
                .xtask(&[args, &["--root", &to]].concat())
                .output()
                .unwrap(),
        )
    };
    let ran = run(&["ci", "matrix", "--affected", "origin/main"]);
    assert_eq!(
        ran.err,
        "warning: no merge base: origin/main has no commit in common with HEAD, so everything runs; to compare: \
         git fetch --unshallow origin main; in a complete clone: git fetch origin main\n"
    );
    let matrix: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(matrix["include"].as_array().unwrap().len(), ALL.len());
    let strict = run(&["ci", "matrix", "--affected", "origin/main", "--strict"]);
    assert_eq!(
        (strict.code, strict.out.as_str()),
        (Some(1), ""),
        "{strict:?}"
    );
    assert!(strict.err.starts_with("error: no merge base: origin/main has no commit in common with HEAD\n  fix: git fetch --unshallow origin main"), "{strict:?}");
    let unknown = run(&["ci", "matrix", "--affected", "nowhere"]);
    assert!(
        unknown.err.starts_with(
            "warning: no merge base: nowhere is not in this clone, so everything runs"
        ),
        "{unknown:?}"
    );
    let option = run(&["ci", "matrix", "--affected=--help"]);
    assert!(option.err.contains("is not a commit"), "{option:?}");
}

#[test]
fn the_tools_table_counts_for_every_unit() {
    let fixture = repository();
    let table = fixture.root.join("xtask/tools.toml");
    std::fs::write(&table, std::fs::read_to_string(&table).unwrap() + "\n").unwrap();
    assert_eq!(jobs(&fixture, &["--affected", "main"]), ALL);
}

#[test]
fn an_answer_is_remembered_as_long_as_nothing_differs() {
    let fixture = repository();
    let remembered = || {
        let folder = fixture.root.join("target/xtask/cache/whole");
        std::fs::read_dir(folder).map_or(0, Iterator::count)
    };
    let affected = || jobs(&fixture, &["--affected", "main"]);
    fixture.write("python/plugin/new.txt", "untracked");
    assert_eq!((affected(), remembered()), (vec!["lint".to_owned()], 1));
    assert_eq!((affected(), remembered()), (vec!["lint".to_owned()], 1));
    assert_eq!(
        jobs(&fixture, &["--affected", "HEAD"]),
        ["lint"],
        "another base is another question"
    );
    assert_eq!(remembered(), 2);
    // The same files, but main has them now.
    commit(&fixture);
    assert_eq!(affected(), ["lint"]);
    git(&fixture.root, &["branch", "--force", "main", "HEAD"]);
    assert_eq!(affected(), [""; 0]);
    // The same changed path, but the unit is one of something else now.
    fixture.write(
        "python/greeter/pyproject.toml",
        "[project]\nname = \"other\"\n",
    );
    let before = affected();
    assert!(
        before.contains(&"test python/greeter".to_owned()),
        "{before:?}"
    );
    fixture.write("python/greeter/pyproject.toml", "nonsense");
    assert_eq!(
        fixture.run(&["ci", "matrix", "--affected", "main"]).code,
        Some(2)
    );
}

#[test]
fn an_affected_run_is_remembered_and_another_set_of_changes_is_another_run() {
    let fixture = repository();
    let run = || {
        let ran = fixture.run(&["test", "--affected", "main"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.out
    };
    fixture.write("python/greeter/new.txt", "1");
    let first = run();
    assert!(!first.contains("(cached)"), "{first}");
    for round in ["known", "known as a whole"] {
        let again = run();
        assert!(
            again.contains("python/greeter:pytest") && again.contains("(cached)"),
            "{round}: {again}"
        );
    }
    assert_eq!(
        std::fs::read_dir(fixture.root.join("target/xtask/cache/whole"))
            .unwrap()
            .count(),
        1
    );
    // The same files, fewer of them changed.
    commit(&fixture);
    git(&fixture.root, &["branch", "--force", "main", "HEAD"]);
    let none = run();
    assert_eq!(none, "nothing has changed since main\n");
}

#[test]
fn a_base_that_nobody_knows_is_told_each_time_and_strict_fails_each_time() {
    let fixture = repository();
    let args = ["test", "--unit", "python/greeter", "--affected", "nowhere"];
    for round in ["new", "known", "known as a whole, if it were remembered"] {
        let ran = fixture.run(&args);
        assert_eq!(ran.code, Some(0), "{round}: {ran:?}");
        let said = format!("{}{}", ran.out, ran.err);
        assert!(
            said.contains("nowhere is not in this clone"),
            "{round}: {said}"
        );
    }
    let strict = fixture.run(&[&args[..], &["--strict"]].concat());
    assert_ne!(strict.code, Some(0), "{strict:?}");
}

#[test]
fn without_a_base_all_jobs_are_listed_and_each_is_a_command() {
    use clap::Parser as _;
    let fixture = repository();
    assert_eq!(jobs(&fixture, &[]), ALL);
    fixture.write("package.json", "{\"name\": \"all\", \"private\": true}");
    let ran = fixture.run(&["ci", "matrix", "--affected", "main"]);
    assert!(
        ran.out.contains("lint --unit . --unit"),
        "the repository itself has a name: {ran:?}"
    );
    let matrix: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    for job in matrix["include"].as_array().unwrap() {
        let words = job["args"].as_str().unwrap().split(' ');
        xtask::cli::Cli::try_parse_from(std::iter::once("xtask").chain(words)).unwrap();
    }
}

#[test]
fn a_hook_of_another_repository_changes_nothing() {
    let (ours, other) = (repository(), repository());
    ours.write("rust/adder/src/lib.rs", "// changed\n");
    commit(&ours);
    let expected = jobs(&ours, &["--affected", "main"]);
    assert!(expected.contains(&"test rust/adder".to_owned()));
    let hook = ours
        .xtask(&["ci", "matrix", "--affected", "main"])
        .env("GIT_DIR", other.root.join(".git"))
        .env("GIT_INDEX_FILE", other.root.join(".git/index"))
        .env("GIT_PREFIX", "rust/")
        .env("GIT_COMMON_DIR", other.root.join(".git"))
        .output()
        .unwrap();
    let matrix: serde_json::Value = serde_json::from_slice(&hook.stdout).unwrap();
    assert_eq!(matrix["include"].as_array().unwrap().len(), expected.len());
}

/// A crate of the second workspace in `tools`.
fn crate_of(fixture: &Fixture, folder: &str, name: &str, more: &str) {
    let manifest =
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n{more}");
    fixture.write(&format!("{folder}/Cargo.toml"), &manifest);
    fixture.write(&format!("{folder}/src/lib.rs"), "");
}

#[test]
fn a_patched_package_and_another_workspace_reach_their_users() {
    let fixture = Fixture::new();
    let root = std::fs::read_to_string(fixture.root.join("Cargo.toml")).unwrap();
    let patch = "\n[patch.crates-io]\ncfg-if = { path = \"vendor/cfg-if\" }\n";
    let root = root.replace(
        "\"rust/adder\"",
        "\"rust/adder\", \"rust/user\", \"vendor/cfg-if\"",
    );
    fixture.write("Cargo.toml", &format!("{root}{patch}"));
    crate_of(
        &fixture,
        "rust/user",
        "user",
        "[dependencies]\ncfg-if = \"1\"\n",
    );
    crate_of(&fixture, "vendor/cfg-if", "cfg-if", "");
    fixture.write(
        "tools/Cargo.toml",
        "[workspace]\nmembers = [\"liba\", \"libb\"]\n\n[workspace.dependencies]\nliba = { path = \"liba\" }\n",
    );
    crate_of(&fixture, "tools/liba", "liba", "");
    crate_of(
        &fixture,
        "tools/libb",
        "libb",
        "[dependencies]\nliba.workspace = true\n",
    );
    fixture.write(".gitignore", "/target/\n.venv/\n/.xtask/\n");
    git(
        &fixture.root,
        &["init", "--quiet", "--initial-branch", "main"],
    );
    commit(&fixture);
    let affected = |file: &str| {
        fixture.write(file, "// changed\n");
        let found = jobs(&fixture, &["--affected", "main"]);
        git(&fixture.root, &["checkout", "--quiet", "."]);
        found
    };
    assert!(affected("vendor/cfg-if/src/lib.rs").contains(&"test rust/user".to_owned()));
    let of_tools = affected("tools/liba/src/lib.rs");
    assert!(
        of_tools.contains(&"test tools/libb".to_owned()),
        "{of_tools:?}"
    );
    assert!(
        !of_tools.contains(&"test rust/user".to_owned()),
        "{of_tools:?}"
    );
}

#[test]
fn a_work_tree_inside_has_no_units_here() {
    let fixture = repository();
    let before = jobs(&fixture, &[]);
    git(
        &fixture.root,
        &["worktree", "add", "--quiet", "--detach", "wt"],
    );
    assert_eq!(jobs(&fixture, &[]), before);
    assert_eq!(jobs(&fixture, &["--affected", "main"]), [""; 0]);
}
