//! The scheduler: runs a plan's tasks in parallel, in dependency order, and tells what happens.
//!
//! It never prints. Everything a person or a machine gets to know goes through [`Event`]s to a reporter.

mod event;
pub mod folder;
mod state;
mod totals;

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::resource::{getrusage, UsageWho};

pub use event::{Event, Summary};

use crate::apply;
use crate::environment::Environment;
use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::plan::{Outcome, Plan};
use state::State;

/// How often reporters hear what a long task is doing.
const TICK: Duration = Duration::from_millis(500);

/// How tasks are run.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many at once.
    pub jobs: usize,
    /// Stop everything after the first failure.
    pub fail_fast: bool,
    /// What tasks can see of our environment.
    pub environment: Environment,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            jobs: std::thread::available_parallelism().map_or(2, usize::from),
            fail_fast: false,
            environment: Environment::ours(),
        }
    }
}

/// Runs a plan to its end. A failing task stops only the tasks that need it, unless `fail_fast` is set.
pub fn run(
    root: &Path,
    plan: &Plan,
    options: &Options,
    interrupt: &Interrupt,
    report: &mut dyn FnMut(&Event),
) -> Summary {
    let started = Instant::now();
    let cpu_before = cpu_of_children();
    report(&Event::Known(&plan.cached));
    let mut state = State::new(plan);
    // Set by Ctrl-C, and by the first failure if that ends everything.
    let stop = interrupt.part();
    tasks(root, plan, options, &stop, &mut state, report);
    let critical_path = state.critical_path();
    let results = plan
        .cached
        .iter()
        .cloned()
        .chain(state.into_results(interrupt.is_set()))
        .collect();
    let cpu = cpu_of_children().saturating_sub(cpu_before);
    let summary = Summary::new(
        results,
        started.elapsed(),
        cpu,
        critical_path,
        interrupt.is_set(),
    );
    report(&Event::Finished(summary.clone()));
    summary
}

/// Runs tasks until none runs and none may start.
fn tasks<'a>(
    root: &Path,
    plan: &'a Plan,
    options: &Options,
    stop: &Interrupt,
    state: &mut State<'a>,
    report: &mut dyn FnMut(&Event),
) {
    std::thread::scope(|scope| {
        let (sender, finished) = mpsc::channel::<(usize, Result<()>, Duration)>();
        loop {
            while let Some(result) = state.skip_next_blocked() {
                report(&Event::TaskFinished(result));
            }
            while !stop.is_set() && state.running() < options.jobs {
                let Some(index) = state.start_next() else {
                    break;
                };
                let task = &plan.tasks[index];
                report(&Event::TaskStarted { task });
                let sender = sender.clone();
                scope.spawn(move || {
                    let begun = Instant::now();
                    let result = apply::task(root, task, &options.environment, stop);
                    // The receiver lives until every task has reported.
                    let _ = sender.send((index, result, begun.elapsed()));
                });
            }
            if state.running() == 0 {
                break;
            }
            if let Ok((index, result, took)) = finished.recv_timeout(TICK) {
                let result = state.finish(index, result, took);
                if options.fail_fast && result.outcome == Outcome::Failed {
                    stop.set();
                }
                report(&Event::TaskFinished(result));
            } else {
                for (task, elapsed) in state.still_running() {
                    let line = totals::last_line(&task.log);
                    report(&Event::TaskRunning {
                        task,
                        elapsed,
                        line,
                    });
                }
            }
        }
    });
}

/// Time of processors that ended children took, user and system.
pub fn cpu_of_children() -> Duration {
    let time = |value: nix::sys::time::TimeVal| {
        let micros =
            value.tv_sec().unsigned_abs() * 1_000_000 + u64::try_from(value.tv_usec()).unwrap_or(0);
        Duration::from_micros(micros)
    };
    getrusage(UsageWho::RUSAGE_CHILDREN)
        .map(|usage| time(usage.user_time()) + time(usage.system_time()))
        .unwrap_or_default()
}
