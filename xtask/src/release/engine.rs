//! Does what a plan says: phase by phase, independent steps side by side, each step from what is there at its time.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::channel::{self, Upload};
use super::curl::Request;
use super::effects::{Context, May};
use super::ledger::{self, Packed};
use super::plan::{Conflict, Plan, Step, There};
use super::retry::{self, Cause};
use super::{git, observe, pack, store, verify, Stage, Unit};
use crate::error::{Error, Result};
use crate::version::{changelog, Ecosystem};

/// How long a registry may take to show what it took.
const VISIBLE_WITHIN: Duration = Duration::from_secs(10 * 60);

/// Something that people may want to read while it happens.
#[derive(Clone, Debug)]
pub enum News {
    /// A step succeeded; how, in a word or two.
    Done(usize, Stage, String, Duration),
    /// A step waits, or tries again.
    Waiting(usize, Stage, String),
}

/// Does everything that is left to do.
///
/// # Errors
/// The failures, after everything that does not depend on them was done; a rerun goes on from there.
pub fn run(
    context: &Context,
    units: &[Unit],
    plan: &Plan,
    jobs: usize,
    tell: &(dyn Fn(News) + Sync),
) -> Result<()> {
    if plan.is_empty() {
        return Ok(());
    }
    prepare(context)?;
    for steps in &plan.phases {
        let mut failures = phase(context, units, &plan.fresh, steps, jobs, tell);
        if let Some(first) = failures.pop() {
            let more: Vec<String> = failures.iter().map(ToString::to_string).collect();
            return Err(if more.is_empty() {
                first
            } else {
                Error::Release {
                    first: Box::new(first),
                    more,
                }
            });
        }
    }
    Ok(())
}

/// Makes the clean clone that everything is packed from.
fn prepare(context: &Context) -> Result<()> {
    let source = context.source();
    if source.is_dir() {
        return Ok(());
    }
    context.folder_at_once(&source, |into| {
        use crate::process::Invocation;
        let (from, to) = (
            context.root.display().to_string(),
            into.display().to_string(),
        );
        let clone = [
            "git",
            "clone",
            "--quiet",
            "--no-checkout",
            "--no-tags",
            &from,
            &to,
        ];
        context.succeed(
            "release",
            May::Build,
            &Invocation::new(&context.root, clone),
        )?;
        let checkout = [
            "git",
            "-c",
            "advice.detachedHead=false",
            "checkout",
            "--quiet",
            &context.commit,
        ];
        context
            .succeed("release", May::Build, &Invocation::new(into, checkout))
            .map(drop)
    })
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    Running,
    Done,
    Failed,
}

/// One phase; gives what failed, the last failure first.
fn phase(
    context: &Context,
    units: &[Unit],
    fresh: &BTreeSet<usize>,
    steps: &[Step],
    jobs: usize,
    tell: &(dyn Fn(News) + Sync),
) -> Vec<Error> {
    let state = Mutex::new((vec![State::Open; steps.len()], Vec::new()));
    let changed = Condvar::new();
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(steps.len()) {
            scope.spawn(|| loop {
                let mut guard = state.lock().unwrap_or_else(PoisonError::into_inner);
                let place = loop {
                    let (states, _) = &mut *guard;
                    // What needs a failed step fails with it; the reason is known already.
                    for at in 0..steps.len() {
                        if states[at] == State::Open
                            && steps[at]
                                .needs
                                .iter()
                                .any(|need| states[*need] == State::Failed)
                        {
                            states[at] = State::Failed;
                        }
                    }
                    let ready = (0..steps.len()).find(|at| {
                        states[*at] == State::Open
                            && steps[*at]
                                .needs
                                .iter()
                                .all(|need| states[*need] == State::Done)
                    });
                    match ready {
                        Some(place) => break place,
                        None if states.contains(&State::Running) => {
                            guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
                        }
                        None => {
                            changed.notify_all();
                            return;
                        }
                    }
                };
                guard.0[place] = State::Running;
                drop(guard);
                let step = &steps[place];
                let started = Instant::now();
                let done = self::step(context, units, fresh, step, tell);
                let mut guard = state.lock().unwrap_or_else(PoisonError::into_inner);
                match done {
                    Ok(how) => {
                        guard.0[place] = State::Done;
                        tell(News::Done(step.unit, step.stage, how, started.elapsed()));
                    }
                    Err(error) => {
                        guard.0[place] = State::Failed;
                        guard.1.push(error);
                    }
                }
                drop(guard);
                changed.notify_all();
            });
        }
    });
    let mut failures = state.into_inner().unwrap_or_else(PoisonError::into_inner).1;
    failures.reverse();
    failures
}

