//! Runs an example for real: stack, app, scenarios through the app's own HTTP endpoint, checks, reports, teardown.
//!
//! ```text
//! spec      example.toml                 app       the app's processes
//! scenario  one scenario, start to end   expect    what must come out
//! command   a scenario's or check's own command
//! timeline  when each step ran           page      the report as HTML
//! chaos     who is killed when           killer    kills them, while a command of the app creates tasks
//! postgres  kills one of its processes   recovered what recovery had to do
//! ```

pub mod app;
pub mod chaos;
pub mod command;
pub mod expect;
pub mod killer;
pub mod page;
pub mod postgres;
mod recovered;
pub mod scenario;
pub mod spec;
pub mod stack;
pub mod timeline;

use serde::Serialize;

/// The report of one run of one example with one app; `report.json` has exactly these fields.
#[derive(Debug, Serialize)]
pub struct Report {
    pub example: String,
    pub summary: String,
    pub framework: String,
    /// When the run began, such as `2026-01-31 12:05 UTC`.
    pub date: String,
    /// How long the run took, in milliseconds, without the time of `--keep`.
    pub duration_ms: u64,
    /// Its log files, relative to the report.
    pub logs: Vec<String>,
    /// What it ran on.
    pub stack: crate::e2e::stack::Ready,
    /// How long each phase took, in milliseconds.
    pub phases_ms: Phases,
    /// The scenarios, in order.
    pub scenarios: Vec<scenario::Outcome>,
}

/// How long each phase took, in milliseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Phases {
    /// Tools, environment and the program of the stack.
    pub provision: u64,
    /// From the start of the stack until it was ready.
    pub stack: u64,
    /// The app's own preparations, such as migrations.
    pub prepare: u64,
    /// From the start of the app until it was ready.
    pub app: u64,
    pub scenarios: u64,
    /// How long `--keep` held everything.
    pub kept: u64,
    pub teardown: u64,
}

impl Phases {
    /// All of them but the time of `--keep`, in milliseconds.
    pub fn all(&self) -> u64 {
        self.provision + self.stack + self.prepare + self.app + self.scenarios + self.teardown
    }
}

impl Report {
    /// Scenarios that did not do what they must.
    pub fn failed(&self) -> usize {
        self.scenarios
            .iter()
            .filter(|scenario| !scenario.is_ok())
            .count()
    }
}
