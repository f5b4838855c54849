//! What a task came to, and claims about it.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::graph::{COMPLETE, ERROR, PENDING};
use crate::StepError;

/// What became of one step; see [`WorkflowRun::step`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepRun {
    /// Its name; a batch worker's instance is `{worker}_{batch_id}`.
    pub name: String,
    /// The step of the template that it was made from.
    pub template_step: String,
    /// `complete`, `error`, `pending` (it never ran) or `waiting_for_retry`.
    pub state: &'static str,
    /// How often the handler was called.
    pub attempts: u32,
    /// What it returned.
    pub result: Option<Value>,
    /// The failure of its last attempt.
    pub error: Option<StepError>,
    /// How long it waited before the second, third … attempt.
    pub delays: Vec<Duration>,
    /// Cursors that a batch worker stored.
    pub checkpoints: Vec<u64>,
    /// The steps that it waited for.
    pub depends_on: Vec<String>,
    /// Its [`IdempotencyKey`](crate::IdempotencyKey), the same in every attempt.
    pub idempotency_key: Uuid,
}

impl StepRun {
    pub(super) fn new(name: &str, template_step: &str) -> Self {
        Self {
            name: name.to_owned(),
            template_step: template_step.to_owned(),
            state: PENDING,
            attempts: 0,
            result: None,
            error: None,
            delays: Vec::new(),
            checkpoints: Vec::new(),
            depends_on: Vec::new(),
            idempotency_key: Uuid::now_v7(),
        }
    }
}

/// One execution on the virtual clock.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Execution {
    pub(super) at: Duration,
    pub(super) step: String,
    pub(super) attempt: u32,
    pub(super) text: String,
}

/// What a task came to; see the module's example. All claims panic with the timeline of the run, which [`Display`](std::fmt::Display) shows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WorkflowRun {
    /// The task's end state: `complete`, `blocked_by_failures`, `error`, or `waiting_for_dependencies`. The second and the third both mean
    /// failed: Core moves a task from one to the other when another result comes in.
    pub status: &'static str,
    /// Every step that was created, in this order.
    pub steps: Vec<StepRun>,
    /// Step names in the order in which their handlers were first called.
    pub order: Vec<String>,
    /// What the server would do differently from what the template seems to say; empty is good.
    pub problems: Vec<String>,
    /// The time that retry delays took on the virtual clock.
    pub duration: Duration,
    pub(super) timeline: Vec<Execution>,
}

impl WorkflowRun {
    pub(super) fn new() -> Self {
        Self {
            status: "waiting_for_dependencies",
            steps: Vec::new(),
            order: Vec::new(),
            problems: Vec::new(),
            duration: Duration::ZERO,
            timeline: Vec::new(),
        }
    }

    /// The step of this name.
    ///
    /// # Panics
    ///
    /// When it was not created.
    #[track_caller]
    #[must_use]
    pub fn step(&self, name: &str) -> &StepRun {
        let found = self.steps.iter().find(|step| step.name == name);
        let made: Vec<_> = self.steps.iter().map(|step| step.name.as_str()).collect();
        found.unwrap_or_else(|| {
            panic!(
                "step `{name}` was not created (created: {})\n{self}",
                made.join(", ")
            )
        })
    }

    /// Claims that the task completed, and that the server would have run it in the same way.
    #[track_caller]
    pub fn assert_complete(&self) -> &Self {
        assert!(
            self.problems.is_empty(),
            "the server would not run this template as it is written:\n  - {}\n{self}",
            self.problems.join("\n  - ")
        );
        self.assert_status(COMPLETE)
    }

    /// Claims that the task failed.
    #[track_caller]
    pub fn assert_failed(&self) -> &Self {
        let failed = ["blocked_by_failures", ERROR].contains(&self.status);
        assert!(
            failed,
            "expected a failed task, but it is {}\n{self}",
            self.status
        );
        self
    }

