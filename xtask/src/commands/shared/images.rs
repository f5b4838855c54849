//! Building images with the programs of this checkout.

use std::path::Path;

use crate::docker::{given, Build, Engine, Image};
use crate::e2e::stack::dev_server;
use crate::error::{Error, Result};
use crate::lang;
use crate::process::{capture, Invocation};

use super::session::Session;

/// Cargo builds the server, a program of a dependency, from the same lock file and with the same features.
const BUILD: [&str; 15] = [
    "cargo",
    "build",
    "--quiet",
    "--locked",
    "--package",
    "workspace-hack",
    "--package",
    "tasker-dev",
    "--package",
    "tasker-recovery",
    "--package",
    "tasker-orchestration",
    "--bin=tasker-dev",
    "--bin=tasker-recovery",
    "--bin=tasker-server",
];

/// Builds the programs of images as the repository's tests do, not optimised, and lays them where images take them from.
pub fn give_programs(session: &mut Session) -> Result<()> {
    let repo = lang::discover(&session.root)?;
    let server = session.prepare("image", &repo, |planner| {
        planner.rerun = Some("image build --given".to_owned());
        dev_server(planner)
    })?;
    let folder = given(&session.root);
    std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    run(
        session,
        Invocation::new(&session.root, BUILD)
            .envs(server.env.clone())
            .env("SQLX_OFFLINE", "true"),
    )?;
    let built = server.program.parent().unwrap_or(Path::new("."));
    for name in ["tasker-dev", "tasker-recovery", "tasker-server"] {
        let (from, to) = (built.join(name), folder.join(name));
        std::fs::copy(&from, &to).map_err(Error::io("copy", &from))?;
        if which::which("strip").is_ok() {
            run(
                session,
                Invocation::new(
                    &session.root,
                    ["strip".to_owned(), to.display().to_string()],
                ),
            )?;
        }
    }
    give_extension(session, &server.program)
}

/// PGMQ is plain SQL, which `tasker-dev` carries.
fn give_extension(session: &Session, program: &Path) -> Result<()> {
    let words = [
        program.display().to_string(),
        "__extension".to_owned(),
        given(&session.root).display().to_string(),
    ];
    run(session, Invocation::new(&session.root, words))
}

fn run(session: &Session, invocation: Invocation) -> Result<()> {
    let captured = capture("image", &invocation, &session.interrupt)?;
    if captured.status.success() {
        return Ok(());
    }
    let log = session.logs("image").join("programs.log");
    std::fs::create_dir_all(session.logs("image"))
        .map_err(Error::io("create", session.logs("image")))?;
    std::fs::write(&log, captured.text).map_err(Error::io("write", &log))?;
    Err(Error::ended(
        format!("`{}`", invocation.command_line()),
        "failed",
        &log,
    ))
}

/// Builds images one after the other and says so.
pub fn build(
    session: &mut Session,
    engine: &Engine,
    images: &[Image],
    build: &Build<'_>,
) -> Result<()> {
    for image in images {
        let log = session.logs("image").join(format!("{}.log", image.name));
        session
            .report
            .say(&format!("image: building {}", image.references(build)[0]));
        engine.build(image, build, &log)?;
    }
    Ok(())
}
