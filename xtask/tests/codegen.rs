//! Generated constants: what comes out of the tables, and what is said when something does not fit.

mod common;

use common::Fixture;

const CONFIG: &str = r#"
core_version = "0.1.8"

[common.database]
url = { type = "str", default = "postgresql://a:b@localhost/c", pattern = "database_url", env = "DATABASE_URL", doc = "Says \"where\"." }

[common.database.pool]
max_connections = { type = "int", default = 25, min = 1, max = 1000, doc = "Largest number of open connections." }

[common.backoff]
multiplier = { type = "float", default = 2.0, min = 1, max = 10 }
seconds = { type = "int_list", default = [1, 5, 15] }
modes = { type = "str_list", default = ["one"] }
enabled = { type = "bool", default = true, inert = true }
backend = { type = "str", default = "pgmq", choices = ["pgmq", "rabbitmq"] }

# A section may have a key called `type`.
[worker.auth]
type = { type = "str", default = "bearer" }

[[optional_section]]
path = "worker.auth"
why = "Without it nobody is asked."
"#;

const CORE: &str = r#"
[[package]]
name = "tasker-rb"
language = "ruby"
published = "0.1.8"
supported = "=0.1.8"
"#;

const EVENTS: &str = r#"
since = "0.1.0"

[[event]]
key = "step_completed"
core = "step.completion.sent"
python = "tasker.step.completed"
ruby = "step_completed.tasker"
typescript = "step:completed"
rust = "StepCompleted"
doc = "After a step."
data = [{ name = "attempt", type = "int", min = 1 }, { name = "duration_ms", type = "float", unit = "milliseconds" }]

[[event]]
key = "step_failed"
python = "tasker.step.failed"
ruby = "step_failed.tasker"
typescript = "step:failed"
rust = "StepFailed"
since = "0.2.0"
doc = "After a failure."

[[event]]
key = "task_created"
only = ["django"]
django = "task_created"
doc = "After a creation."
data = [{ name = "task", type = "any" }]
"#;

const PYTHON: &str = "python/tasker-contrib/src/tasker_contrib/_internal/_contract.py";
const DJANGO: &str =
    "python/tasker-contrib-django/src/tasker_contrib_django/_internal/_contract.py";
const RUST: &str = "ops/dev-server/src/contract.rs";
const RUBY: &str = "rails/tasker-contrib-rails/lib/tasker_contrib_rails/contract.rb";
const AXUM: &str = "rust/tasker-contrib-axum/src/contract.rs";

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    let table =
        |name: &str, text: &str| fixture.write(&format!("xtask/contract/{name}.toml"), text);
    table("config", CONFIG);
    table(
        "patterns",
        "[[pattern]]\nname = \"database_url\"\nregex = '^postgresql://\\w+$'\ndoc = \"a URL\"\n",
    );
    table(
        "settings",
        "[[setting]]\nname = \"database.url\"\npath = \"common.database.url\"\ndoc = \"Where.\"\n",
    );
    table("events", EVENTS);
    table(
        "health",
        "since = \"0.1.0\"\n\n[[component]]\nkey = \"worker\"\nname = \"worker\"\ndoc = \"It runs.\"\n",
    );
    table(
        "errors",
        "since = \"0.1.0\"\n\n[[error]]\nkey = \"timeout\"\nname = \"timeout\"\nretryable = true\ndoc = \"Too long.\"\n",
    );
    table("metrics", "since = \"0.1.0\"\n\n[[metric]]\nkey = \"in_flight\"\nname = \"in_flight\"\nkind = \"gauge\"\nlabels = [\"handler\"]\ndoc = \"Now.\"\n");
    fixture.write("ops/dev-server/Cargo.toml", "[package]\nname = \"dev\"\n");
    fixture.write(
        "python/tasker-contrib/pyproject.toml",
        "[project]\nname = \"shared\"\n",
    );
    fixture
}

