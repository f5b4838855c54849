//! `bump`: new versions with all that has to follow them.

use crate::lang;
use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use super::shared::packages::{choose, tell_drifts};
use super::shared::session::Session;
use crate::clock;
use crate::error::{Error, Result};
use crate::plan::{Action, Plan, Task};
use crate::process::{quote, Invocation};
use crate::version::bump::{self, Level};
use crate::version::packages;
use crate::version::{check, drift::Drift};

/// Bump versions: manifests, dependents' ranges, changelogs and lock files, in every ecosystem.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask bump all auto --dry-run\n  cargo xtask bump python/tasker-contrib-fastapi minor\n  cargo xtask bump ops/dev-server 0.2.0-rc.1\n  cargo xtask bump all minor --pre rc"
)]
pub struct Args {
    /// A package's name or folder, or `all` for every package that is published.
    #[arg(value_name = "UNIT|all")]
    unit: String,
    /// How far, or which version; `auto` reads the conventional commits that touch the package since its last tag.
    #[arg(value_name = "major|minor|patch|auto|X.Y.Z")]
    level: String,
    /// Make it a pre-release of this kind, or the next one.
    #[arg(long, value_name = "alpha|beta|rc", value_parser = ["alpha", "beta", "rc"])]
    pre: Option<String>,
    /// Print what would change.
    #[arg(long)]
    dry_run: bool,
}

/// Runs `bump`.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    let level = Level::parse(&args.level)?;
    let packages = packages(&session.root, &lang::ecosystems())?;
    let chosen = choose(&packages, &args.unit)?;
    let bump = bump::plan(
        &session.root,
        &packages,
        &chosen,
        &level,
        args.pre.as_deref(),
        &clock::day_and_time(clock::now_or_fixed()).0,
        &lang::ecosystems(),
    )?;
    if bump.changes.is_empty() {
        session
            .report
            .say("nothing to bump: no commit since the last tags asks for it");
        return Ok(());
    }
    for change in &bump.changes {
        let line = format!("{}  {}  ({})", change.name, change.what, change.why);
        session
            .report
            .tell(&[line], &json!({"event": "change", "change": change}));
    }
    let files = bump.files.keys().map(|file| session.root.join(file));
    let written: Vec<PathBuf> = files.chain(bump.lock_files).collect();
    let plan = writing(session, args, bump.files, bump.locks);
    if args.dry_run {
        return session.execute("bump", &plan, true).map(drop);
    }
    let before = Before::of(written)?;
    let known = check::drifts(&session.root, &packages, &lang::ecosystems())?;
    let done = session
        .execute("bump", &plan, false)
        .and_then(|_| refuse_new_drift(session, &known));
    if done.is_err() {
        before.restore()?;
        session
            .report
            .say("every file was restored: a version is bumped together with its lock files, or not at all");
    }
    done
}

/// One task that writes these files and has the languages' tools bring the lock files up to date.
fn writing(
    session: &Session,
    args: &Args,
    files: BTreeMap<PathBuf, String>,
    locks: Vec<(PathBuf, Vec<String>)>,
) -> Plan {
    let mut actions: Vec<Action> = files
        .into_iter()
        .map(|(file, contents)| Action::Write {
            path: session.root.join(file),
            contents,
        })
        .collect();
    actions.extend(
        locks
            .into_iter()
            .map(|(folder, words)| Action::Run(Invocation::new(folder, words))),
    );
    let mut plan = Plan::default();
    plan.add(Task {
        id: "versions:bump".to_owned(),
        unit: "versions".to_owned(),
        label: "bump".to_owned(),
        actions,
        log: session.logs("bump").join("bump.log"),
        rerun: again(args),
        ..Task::default()
    });
    plan
}

/// The same command once more.
fn again(args: &Args) -> String {
    let pre = args.pre.as_ref().map(|kind| format!(" --pre {kind}"));
    format!(
        "cargo xtask bump {} {}{}",
        quote(&args.unit),
        quote(&args.level),
        pre.unwrap_or_default()
    )
}

/// A tool may succeed without having done what it was asked for.
fn refuse_new_drift(session: &mut Session, known: &[Drift]) -> Result<()> {
    let packages = packages(&session.root, &lang::ecosystems())?;
    let mut drifts = check::drifts(&session.root, &packages, &lang::ecosystems())?;
    drifts.retain(|drift| !known.contains(drift));
    tell_drifts(session, &drifts)
}

/// What files hold before a change; none if they are not there.
struct Before(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Before {
    fn of(paths: Vec<PathBuf>) -> Result<Self> {
        let read = |path: PathBuf| match std::fs::read(&path) {
            Ok(bytes) => Ok((path, Some(bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok((path, None)),
            Err(error) => Err(Error::io("read", path)(error)),
        };
        paths.into_iter().map(read).collect::<Result<_>>().map(Self)
    }

    fn restore(self) -> Result<()> {
        for (path, bytes) in self.0 {
            match bytes {
                Some(bytes) => std::fs::write(&path, bytes).map_err(Error::io("write", &path))?,
                None if path.exists() => {
                    std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
                }
                None => {}
            }
        }
        Ok(())
    }
}
