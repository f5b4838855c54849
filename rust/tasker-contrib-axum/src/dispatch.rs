//! Runs claimed steps: one task for each, at most `worker.concurrency` at a time.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use serde_json::{json, Value};
use tasker_shared::messaging::StepExecutionResult;
use tasker_shared::models::core::task_template::{BackoffStrategy, RetryConfiguration};
use tasker_shared::types::TaskSequenceStep;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::checkpoint::Checkpoints;
use crate::core::{NotSent, Results};
use crate::correlation::Correlation;
use crate::events::{EventKind, Events};
use crate::intake::Claimed;
use crate::metrics::Metrics;
use crate::{contract, numbers, storable, Handlers, Step, StepError};

/// What fits into Core's number of seconds. It ignores larger ones, and tries again at once.
const LONGEST_DELAY: Duration = Duration::from_secs(u32::MAX as u64);
/// How often the database may refuse a result while it answers otherwise.
const REFUSALS: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How often a result is sent again when the drain's time is over.
const LAST_TRIES: u32 = 5;
/// How long one of these tries may take.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Dispatcher {
    pub(crate) handlers: Handlers,
    pub(crate) results: Results,
    pub(crate) events: Events,
    pub(crate) metrics: Metrics,
    pub(crate) running: TaskTracker,
    /// Nothing new is started.
    pub(crate) draining: CancellationToken,
    /// What runs is interrupted.
    pub(crate) cutting: CancellationToken,
    /// Steps that were interrupted.
    pub(crate) cut: Mutex<Vec<String>>,
    /// No step can come any more.
    pub(crate) over: CancellationToken,
}

impl Dispatcher {
    /// Runs what was claimed. Ends when nothing more can come.
    pub(crate) async fn run(self: Arc<Self>, mut steps: mpsc::UnboundedReceiver<Claimed>) {
        let _over = self.over.clone().drop_guard();
        while let Some(Claimed { step, place }) = steps.recv().await {
            let step = self.step(step);
            let this = self.clone();
            self.running.spawn(async move {
                this.execute(step).await;
                drop(place);
            });
        }
    }

    fn step(&self, mut core: TaskSequenceStep) -> Step {
        // Core's gRPC API takes this name for all tasks that it creates, and makes a float of each number.
        if core.task.task.initiator.as_deref() == Some("grpc") {
            if let Some(context) = &mut core.task.task.context {
                numbers::make_whole(context);
            }
        }
        Step {
            core: Arc::new(core),
            store: Arc::new(Checkpoints {
                service: self.results.checkpoints(),
                events: self.events.clone(),
                begun: Instant::now(),
            }),
        }
    }

    async fn execute(&self, step: Step) {
        let span = tracing::info_span!(
            "step",
            task_id = %step.task_id(),
            step_id = %step.id(),
            step = step.name(),
            handler = step.callable(),
            attempt = step.retry_count() + 1,
            correlation_id = %step.correlation_id(),
            trace_id = %step.correlation_id().simple(),
        );
        async {
            let attempt = step.retry_count() + 1;
            let data = json!({"handler": step.callable(), "attempt": attempt});
            self.events.emit(EventKind::StepStarted, Some(&step), data);
            let limit = step.core().step_definition.timeout_seconds;
            let limit = limit.map(|seconds| Duration::from_secs(seconds.into()));
            let executing = self.metrics.execute(limit);
            let start = Instant::now();
            let outcome = async {
                tokio::select! {
                    outcome = call(&self.handlers, &step) => outcome,
                    () = self.cutting.cancelled() => {
                        self.note_cut(&step);
                        let error = StepError::of(contract::ERROR_WORKER_STOPPED, "the worker stopped before the step ended", true);
                        Err(error.after(Duration::ZERO))
                    }
                }
            };
            // What a handler keeps may also panic when it is dropped: by a timeout, by the end of the drain.
            let outcome = AssertUnwindSafe(outcome).catch_unwind().await;
            let outcome = outcome.unwrap_or_else(|panic| Err(panicked(step.callable(), panic)));
            drop(executing);
            self.answer(&step, outcome, start.elapsed()).await;
        }
        .instrument(span)
        .await;
    }