/// One step; gives in a word or two how it was done.
fn step(
    context: &Context,
    units: &[Unit],
    fresh: &BTreeSet<usize>,
    step: &Step,
    tell: &(dyn Fn(News) + Sync),
) -> Result<String> {
    let unit = &units[step.unit];
    let packed = || ledger::packed(context, unit).ok_or_else(|| verify::not_packed(unit));
    match step.stage {
        Stage::Packed => {
            let with: Vec<&Unit> = verify::needed(units, step.unit)
                .into_iter()
                .filter(|need| fresh.contains(need))
                .map(|need| &units[need])
                .collect();
            let packed = pack::pack(context, unit, &with)?;
            Ok(packed.artifacts.join(", "))
        }
        Stage::Verified => {
            verify::verify(context, units, step.unit).map(|()| "installed and tried".to_owned())
        }
        Stage::Uploaded => upload(context, unit, &packed()?, &|line| {
            tell(News::Waiting(step.unit, step.stage, line))
        }),
        Stage::Visible => visible(context, unit, &packed()?),
        Stage::Tagged => {
            git::tag(
                context,
                &unit.folder,
                &unit.tag,
                &format!("{} {}", unit.name, unit.version),
            )?;
            git::push(context, &unit.folder, &unit.tag).map(|()| unit.tag.clone())
        }
        Stage::Announced => announce(context, unit, &|line| {
            tell(News::Waiting(step.unit, step.stage, line))
        }),
    }
}

/// Uploads each file that is not there yet: the registry's first, then those of the store.
fn upload(context: &Context, unit: &Unit, packed: &Packed, say: &dyn Fn(String)) -> Result<String> {
    let mut sent = Vec::new();
    for name in packed.artifacts.iter().chain(&packed.extras) {
        let is_extra = packed.extras.contains(name);
        let look = || -> Result<There> {
            if is_extra {
                return observe::extra(context, unit, packed, name);
            }
            observe::compare(
                packed,
                name,
                &channel::of(unit.ecosystem).probe(context, unit)?,
            )
        };
        if until_there(
            context,
            unit,
            name,
            &look,
            &|| send(context, unit, &packed.folder.join(name), is_extra),
            say,
        )? {
            sent.push(name.clone());
        }
    }
    Ok(if sent.is_empty() {
        "already there, with the same bytes".to_owned()
    } else {
        format!("{} files", sent.len())
    })
}

/// Tries until something is there. Whether it is decides the place itself, not the answer to the try: that may be lost.
fn until_there(
    context: &Context,
    unit: &Unit,
    name: &str,
    look: &dyn Fn() -> Result<There>,
    send: &dyn Fn() -> Result<Result<(), String>>,
    say: &dyn Fn(String),
) -> Result<bool> {
    match retry::asking(context, look)? {
        There::Same => return Ok(false),
        There::Other(conflict) => return Err(taken(unit, &conflict)),
        There::No | There::NotCompared => {}
    }
    let mut tried = 0;
    let mut waited = Duration::ZERO;
    loop {
        tried += 1;
        let answer = match send() {
            // Before it sends, it may have to ask.
            Err(error @ Error::Registry { .. }) => Err(error.to_string()),
            answer => answer?,
        };
        // A look that fails is one more thing that may pass.
        match (look(), &answer) {
            (Ok(There::Same), _) => return Ok(true),
            (Ok(There::Other(conflict)), _) => return Err(taken(unit, &conflict)),
            // It was taken, and is not shown yet: waiting for that is the next step.
            (_, Ok(())) => return Ok(true),
            (_, Err(_)) => {}
        }
        let words = answer.err().unwrap_or_default();
        let wait = match retry::cause(&words, retry::now()) {
            Cause::Refused => return Err(refused(context, unit, name, &words)),
            Cause::RateLimited(named) => {
                tried -= 1;
                match named
                    .or_else(|| ask_for_time(context, unit))
                    .unwrap_or_else(retry::unnamed)
                {
                    wait if waited + wait > retry::LONGEST => {
                        return Err(refused(context, unit, name, &words))
                    }
                    wait => {
                        say(format!(
                            "{name}: too many requests; the server asks to wait {} s",
                            wait.as_secs()
                        ));
                        wait
                    }
                }
            }
            Cause::Passing if tried >= retry::TRIES => {
                return Err(refused(context, unit, name, &words))
            }
            Cause::Passing => {
                let wait = retry::back_off(tried + 1);
                say(format!(
                    "{name}: failed, is tried again in {} ms: {}",
                    wait.as_millis(),
                    last_line(&words)
                ));
                wait
            }
        };
        waited += wait;
        context.sleep(wait)?;
    }
}

