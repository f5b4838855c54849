//! Runs a task template in memory: one worker and one server, with nothing between them.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::{json, Value};
use tasker_shared::models::core::task_template::{StepType, TaskTemplate};
use uuid::Uuid;

use super::graph::{Graph, COMPLETE, ERROR, PENDING, WAITING_FOR_RETRY};
use super::run::{Execution, StepRun, WorkflowRun};
use super::step::Given;
use crate::{contract, dispatch, Handler, Handlers, StepError};

/// A task template that runs in memory.
///
/// Steps run one at a time; those that are ready together run in the order of the template. Retries follow the template on a virtual
/// clock, so nothing waits. Decisions, convergence, batches and checkpoints follow the rules of Core's server; where these differ from what
/// the template seems to say, [`WorkflowRun::problems`] tells, and [`WorkflowRun::assert_complete`] fails.
///
/// ```
/// use serde_json::{json, Value};
/// use tasker_contrib_axum::testing::Workflow;
/// use tasker_contrib_axum::{Decision, Handlers, Step, StepError};
///
/// async fn fetch(step: Step) -> Result<Value, StepError> {
///     if step.retry_count() == 0 {
///         return Err(StepError::retryable("busy"));
///     }
///     Ok(json!({"rows": 3}))
/// }
///
/// async fn route() -> Result<Decision, StepError> {
///     Ok(Decision::steps(["publish"]))
/// }
///
/// let template = "
/// name: news
/// namespace_name: docs
/// version: 1.0.0
/// steps:
///   - {name: fetch, handler: {callable: news.fetch}}
///   - {name: route, type: decision, handler: {callable: news.route}, dependencies: [fetch]}
///   - {name: publish, handler: {callable: news.publish}, dependencies: [route]}
///   - {name: hold, handler: {callable: news.hold}, dependencies: [route]}
/// ";
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let run = Workflow::from_yaml(template)
///     .handlers(Handlers::new().add("news.fetch", fetch).add("news.route", route))
///     .stub("news.publish", json!({}))
///     .run()
///     .await;
/// run.assert_complete()
///     .assert_attempts("fetch", 2)
///     .assert_absent(&["hold"]);
/// # });
/// ```
#[derive(Debug)]
#[must_use = "nothing happens before `run`"]
pub struct Workflow {
    template: TaskTemplate,
    context: Value,
    handlers: Handlers,
}

impl Workflow {
    /// The template of a file.
    ///
    /// # Panics
    ///
    /// When it cannot be read, with the reason.
    #[track_caller]
    pub fn from_file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parsed(&text, &path.display().to_string()),
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }

    /// A template as text.
    ///
    /// # Panics
    ///
    /// When Core cannot read it, with the reason.
    #[track_caller]
    pub fn from_yaml(text: &str) -> Self {
        Self::parsed(text, "the task template")
    }

    #[track_caller]
    fn parsed(text: &str, name: &str) -> Self {
        let template = serde_yaml::from_str(text);
        Self {
            template: template.unwrap_or_else(|error| panic!("{name}: {error}")),
            context: json!({}),
            handlers: Handlers::new(),
        }
    }

    /// What the task is created with; checked against the template's `input_schema` when it runs.
    ///
    /// # Panics
    ///
    /// When serde cannot write it.
    #[track_caller]
    pub fn context(mut self, context: impl Serialize) -> Self {
        let context = serde_json::to_value(context);
        self.context = context.unwrap_or_else(|error| panic!("the context is not JSON: {error}"));
        self
    }

    /// The handlers, as the worker gets them.
    pub fn handlers(mut self, handlers: Handlers) -> Self {
        self.handlers = self.handlers.overlay(handlers);
        self
    }

    /// One handler, instead of another that may be there.
    pub fn handler<A: 'static>(
        mut self,
        callable: impl Into<String>,
        handler: impl Handler<A, ()>,
    ) -> Self {
        let one = Handlers::new().add(callable, handler);
        self.handlers = self.handlers.overlay(one);
        self
    }

    /// A result instead of a handler.
    ///
    /// # Panics
    ///
    /// When serde cannot write it.
    #[track_caller]
    pub fn stub(self, callable: impl Into<String>, result: impl Serialize) -> Self {
        let result = serde_json::to_value(result);
        let result = result.unwrap_or_else(|error| panic!("the result is not JSON: {error}"));
        self.handler(callable, move || {
            std::future::ready(Ok::<_, StepError>(result.clone()))
        })
    }

    /// Runs it to its end.
    ///
    /// # Panics
    ///
    /// When the context does not match the template's `input_schema`.
    pub async fn run(self) -> WorkflowRun {
        if let Some(schema) = &self.template.input_schema {
            if let Err(error) = jsonschema::validate(schema, &self.context) {
                let place = error.instance_path().to_string();
                panic!("the context does not fit input_schema at `{place}`: {error}");
            }
        }
        Engine {
            graph: Graph::new(&self.template),
            context: self.context,
            handlers: self.handlers,
            run: WorkflowRun::new(),
            queue: VecDeque::new(),
            enqueued: BTreeSet::new(),
            waiting: BinaryHeap::new(),
            failed: None,
        }
        .run()
        .await
    }
}