/// The same with every file that the tables become.
fn full_fixture() -> Fixture {
    let fixture = fixture();
    fixture.write(
        "rust/tasker-contrib-axum/Cargo.toml",
        "[package]\nname = \"axum\"\n",
    );
    fixture.write(
        "python/tasker-contrib-django/pyproject.toml",
        "[project]\nname = \"django\"\n",
    );
    fixture.write("docs/architecture/contract-tables.md", "");
    fixture.write("xtask/contract/core.toml", CORE);
    fixture.write(
        "rails/tasker-contrib-rails/tasker-contrib-rails.gemspec",
        "spec.name = \"rails\"\nspec.required_ruby_version = \">= 3.2\"\nspec.add_dependency \"railties\", \">= 7.1\"\n",
    );
    fixture.write(
        "rails/tasker-contrib-rails/lib/rails/version.rb",
        "VERSION = \"0.1.0\"\n",
    );
    fixture
}

/// The tables of this repository, and a package of each kind.
fn real_tables() -> Fixture {
    let fixture = full_fixture();
    let tables = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("contract");
    common::copy(&tables, &fixture.root.join("xtask/contract"));
    let ran = fixture.run(&["codegen"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    fixture
}

#[test]
fn generated_rust_compiles_without_warnings_and_is_formatted() {
    let fixture = real_tables();
    for file in [RUST, AXUM] {
        let tool = |program: &str, args: &[&str]| {
            let ran = std::process::Command::new(program)
                .args(args)
                .arg(fixture.root.join(file))
                .current_dir(&fixture.shims)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&ran.stderr).into_owned()
                + &String::from_utf8_lossy(&ran.stdout);
            assert!(ran.status.success(), "{program} on {file}: {said}");
        };
        tool("rustfmt", &["--edition", "2021", "--check"]);
        let lints = "--edition 2021 --crate-type lib --emit metadata -D warnings -D missing_docs";
        tool("rustc", &lints.split(' ').collect::<Vec<_>>());
    }
}

fn read(fixture: &Fixture, path: &str) -> String {
    std::fs::read_to_string(fixture.root.join(path)).unwrap()
}

#[test]
fn files_are_written_once_and_are_the_same_every_time() {
    let fixture = full_fixture();
    let ran = fixture.run(&["codegen"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    insta::assert_snapshot!("python", read(&fixture, PYTHON));
    insta::assert_snapshot!("django", read(&fixture, DJANGO));
    insta::assert_snapshot!("rust", read(&fixture, RUST));
    insta::assert_snapshot!("ruby", read(&fixture, RUBY));
    insta::assert_snapshot!("axum", read(&fixture, AXUM));
    insta::assert_snapshot!("names", read(&fixture, "docs/reference/names.md"));
    insta::assert_snapshot!(
        "configuration",
        read(&fixture, "docs/reference/configuration.md")
    );
    insta::assert_snapshot!(
        "compatibility",
        read(&fixture, "docs/reference/compatibility.md")
    );
    let before = fixture.tree();
    let again = fixture.run(&["codegen"]);
    assert_eq!(again.out, "generated files are up to date\n");
    assert_eq!(fixture.tree(), before);
}

#[test]
fn check_names_each_file_that_drifted_and_changes_nothing() {
    let fixture = fixture();
    let missing = fixture.run(&["codegen", "--check"]);
    assert_eq!(missing.code, Some(1));
    assert_eq!(missing.err, format!("error: out of date with xtask/contract: {RUST}, {PYTHON}\n  fix: cargo xtask codegen\n"));
    assert_eq!(fixture.run(&["codegen"]).code, Some(0));
    assert_eq!(fixture.run(&["codegen", "--check"]).code, Some(0));

    fixture.write(PYTHON, &read(&fixture, PYTHON).replace("25", "26"));
    let before = fixture.tree();
    let drifted = fixture.run(&["codegen", "--check"]);
    assert_eq!(
        drifted.err,
        format!("error: out of date with xtask/contract: {PYTHON}\n  fix: cargo xtask codegen\n")
    );
    assert_eq!(fixture.tree(), before);
    let dry = fixture.run(&["codegen", "--dry-run"]);
    assert!(dry.out.contains(&format!("write {PYTHON} (")), "{dry:?}");
    assert_eq!(fixture.tree(), before);
}

#[test]
fn lint_compares_too() {
    let fixture = fixture();
    let plan = fixture.run(&["lint", "--dry-run"]);
    // Units without a lock file stop planning before; this one has none of its own.
    assert!(
        plan.err.contains("python/tasker-contrib/requirements.lock"),
        "{plan:?}"
    );
    fixture.write("python/tasker-contrib/requirements.lock", "");
    let plan = fixture.run(&["lint", "--dry-run"]);
    assert!(
        plan.out
            .contains("  contract:codegen\n      check generated files against xtask/contract\n"),
        "{plan:?}"
    );
}

#[test]
fn a_missing_table_stops_only_the_files_that_need_it() {
    let fixture = fixture();
    std::fs::remove_file(fixture.root.join("xtask/contract/events.toml")).unwrap();
    let ran = fixture.run(&["codegen"]);
    assert_eq!(
        ran.err,
        "error: xtask/contract/events.toml: this contract table is missing\n  fix: write it as xtask/contract/README.md describes\n"
    );
    assert!(fixture.root.join(RUST).is_file());
    assert!(!fixture.root.join(PYTHON).exists());
}

#[test]
fn mistakes_in_tables_are_named() {
    let fixture = fixture();
    for (table, text, message) in [
        ("config", CONFIG.replace("default = 25", "default = \"many\""), "xtask/contract/config.toml: `common.database.pool.max_connections`: default \"many\" does not fit type `int`"),
        ("config", CONFIG.replace("min = 1,", "minimum = 1,"), "xtask/contract/config.toml: `common.database.pool.max_connections`: unknown field `minimum`"),
        ("config", CONFIG.replace("core_version = \"0.1.8\"", ""), "xtask/contract/config.toml: there is no `core_version"),
        ("settings", "\n[[setting]]\nname = \"x\"\npath = \"common.database.urll\"\n".into(), "xtask/contract/settings.toml:4: setting `x` names `common.database.urll`, which is not a key of config.toml; did you mean `common.database.url`?"),
        ("events", "since = \"0\"\n[[evnt]]\nkey = \"x\"\n".into(), "xtask/contract/events.toml:2: unknown field `evnt`"),
        ("events", EVENTS.replace("rust = \"StepFailed\"", ""), "xtask/contract/events.toml:15: `step_failed` has no name in `rust`; add `rust = \"…\"`, or `name = \"…\"` for all"),
        ("events", EVENTS.replace("step:failed", "step:completed"), "xtask/contract/events.toml:15: `step:completed` is the `typescript` name of two rows"),
        ("events", EVENTS.replace("key = \"step_failed\"", "key = \"step_completed\""), "xtask/contract/events.toml:5: `step_completed` is there twice"),
        ("events", EVENTS.replace("only = [\"django\"]", ""), "xtask/contract/events.toml:24: `task_created` has no name in `python`; add `python = \"…\"`, or `name = \"…\"` for all"),
        ("events", EVENTS.replace("[\"django\"]", "[\"flask\"]"), "xtask/contract/events.toml:25: unknown variant `flask`"),
        ("metrics", "since = \"0\"\n[[metric]]\nkey = \"x\"\nname = \"x\"\ntype = \"gauge\"\n".into(), "xtask/contract/metrics.toml:5: unknown field `type`"),
    ] {
        let path = format!("xtask/contract/{table}.toml");
        let good = read(&fixture, &path);
        fixture.write(&path, &text);
        let ran = fixture.run(&["codegen"]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.starts_with(&format!("error: {message}")), "wanted {message}\n{}", ran.err);
        fixture.write(&path, &good);
    }
}
