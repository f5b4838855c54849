//! `version`: what there is, and whether it fits together.

use crate::lang;
use serde_json::json;

use super::shared::packages::tell_drifts;
use super::shared::session::Session;
use crate::error::Result;
use crate::version::check::{self};
use crate::version::{packages, Package};

/// List every package's version, or check that versions, ranges and lock files are consistent.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cargo xtask version list\n  cargo xtask version check --json")]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print every package: folder, ecosystem, version, whether it is published.
    List,
    /// Compare ranges, supported Tasker Core and lock files with the versions; name what differs, and fail if anything does.
    Check,
}

/// Runs `version`.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    let packages = packages(&session.root, &lang::ecosystems())?;
    match args.what {
        What::List => list(session, &packages),
        What::Check => return check(session, &packages),
    }
    Ok(())
}

fn list(session: &mut Session, packages: &[Package]) {
    let wide = packages
        .iter()
        .map(|package| package.folder.len())
        .max()
        .unwrap_or(0);
    for package in packages {
        let written = package
            .ecosystem
            .write(&package.version)
            .unwrap_or_else(|_| package.version.to_string());
        let line = format!(
            "{:wide$}  {:7}  {written:12}  {}{}",
            package.folder,
            package.ecosystem.kind(),
            package.name,
            if package.private {
                "  (not published)"
            } else {
                ""
            }
        );
        let record = json!({
            "event": "version", "name": package.name, "folder": package.folder, "ecosystem": package.ecosystem.kind(),
            "version": package.version.to_string(), "written": written, "published": !package.private,
            "dependencies": package.uses.iter().map(|used| json!({"name": used.name, "range": used.range, "development": used.dev})).collect::<Vec<_>>(),
        });
        session.report.tell(&[line], &record);
    }
}

fn check(session: &mut Session, packages: &[Package]) -> Result<()> {
    let drifts = check::drifts(&session.root, packages, &lang::ecosystems())?;
    if drifts.is_empty() {
        session.report.say(&format!(
            "{} packages: versions, ranges and lock files are consistent",
            packages.len()
        ));
    }
    tell_drifts(session, &drifts)
}