    /// Claims an end state.
    #[track_caller]
    pub fn assert_status(&self, status: &str) -> &Self {
        assert!(
            self.status == status,
            "expected status {status}, but it is {}\n{self}",
            self.status
        );
        self
    }

    /// Claims that a step completed and returned at least this: objects may have more keys.
    #[track_caller]
    pub fn assert_result(&self, step: &str, expected: impl Serialize) -> &Self {
        let run = self.step(step);
        let expected = serde_json::to_value(expected).expect("the expected result is JSON");
        assert!(
            run.state == COMPLETE,
            "step `{step}` is {}, expected complete\n{self}",
            run.state
        );
        let result = run.result.clone().unwrap_or_default();
        assert!(
            contains(&result, &expected),
            "step `{step}` returned\n{result:#}\nexpected\n{expected:#}\n{self}"
        );
        self
    }

    /// Claims that a step failed for good, with this in its message.
    #[track_caller]
    pub fn assert_step_failed(&self, step: &str, message: &str) -> &Self {
        let run = self.step(step);
        let text = run.error.as_ref().map_or("", StepError::message);
        assert!(
            run.state == ERROR && text.contains(message),
            "step `{step}` is {} with `{text}`, expected error with `{message}`\n{self}",
            run.state
        );
        self
    }

    /// Claims how often a step was tried.
    #[track_caller]
    pub fn assert_attempts(&self, step: &str, attempts: u32) -> &Self {
        let run = self.step(step);
        assert!(
            run.attempts == attempts,
            "step `{step}` was tried {} times, expected {attempts}\n{self}",
            run.attempts
        );
        self
    }

    /// Claims that steps were not created: a branch that was not taken, say.
    #[track_caller]
    pub fn assert_absent(&self, names: &[&str]) -> &Self {
        let present: Vec<_> = self
            .steps
            .iter()
            .map(|step| step.name.as_str())
            .filter(|name| names.contains(name))
            .collect();
        assert!(
            present.is_empty(),
            "created, but should not be: {}\n{self}",
            present.join(", ")
        );
        self
    }

    /// Claims that these steps were first called in this order; others may lie between.
    #[track_caller]
    pub fn assert_order(&self, names: &[&str]) -> &Self {
        let mut called = self.order.iter();
        let in_order = names
            .iter()
            .all(|name| called.any(|step| step.as_str() == *name));
        assert!(
            in_order,
            "expected the order {}; called: {}\n{self}",
            names.join(", "),
            self.order.join(", ")
        );
        self
    }
}

/// Whether a value has at least what is expected of it.
pub(super) fn contains(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Object(value), Value::Object(expected)) => {
            let has = |(key, part): (&String, &Value)| {
                value
                    .get(key)
                    .is_some_and(|present| contains(present, part))
            };
            expected.iter().all(has)
        }
        (Value::Array(value), Value::Array(expected)) => {
            value.len() == expected.len()
                && value
                    .iter()
                    .zip(expected)
                    .all(|(value, expected)| contains(value, expected))
        }
        (Value::Number(value), Value::Number(expected)) => value.as_f64() == expected.as_f64(),
        _ => value == expected,
    }
}

/// The timeline, one execution a line, then the steps that never ran.
impl std::fmt::Display for WorkflowRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = self
            .steps
            .iter()
            .map(|step| step.name.len())
            .max()
            .unwrap_or(0);
        write!(f, "task {} after {:?}", self.status, self.duration)?;
        for execution in &self.timeline {
            let at = execution.at.as_secs_f64();
            let (step, attempt, text) = (&execution.step, execution.attempt, &execution.text);
            write!(
                f,
                "\n  {at:8.3} s  {step:<width$}  attempt {attempt}: {text}"
            )?;
        }
        for step in self.steps.iter().filter(|step| step.attempts == 0) {
            write!(f, "\n         -   {:<width$}  never ran", step.name)?;
        }
        Ok(())
    }
}
