//! Carries a plan of kills out while a command of the app goes on.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::app::{Running, Wait};
use super::chaos::{plan, Havoc, Kill, Killed, Target};
use super::postgres::Postgres;
use super::scenario::{millis, Outcome, Runner};
use super::spec::Chaos;
use super::stack::Stack;
use super::{command, recovered};
use crate::error::{Error, Result};

/// Recovery from the log takes a second; a loaded machine may take its time.
const BACK_PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// Lets a command of the app create tasks while processes are killed, and compares what it says about them. `say` hears of each kill.
pub fn run(
    runner: &Runner<'_>,
    chaos: &Chaos,
    (seed, tasks): (u64, u32),
    app: &mut Running,
    stack: &mut Stack,
    say: &mut dyn FnMut(&Killed),
) -> Result<Outcome> {
    let plan = plan(seed, tasks);
    let mut havoc = Havoc {
        seed,
        tasks,
        planned: plan.len(),
        kills: Vec::new(),
        recovered: BTreeMap::new(),
    };
    let begun = Instant::now();
    let mut killer = Killer {
        runner,
        chaos,
        stack,
        plan: plan.into(),
        begun,
        quiet_since: begun,
    };
    let ran = command::run(
        &chaos.command(tasks),
        runner.app,
        runner.around,
        Duration::from_secs(chaos.timeout_seconds),
        runner.interrupt,
        &mut || {
            havoc.kills.extend(killer.turn(app)?.inspect(&mut *say));
            Ok(())
        },
    )?;
    let mut outcome = Outcome::new("chaos", &chaos.about);
    runner.compare_answer(ran, Some(&chaos.answer), &mut outcome)?;
    outcome.differences.extend(havoc.spared());
    let log = std::fs::read(runner.around.stack_log()).unwrap_or_default();
    havoc.recovered = recovered::count(&String::from_utf8_lossy(&log));
    outcome.chaos = Some(havoc);
    outcome.duration_ms = millis(begun.elapsed());
    Ok(outcome)
}

/// A plan that is carried out.
struct Killer<'a> {
    runner: &'a Runner<'a>,
    chaos: &'a Chaos,
    stack: &'a mut Stack,
    /// What is still to be killed.
    plan: VecDeque<Kill>,
    begun: Instant,
    /// When everything was up again.
    quiet_since: Instant,
}

impl Killer<'_> {
    /// Kills what is due, and waits until it is back. What has ended without that is an error.
    fn turn(&mut self, running: &mut Running) -> Result<Option<Killed>> {
        running.check_alive()?;
        self.stack.check_alive()?;
        let quiet = self.quiet_since.elapsed();
        let is_due = |kill: &&Kill| quiet >= kill.pause;
        let Some(kill) = self.plan.front().filter(is_due).copied() else {
            return Ok(None);
        };
        self.plan.pop_front();
        let killed_at = Instant::now();
        let what = match kill.target {
            Target::Worker => self.worker(running)?,
            Target::Server => self.server()?,
            Target::Database => self.database(kill.pick, running)?,
        };
        self.quiet_since = Instant::now();
        Ok(Some(Killed {
            at_ms: millis(killed_at - self.begun),
            target: kill.target,
            what,
            back_ms: millis(killed_at.elapsed()),
        }))
    }

    fn worker(&self, running: &mut Running) -> Result<String> {
        let Runner {
            example,
            app,
            around,
            interrupt,
            ..
        } = self.runner;
        let name = self.chaos.process.as_deref();
        running.kill(name, app, around, interrupt)?;
        let ready = match &self.chaos.ready {
            Some(url) => around.fill(url)?,
            None => format!("{}{}", around.url(), app.ready),
        };
        running.wait_until_ready(&ready, &example.name, interrupt, &mut Silent)?;
        Ok(name.map_or_else(
            || "the app, which is the worker".to_owned(),
            |name| format!("the process `{name}`"),
        ))
    }

    fn server(&mut self) -> Result<String> {
        self.stack.kill(self.runner.interrupt)?;
        Ok("the server".to_owned())
    }

    fn database(&mut self, pick: u64, running: &mut Running) -> Result<String> {
        let postgres = Postgres::of(self.stack)?;
        let killed = postgres.kill_one(pick, self.runner.interrupt)?;
        let deadline = Instant::now() + BACK_PATIENCE;
        while !postgres.is_back_after(killed, self.runner.interrupt)? {
            running.check_alive()?;
            self.stack.check_alive()?;
            if self.runner.interrupt.is_set() {
                return Err(Error::Interrupted);
            }
            if Instant::now() > deadline {
                let why = format!(
                    "accepts no connections {} s after process {killed} was killed",
                    BACK_PATIENCE.as_secs()
                );
                return Err(Error::ended(
                    "PostgreSQL",
                    why,
                    &self.runner.around.stack_log(),
                ));
            }
            std::thread::sleep(POLL);
        }
        Ok(format!("PostgreSQL (process {killed})"))
    }
}

/// The line of a kill says how long it took.
struct Silent;

impl Wait for Silent {
    fn on(&mut self, _: &str) {}
}
