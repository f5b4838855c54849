//! `version` and `bump`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use super::Session;
use crate::cli::{BumpArgs, VersionCommand};
use crate::error::{closest, Error, Result};
use crate::plan::{Action, Counts, Plan, Task};
use crate::process::Invocation;
use crate::version::bump::{self, Level};
use crate::version::check::{self, Drift};
use crate::version::{notation, packages, Package};

/// Runs `version`.
pub fn run(session: &mut Session, what: &VersionCommand) -> Result<()> {
    let packages = packages(&session.root)?;
    match what {
        VersionCommand::List => list(session, &packages),
        VersionCommand::Check => return check(session, &packages),
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
        let written = notation::write(package.ecosystem, &package.version)
            .unwrap_or_else(|_| package.version.to_string());
        let line = format!(
            "{:wide$}  {:7}  {written:12}  {}{}",
            package.folder,
            package.ecosystem.name(),
            package.name,
            if package.private {
                "  (not published)"
            } else {
                ""
            }
        );
        let record = json!({
            "event": "version", "name": package.name, "folder": package.folder, "ecosystem": package.ecosystem.name(),
            "version": package.version.to_string(), "written": written, "published": !package.private,
            "dependencies": package.uses.iter().map(|used| json!({"name": used.name, "range": used.range, "development": used.dev})).collect::<Vec<_>>(),
        });
        session.report.tell(&[line], &record);
    }
}

fn check(session: &mut Session, packages: &[Package]) -> Result<()> {
    let drifts = check::drifts(&session.root, packages)?;
    if drifts.is_empty() {
        session.report.say(&format!(
            "{} packages: versions, ranges and lock files fit together",
            packages.len()
        ));
    }
    tell_drifts(session, &drifts)
}

/// Names each drift with its fix; an error if there is one.
///
/// # Errors
/// [`Error::VersionDrift`].
pub(super) fn tell_drifts(session: &mut Session, drifts: &[Drift]) -> Result<()> {
    for drift in drifts {
        let lines = [
            format!("{}: {}", drift.at, drift.what),
            format!("  fix: {}", drift.fix),
        ];
        session
            .report
            .tell(&lines, &json!({"event": "drift", "drift": drift}));
    }
    if drifts.is_empty() {
        return Ok(());
    }
    Err(Error::VersionDrift {
        count: drifts.len(),
    })
}

/// Runs `bump`.
pub fn bump(session: &mut Session, args: &BumpArgs) -> Result<()> {
    let level = Level::parse(&args.level)?;
    let packages = packages(&session.root)?;
    let chosen = choose(&packages, &args.unit)?;
    let bump = bump::plan(
        &session.root,
        &packages,
        &chosen,
        &level,
        args.pre.as_deref(),
        &bump::today(),
    )?;
    if bump.changes.is_empty() {
        session
            .report
            .say("nothing to raise: no commit since the last tags asks for it");
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
    let known = check::drifts(&session.root, &packages)?;
    let done = session
        .execute("bump", &plan, false)
        .and_then(|_| refuse_new_drift(session, &known));
    if done.is_err() {
        before.restore()?;
        session
            .report
            .say("every file is as it was before: a version is raised with its lock files, or not at all");
    }
    done
}

/// One task that writes these files and has the languages' tools bring the lock files up to date.
fn writing(
    session: &Session,
    args: &BumpArgs,
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
        needs: Vec::new(),
        share: None,
        note: None,
        actions,
        log: session.logs("bump").join("bump.log"),
        rerun: format!("cargo xtask bump {} {}", args.unit, args.level),
        counts: Counts::None,
        env: Vec::new(),
    });
    plan
}

/// A tool may succeed without having done what it was asked for.
fn refuse_new_drift(session: &mut Session, known: &[Drift]) -> Result<()> {
    let packages = packages(&session.root)?;
    let mut drifts = check::drifts(&session.root, &packages)?;
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

pub(super) fn choose(packages: &[Package], wanted: &str) -> Result<Vec<usize>> {
    let is_wanted = |package: &Package| match wanted {
        "all" => !package.private,
        _ => {
            package.name == wanted
                || package.folder == wanted.trim_start_matches("./").trim_end_matches('/')
        }
    };
    let chosen: Vec<usize> = (0..packages.len())
        .filter(|place| is_wanted(&packages[*place]))
        .collect();
    if chosen.is_empty() {
        let names = packages
            .iter()
            .flat_map(|package| [package.name.as_str(), package.folder.as_str()]);
        return Err(Error::UnknownUnit {
            wanted: wanted.to_owned(),
            suggestion: closest(wanted, names),
            known: packages
                .iter()
                .map(|package| package.folder.clone())
                .collect(),
        });
    }
    Ok(chosen)
}