/// Sends one file; what was said if it was not taken.
fn send(context: &Context, unit: &Unit, file: &Path, is_extra: bool) -> Result<Result<(), String>> {
    let channel = channel::of(unit.ecosystem);
    let upload = if is_extra {
        Upload::Store
    } else {
        channel.upload(context, unit, file)?
    };
    match upload {
        Upload::Store => store::put(context, &unit.folder, &unit.tag, file),
        Upload::Client(invocation) => {
            let ran = context.run(&unit.folder, May::Publish(unit.ecosystem), &invocation)?;
            Ok(if ran.status.success() {
                Ok(())
            } else {
                Err(super::secrets::redact(&ran.text))
            })
        }
    }
}

/// Clients do not print how long a server asks to wait; the server says it to anybody.
fn ask_for_time(context: &Context, unit: &Unit) -> Option<Duration> {
    let url = channel::of(unit.ecosystem).limited_at(context, unit)?;
    let answer = Request::post_nothing(&url).send().ok()?;
    if answer.status == 429 {
        retry::named_wait(&answer.headers, retry::now())
    } else {
        Some(Duration::ZERO)
    }
}

fn visible(context: &Context, unit: &Unit, packed: &Packed) -> Result<String> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(200);
    loop {
        match observe::there(context, unit, packed) {
            Ok(There::Same) => return Ok("handed out".to_owned()),
            Ok(There::Other(conflict)) => return Err(taken(unit, &conflict)),
            Ok(_) if started.elapsed() > VISIBLE_WITHIN => {
                return Err(Error::Version {
                    why: format!(
                        "{}: its registry does not show it after {} minutes",
                        unit.folder,
                        VISIBLE_WITHIN.as_secs() / 60
                    ),
                    fix: "run the same command again later: it goes on where it stopped".into(),
                });
            }
            Err(error) if started.elapsed() > VISIBLE_WITHIN => return Err(error),
            Ok(_) | Err(_) => {}
        }
        context.sleep(pause)?;
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}

/// Publishes the notes: the version's part of the changelog at the tag.
fn announce(context: &Context, unit: &Unit, say: &dyn Fn(String)) -> Result<String> {
    let text = git::file_at(
        &context.root,
        &format!("refs/tags/{}", unit.tag),
        &unit.changelog,
    )
    .or_else(|| git::file_at(&context.root, "HEAD", &unit.changelog));
    let notes = text
        .and_then(|text| changelog::notes(&text, &unit.version.to_string()))
        .unwrap_or_default();
    let scratch = tempfile::tempdir().map_err(Error::io("create", std::env::temp_dir()))?;
    let file = scratch.path().join(store::NOTES);
    let text = format!("# {} {}\n\n{}\n", unit.name, unit.version, notes.trim());
    std::fs::write(&file, text).map_err(Error::io("write", &file))?;
    let look = || {
        Ok(if store::is_announced(context, &unit.folder, &unit.tag)? {
            There::Same
        } else {
            There::No
        })
    };
    let send = || store::announce(context, &unit.folder, &unit.tag, &file);
    let new = until_there(context, unit, store::NOTES, &look, &send, say)?;
    Ok(if new {
        "notes published"
    } else {
        "already there"
    }
    .to_owned())
}

/// A version that has other bytes.
pub fn taken(unit: &Unit, conflict: &Conflict) -> Error {
    Error::Version {
        why: format!(
            "{}: {} {} is in its registry with other bytes: {} has {}, here it is {}",
            unit.folder, unit.name, unit.version, conflict.file, conflict.theirs, conflict.ours
        ),
        fix: "release from the commit that was uploaded, or raise the version: cargo xtask bump"
            .into(),
    }
}

fn refused(context: &Context, unit: &Unit, name: &str, words: &str) -> Error {
    let lines: Vec<&str> = words
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    Error::Ended {
        what: format!("{}: the upload of {name}", unit.folder),
        why: "failed; run the same command again: it goes on where it stopped".into(),
        tail: lines[lines.len().saturating_sub(12)..]
            .iter()
            .map(|line| (*line).to_owned())
            .collect(),
        log: context.log(&unit.folder).unwrap_or_default(),
    }
}

fn last_line(words: &str) -> &str {
    words
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("")
        .trim()
}

/// Whether the credentials of everything that will be uploaded are there; all that is missing at once.
///
/// # Errors
/// [`Error::Credentials`].
pub fn check_credentials(context: &Context, units: &[Unit], plan: &Plan) -> Result<()> {
    let mut missing: Vec<(String, String)> = Vec::new();
    let mut asked = BTreeSet::new();
    for step in plan
        .steps()
        .filter(|step| matches!(step.stage, Stage::Uploaded | Stage::Announced))
    {
        let unit = &units[step.unit];
        let ecosystem = if step.stage == Stage::Announced {
            Ecosystem::Plugin
        } else {
            unit.ecosystem
        };
        if asked.insert(ecosystem) {
            missing.extend(channel::of(ecosystem).credentials(context, unit).err());
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Credentials { missing })
}