    async fn answer(&self, step: &Step, mut outcome: Result<Value, StepError>, took: Duration) {
        let mut result = to_core(step, &outcome, took);
        let mut sent = self.deliver(step, &result).await;
        if let (Err(NotSent::Refused(reason)), true) = (&sent, outcome.is_ok()) {
            let reason = format!("Core refused the result: {reason}");
            outcome = Err(StepError::validation(reason).storable());
            result = to_core(step, &outcome, took);
            sent = self.deliver(step, &result).await;
        }
        match sent {
            Ok(()) => {}
            // Somebody cancelled or resolved it: nothing is lost, and nothing is retried.
            Err(NotSent::Unwanted(reason)) => {
                tracing::info!(reason, "the result of a step was not wanted any more");
                self.tell(step, &Err(StepError::permanent(reason)), took);
                return;
            }
            Err(NotSent::Yet(reason) | NotSent::Refused(reason)) => {
                tracing::error!(reason, "the result of a step is lost");
                let error = StepError::of(
                    contract::ERROR_WORKER_STOPPED,
                    format!("the step's result is lost: {reason}"),
                    false,
                );
                self.note_cut(step);
                self.tell(step, &Err(error), took);
                return;
            }
        }
        self.results.publish(step.core(), &result).await;
        self.tell(step, &outcome, took);
    }

