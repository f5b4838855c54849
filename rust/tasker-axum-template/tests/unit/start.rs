//! Programs that must not start.

use std::io::Write as _;
use std::process::{Output, Stdio};

use crate::support::program;

const NOBODY: &str = "postgresql://app:Vq7-long-one@127.0.0.1:1/app";

fn run(words: &[&str], variables: &[(&str, &str)]) -> (Output, String) {
    let mut child = program()
        .args(words)
        // What is not set comes from .env, which has a developer's.
        .envs([("PORT", "0"), ("APP_DATABASE_URL", NOBODY)])
        .env("DATABASE_URL", NOBODY)
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have ended before it reads.
    let _ = child.stdin.take().unwrap().write_all(b"too short\n");
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr.clone()).unwrap();
    (output, errors)
}

#[test]
fn every_program_refuses_an_example_secret_in_production() {
    for program in ["web", "relay", "worker", "migrate"] {
        let secret = ("JWT_SECRET", app::settings::EXAMPLE_SECRET);
        let (output, errors) = run(&[program], &[("APP_ENV", "production"), secret]);
        assert_eq!(output.status.code(), Some(1), "{program}");
        assert!(output.stdout.is_empty(), "{program}");
        let why = "error: JWT_SECRET has its example value, which APP_ENV=production refuses";
        assert!(
            errors.starts_with(why) && errors.lines().count() == 1,
            "{errors}"
        );
    }
}

#[test]
fn without_a_database_a_program_ends_and_says_which() {
    for (program, variable) in [("worker", "DATABASE_URL"), ("migrate", "APP_DATABASE_URL")] {
        let (output, errors) = run(&[program], &[]);
        assert_eq!(output.status.code(), Some(1), "{program}");
        assert!(
            errors.starts_with("error: ") && errors.contains(variable),
            "{errors}"
        );
        assert!(!errors.contains("Vq7"), "{errors}");
    }
}

#[test]
fn a_short_password_is_refused_before_the_database_is_asked() {
    let (output, errors) = run(&["add-user", "ann@example.org", "--reviewer"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(errors, "error: the password needs 12 characters or more\n");
}

#[test]
fn a_program_that_is_not_there_is_not_healthy() {
    let (output, errors) = run(&["health"], &[("PORT", "1")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.starts_with("error: it does not answer"), "{errors}");
}