struct Engine {
    graph: Graph,
    context: Value,
    handlers: Handlers,
    run: WorkflowRun,
    queue: VecDeque<String>,
    enqueued: BTreeSet<String>,
    /// By time, then in the order of the failures.
    waiting: BinaryHeap<Reverse<(Duration, usize, String)>>,
    failed: Option<&'static str>,
}

impl Engine {
    async fn run(mut self) -> WorkflowRun {
        self.enqueue_ready();
        loop {
            if let Some(name) = self.queue.pop_front() {
                self.execute(&name).await;
                self.finalize();
            } else if self.failed.is_some() {
                break;
            } else if let Some(Reverse((at, _, name))) = self.waiting.pop() {
                self.run.duration = at;
                self.set_state(&name, PENDING);
                self.queue.push_back(name);
            } else {
                break;
            }
        }
        self.sync();
        if let Some(status) = self.failed {
            self.run.status = status;
        } else if self.graph.nodes.iter().all(|node| node.state == COMPLETE) {
            self.run.status = COMPLETE;
        }
        self.run
    }

    /// After every result Core looks at the whole task. Once a step has failed nothing new is started, and each further result moves the
    /// task on.
    fn finalize(&mut self) {
        if self.graph.nodes.iter().any(|node| node.state == ERROR) {
            let again = self.failed.is_some();
            self.failed = Some(if again { ERROR } else { "blocked_by_failures" });
        } else {
            self.enqueue_ready();
        }
    }

    fn enqueue_ready(&mut self) {
        for name in self.graph.ready() {
            if self.enqueued.insert(name.clone()) {
                self.queue.push_back(name);
            }
        }
    }

    async fn execute(&mut self, name: &str) {
        self.sync();
        let Some(node) = self.graph.node(name) else {
            return;
        };
        let first = node.attempts == 0;
        if first {
            self.run.order.push(name.to_owned());
            self.run.problems.extend(self.graph.early_start(name));
        }
        let made = self.run.steps.iter().find(|step| step.name == name);
        let step = Given {
            id: made.map_or_else(Uuid::now_v7, |run| run.idempotency_key),
            name,
            definition: &node.definition,
            context: &self.context,
            results: self.graph.results(name),
            inputs: node.inputs.clone(),
            attempts: node.attempts,
            checkpoint: made.and_then(|run| run.checkpoints.last().copied()),
        }
        .step();
        let outcome = dispatch::call(&self.handlers, &step).await;
        let attempt = self.attempted(name);
        for cursor in super::checkpoints(&step) {
            self.record(name, attempt, format!("checkpoint at {cursor}"));
            self.step(name).checkpoints.push(cursor);
        }
        match outcome {
            Ok(result) => self.complete(name, attempt, result),
            Err(error) => {
                let delay = dispatch::retry_after(&step, &error);
                let delay = delay.filter(|_| attempt < step.max_attempts());
                self.fail(name, attempt, error, delay);
            }
        }
    }

