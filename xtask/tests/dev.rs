//! `dev`: the local stack's program, built and then alone on the terminal.

mod common;

use std::process::Stdio;

use common::{Fixture, Ran};

/// Prints what it was given, and ends as it is told.
const PROGRAM: &str = r#"fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let named = std::env::var("TASKER_DEV_COMMAND").unwrap_or_default();
    let postgres = std::env::var("TASKER_DEV_POSTGRES_BIN").is_ok();
    println!("{} as {named}, {postgres}, {words:?}", std::process::id());
    std::process::exit(words.len() as i32);
}
"#;

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.write("ops/dev-server/src/main.rs", PROGRAM);
    fixture.write(
        "ops/dev-server/Cargo.toml",
        "[package]\nname = \"tasker-dev\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    );
    fixture.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"2\"\nmembers = [\"ops/dev-server\"]\nexclude = [\"rust\"]\n",
    );
    fixture.write(
        "Cargo.lock",
        "version = 4\n\n[[package]]\nname = \"tasker-dev\"\nversion = \"0.1.0\"\n",
    );
    fixture
}

#[test]
fn it_becomes_the_program_with_all_arguments_and_writes_nothing_else() {
    let fixture = fixture();
    for (args, words) in [
        (
            ["dev", "up", "--data-dir", "x", "--json"].as_slice(),
            r#"["up", "--data-dir", "x", "--json"]"#,
        ),
        (
            &["dev", "psql", "--", "-c", "select 1"],
            r#"["psql", "--", "-c", "select 1"]"#,
        ),
        (&["dev", "--help"], r#"["--help"]"#),
        (&["dev"], r#"["--help"]"#),
    ] {
        let child = fixture
            .xtask(args)
            .env_remove("TASKER_DEV_POSTGRES_BIN")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let id = child.id();
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!(
            ran.out,
            format!("{id} as cargo xtask dev, false, {words}\n"),
            "{ran:?}"
        );
        assert_eq!(
            ran.code,
            Some(words.matches('"').count() as i32 / 2),
            "{ran:?}"
        );
    }
}

#[test]
fn a_program_that_does_not_compile_is_a_failure_on_standard_error() {
    let fixture = fixture();
    fixture.write("ops/dev-server/src/main.rs", "fn main() { nonsense }");
    let ran = fixture.run(&["dev", "up"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    assert!(
        ran.err.contains("nonsense") && ran.err.contains(" rerun: cargo xtask dev\n"),
        "{ran:?}"
    );
}
