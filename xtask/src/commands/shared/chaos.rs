//! `e2e --chaos`: what was asked for, and what is said about it.

use std::path::Path;

use serde_json::json;

use crate::e2e::app::Running;
use crate::e2e::chaos::{any_seed, plan};
use crate::e2e::killer;
use crate::e2e::scenario::{Outcome, Runner};
use crate::e2e::spec::{self, Example};
use crate::e2e::stack::Stack;
use crate::error::{Error, Result};
use crate::file::relative;
use crate::report::Report;

/// What to run while processes are killed.
pub struct Chaos {
    spec: spec::Chaos,
    tasks: u32,
    seed: u64,
}

impl Chaos {
    /// What an example says about it, with a seed of its own if none is given.
    pub fn of(root: &Path, example: &Example, tasks: u32, seed: Option<u64>) -> Result<Self> {
        let missing = || Error::BadFile {
            file: relative(root, &example.folder.join(spec::FILE)).to_owned(),
            line: None,
            why: format!(
                "{} has no [chaos], which says what --chaos runs",
                example.name
            ),
            fix: Some(
                "leave out --chaos, or add the table: docs/guides/write-an-example.md".into(),
            ),
        };
        Ok(Self {
            spec: example.chaos.clone().ok_or_else(missing)?,
            tasks,
            seed: seed.unwrap_or_else(any_seed),
        })
    }

    /// The options that repeat it.
    pub fn options(&self) -> String {
        format!("--chaos --tasks {} --seed {}", self.tasks, self.seed)
    }

    /// What a dry run says.
    pub fn lines(&self) -> Vec<String> {
        let plan = plan(self.seed, self.tasks);
        let targets: Vec<String> = plan.iter().map(|kill| kill.target.to_string()).collect();
        vec![
            format!("  {}", self.spec.command(self.tasks).join(" ")),
            format!("  meanwhile kill {}", targets.join(", ")),
        ]
    }

    /// Runs it; `again` is the command that repeats it.
    pub fn run(
        &self,
        runner: &Runner<'_>,
        again: &str,
        app: &mut Running,
        stack: &mut Stack,
        report: &mut dyn Report,
    ) -> Result<Outcome> {
        report.say(&format!("chaos: {again}"));
        killer::run(
            runner,
            &self.spec,
            (self.seed, self.tasks),
            app,
            stack,
            &mut |killed| {
                let line = format!("  {}", killed.line());
                report.tell(&[line], &json!({"event": "killed", "killed": killed}));
            },
        )
    }
}