    fn complete(&mut self, name: &str, attempt: u32, result: Value) {
        self.record(name, attempt, COMPLETE.to_owned());
        self.step(name).error = None;
        let Some(node) = self.graph.nodes.iter_mut().find(|node| node.name == name) else {
            return;
        };
        node.state = COMPLETE;
        node.result = Some(result.clone());
        let refused = match node.definition.step_type {
            StepType::Decision => match result.get("decision_point_outcome") {
                Some(outcome) => self.graph.decide(name, outcome),
                None => Err(format!(
                    "decision '{name}' returned no decision_point_outcome"
                )),
            },
            StepType::Batchable => match result.get("batch_processing_outcome") {
                Some(outcome) => self.graph.expand(name, outcome),
                None => Err(format!(
                    "batchable '{name}' returned no batch_processing_outcome"
                )),
            },
            _ => Ok(()),
        };
        if let Err(reason) = refused {
            self.run.problems.push(format!(
                "{reason} (Core only logs this and goes on: the task completes without them)"
            ));
        }
    }

    fn fail(&mut self, name: &str, attempt: u32, error: StepError, delay: Option<Duration>) {
        let first_line = error.message().lines().next().unwrap_or_default();
        let mut text = format!("{}: {first_line}", error.error_type());
        if let Some(delay) = delay {
            text.push_str(&format!(" (again in {delay:?})"));
            let at = self.run.duration + delay;
            let number = self.run.timeline.len();
            self.waiting.push(Reverse((at, number, name.to_owned())));
            self.step(name).delays.push(delay);
        }
        self.set_state(
            name,
            if delay.is_some() {
                WAITING_FOR_RETRY
            } else {
                ERROR
            },
        );
        if error.error_type() == contract::ERROR_NOT_FOUND {
            self.run.problems.push(error.message().to_owned());
        }
        self.step(name).error = Some(error);
        self.record(name, attempt, text);
    }

    fn attempted(&mut self, name: &str) -> u32 {
        let node = self.graph.nodes.iter_mut().find(|node| node.name == name);
        node.map_or(0, |node| {
            node.attempts += 1;
            node.attempts
        })
    }

    fn set_state(&mut self, name: &str, state: &'static str) {
        if let Some(node) = self.graph.nodes.iter_mut().find(|node| node.name == name) {
            node.state = state;
        }
    }

    fn record(&mut self, name: &str, attempt: u32, text: String) {
        self.run.timeline.push(Execution {
            at: self.run.duration,
            step: name.to_owned(),
            attempt,
            text,
        });
    }

    fn step(&mut self, name: &str) -> &mut StepRun {
        self.sync();
        let found = self.run.steps.iter_mut().find(|step| step.name == name);
        found.expect("each node has a run")
    }

    /// Brings the report up to what the graph knows.
    fn sync(&mut self) {
        for node in &self.graph.nodes {
            let known = self
                .run
                .steps
                .iter_mut()
                .position(|step| step.name == node.name);
            let index = known.unwrap_or_else(|| {
                let run = StepRun::new(&node.name, &node.definition.name);
                self.run.steps.push(run);
                self.run.steps.len() - 1
            });
            let run = &mut self.run.steps[index];
            run.state = node.state;
            run.attempts = node.attempts;
            run.result = node.result.clone();
            let parents = self.graph.nodes.iter().map(|other| &other.name);
            run.depends_on = parents
                .filter(|name| node.parents.contains(*name))
                .cloned()
                .collect();
        }
    }
}
