//! Does what a plan says: phase by phase, independent steps side by side, each step from what is there at its time.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::plan::{Plan, Step};
use super::stage::Stage;
use super::{git, ledger, pack, upload, verify};
use crate::error::{Error, Result};
use crate::publish::Unit;
use crate::publish::{Context, May};

/// Something that people may want to read while it happens.
#[derive(Clone, Debug)]
pub enum News {
    /// A step succeeded; how, in a word or two.
    Done(usize, Stage, String, Duration),
    /// A step waits, or tries again.
    Waiting(usize, Stage, String),
}

/// Does everything that is left to do.
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
                    match next(steps, states) {
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

/// The first step that can begin. What needs a failed step fails with it; the reason is known already.
fn next(steps: &[Step], states: &mut [State]) -> Option<usize> {
    for at in 0..steps.len() {
        let mut needs = steps[at].needs.iter();
        if states[at] == State::Open && needs.any(|need| states[*need] == State::Failed) {
            states[at] = State::Failed;
        }
    }
    (0..steps.len()).find(|at| {
        let mut needs = steps[*at].needs.iter();
        states[*at] == State::Open && needs.all(|need| states[*need] == State::Done)
    })
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
        Stage::Uploaded => upload::upload(context, unit, &packed()?, &|line| {
            tell(News::Waiting(step.unit, step.stage, line))
        }),
        Stage::Visible => upload::visible(context, unit, &packed()?),
        Stage::Tagged => {
            git::tag(
                context,
                &unit.folder,
                &unit.tag,
                &format!("{} {}", unit.name, unit.version),
            )?;
            git::push(context, &unit.folder, &unit.tag).map(|()| unit.tag.clone())
        }
        Stage::Announced => upload::announce(context, unit, &|line| {
            tell(News::Waiting(step.unit, step.stage, line))
        }),
    }
}
