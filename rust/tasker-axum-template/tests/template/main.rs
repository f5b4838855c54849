//! Tests of the template itself. A project that is made of it does not get them.

mod new_project;
mod shipped_files;

use std::path::PathBuf;
use std::process::{Command, Output};

/// The folder of the template.
fn template() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The root of the repository.
fn repository() -> PathBuf {
    template().ancestors().nth(2).unwrap().to_owned()
}

fn text(path: &str) -> String {
    std::fs::read_to_string(template().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// A command with hardly any environment.
fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    let names = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME"];
    command.envs(
        names
            .iter()
            .filter_map(|name| Some((*name, std::env::var_os(name)?))),
    );
    command
}

/// The exit code, and what was written to the standard output and to the standard error.
fn shown(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}