    /// Tries until the server has the result: a step without one would hang for ever. The place of the step stays taken meanwhile, so that a
    /// worker that cannot answer claims nothing more. Only the end of a drain ends it, and a database that answers and does not take this result.
    async fn deliver(&self, step: &Step, result: &StepExecutionResult) -> Result<(), NotSent> {
        let mut wait = FIRST_WAIT;
        let mut last_tries = LAST_TRIES;
        let mut refusals = 0;
        loop {
            let sent = tokio::select! {
                sent = self.results.send(step.core(), result.clone()) => sent,
                () = self.last_patience() => Err(NotSent::Yet("the database did not answer".to_owned())),
            };
            let reason = match sent {
                Ok(()) => return Ok(()),
                Err(unwanted @ NotSent::Unwanted(_)) => return Err(unwanted),
                Err(NotSent::Yet(reason)) => reason,
                Err(NotSent::Refused(reason)) => {
                    refusals += 1;
                    if refusals == REFUSALS {
                        return Err(NotSent::Refused(reason));
                    }
                    reason
                }
            };
            if self.cutting.is_cancelled() {
                last_tries -= 1;
                if last_tries == 0 {
                    return Err(NotSent::Yet(reason));
                }
            }
            tracing::warn!(
                reason,
                "the result of a step was not accepted; sending it again"
            );
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.cutting.cancelled(), if !self.cutting.is_cancelled() => wait = FIRST_WAIT,
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Nothing new is started from now on.
    pub(crate) fn drain(&self) {
        self.metrics.draining.set(1);
        self.draining.cancel();
    }

    /// Ready a while after the end of the drain.
    async fn last_patience(&self) {
        self.cutting.cancelled().await;
        tokio::time::sleep(LAST_PATIENCE).await;
    }

    fn note_cut(&self, step: &Step) {
        let mut cut = self
            .cut
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        cut.push(format!("{} of task {}", step.name(), step.task_id()));
    }

    fn tell(&self, step: &Step, outcome: &Result<Value, StepError>, took: Duration) {
        let handler = step.callable();
        let attempt = step.retry_count() + 1;
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let word = match outcome {
            Ok(_) => {
                let data =
                    json!({"handler": handler, "attempt": attempt, "duration_ms": duration_ms});
                self.events.emit(EventKind::StepCompleted, Some(step), data);
                "completed"
            }
            Err(error) => {
                if error.error_type() == contract::ERROR_TIMEOUT {
                    let data = json!({"handler": handler, "attempt": attempt, "timeout_seconds": step.core().step_definition.timeout_seconds, "hung": false});
                    self.events.emit(EventKind::StepTimedOut, Some(step), data);
                }
                tracing::warn!(
                    handler,
                    attempt,
                    error_type = error.error_type(),
                    retryable = tried_again(step, error),
                    message = error.message(),
                    "step failed"
                );
                let data = json!({"handler": handler, "attempt": attempt, "duration_ms": duration_ms, "error_type": error.error_type(),
                    "message": error.message(), "retryable": tried_again(step, error), "retry_after": retry_after(step, error).map(|delay| delay.as_secs())});
                self.events.emit(EventKind::StepFailed, Some(step), data);
                match error.error_type() {
                    contract::ERROR_TIMEOUT => "timed_out",
                    contract::ERROR_WORKER_STOPPED => "cut",
                    _ if tried_again(step, error) => "retryable",
                    _ => "failed",
                }
            }
        };
        self.metrics
            .executions
            .with_label_values(&[handler, word])
            .inc();
        self.metrics
            .duration
            .with_label_values(&[handler])
            .observe(took.as_secs_f64());
    }
}

/// Calls the handler of a step under its time limit; a panic is a failure.
pub(crate) async fn call(handlers: &Handlers, step: &Step) -> Result<Value, StepError> {
    let handler = step.callable().to_owned();
    let call = async {
        match handlers.call(&handler, step.clone()) {
            Some(running) => running.await,
            None => Err(StepError::of(
                contract::ERROR_NOT_FOUND,
                format!("no handler is registered for `{handler}`"),
                false,
            )),
        }
    };
    let here = Correlation {
        id: step.correlation_id(),
        step: true,
    };
    let call = here.scope(AssertUnwindSafe(call).catch_unwind());
    let caught = match step.core().step_definition.timeout_seconds {
        None => call.await,
        Some(seconds) => {
            match tokio::time::timeout(Duration::from_secs(seconds.into()), call).await {
                Ok(caught) => caught,
                Err(_) => {
                    let text =
                        format!("`{handler}` took longer than its timeout_seconds = {seconds}");
                    return Err(StepError::of(contract::ERROR_TIMEOUT, text, true));
                }
            }
        }
    };
    let outcome = caught.unwrap_or_else(|panic| Err(panicked(&handler, panic)));
    match outcome {
        Err(error) if error.is_nothing_to_do() => Ok(json!({"no_op": true})),
        Err(error) => Err(error.storable()),
        Ok(value) => match storable::problem(&value) {
            Some(why) => Err(StepError::validation(format!("the handler's result {why}"))),
            None => Ok(value),
        },
    }
}

fn panicked(handler: &str, panic: Box<dyn std::any::Any + Send>) -> StepError {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned());
    // Anything can be thrown, also what panics when it is dropped.
    std::mem::forget(panic);
    let text = format!("`{handler}` panicked: {text}");
    StepError::of(contract::ERROR_HANDLER, text, false).storable()
}

/// Whether Core will try a step again, attempts permitting. It leaves a retryable failure of a step with `retryable: false` waiting for ever.
fn tried_again(step: &Step, error: &StepError) -> bool {
    error.is_retryable() && step.core().step_definition.retry.retryable
}

/// The delay before the next attempt: the handler's wish, else the template's back-off.
pub(crate) fn retry_after(step: &Step, error: &StepError) -> Option<Duration> {
    tried_again(step, error).then(|| {
        error
            .retry_after()
            .unwrap_or_else(|| backoff(&step.core().step_definition.retry, step.retry_count() + 1))
            .min(LONGEST_DELAY)
    })
}

/// The template's back-off after the failed attempt of this number, the first one being 1.
pub(crate) fn backoff(retry: &RetryConfiguration, attempt: u32) -> Duration {
    let base = retry.backoff_base_ms.unwrap_or(1000);
    let limit = retry.max_backoff_ms.unwrap_or(30_000);
    let attempt = attempt.clamp(1, 64);
    let factor = match retry.backoff {
        BackoffStrategy::None => 0,
        BackoffStrategy::Linear => u64::from(attempt),
        BackoffStrategy::Exponential => 1 << (attempt - 1).min(62),
        BackoffStrategy::Fibonacci => fibonacci(attempt),
    };
    Duration::from_millis(base.saturating_mul(factor).min(limit))
}

fn fibonacci(count: u32) -> u64 {
    (1..count)
        .fold((1, 1), |(a, b): (u64, u64), _| (b, a.saturating_add(b)))
        .0
}

fn to_core(step: &Step, outcome: &Result<Value, StepError>, took: Duration) -> StepExecutionResult {
    let milliseconds = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    match outcome {
        Ok(value) => StepExecutionResult::success(step.id(), value.clone(), milliseconds, None),
        Err(error) => {
            let mut result = StepExecutionResult::failure(
                step.id(),
                error.message().to_owned(),
                error.error_code().map(str::to_owned),
                Some(error.error_type().to_owned()),
                tried_again(step, error),
                milliseconds,
                None,
            );
            // Whole seconds are what Core can wait; never shorter than promised.
            let delay = retry_after(step, error).map(|delay| delay.as_millis().div_ceil(1000));
            if let (Some(delay), Some(more)) = (delay, &mut result.orchestration_metadata) {
                more.headers
                    .insert("retry-after".to_owned(), delay.to_string());
            }
            result
        }
    }
}
