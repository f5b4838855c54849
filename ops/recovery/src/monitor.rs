//! What the loop knows about itself, for probes, metrics and whoever runs it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use prometheus::{
    Encoder as _, Gauge, Histogram, HistogramOpts, IntCounterVec, Opts, Registry, TextEncoder,
};

use crate::pass::KINDS;
use crate::Recovered;

/// Shared by the loop and by those who ask. Clones are the same monitor.
#[derive(Debug, Clone)]
pub struct Monitor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    state: Mutex<State>,
    registry: Registry,
    recovered: IntCounterVec,
    passes: IntCounterVec,
    duration: Histogram,
    listeners: Gauge,
    age: Gauge,
}

#[derive(Debug, Default)]
struct State {
    last_pass: Option<Instant>,
    problem: Option<String>,
    /// Sessions of servers that listen, if the role may see that.
    listeners: Option<i64>,
    /// Since when no server listens although the database answers.
    deaf_since: Option<Instant>,
}

impl Default for Monitor {
    fn default() -> Self {
        Self::new()
    }
}

impl Monitor {
    /// Nothing has happened yet.
    ///
    /// # Panics
    /// Never: the names of the metrics are fixed.
    #[must_use]
    pub fn new() -> Self {
        let counter = |name: &str, help: &str, label: &str| {
            IntCounterVec::new(Opts::new(name, help), &[label]).expect("a valid metric")
        };
        let gauge = |name: &str, help: &str| Gauge::new(name, help).expect("a valid metric");
        let inner = Inner {
            started: Instant::now(),
            state: Mutex::default(),
            registry: Registry::new(),
            recovered: counter("tasker_recovery_recovered_total", "Steps, messages and tasks that were recovered, by kind.", "kind"),
            passes: counter("tasker_recovery_passes_total", "Passes by outcome: done, busy (another process works), failed.", "outcome"),
            duration: Histogram::with_opts(
                HistogramOpts::new("tasker_recovery_pass_duration_seconds", "Time of a pass.")
                    .buckets(vec![0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0]),
            )
            .expect("a valid metric"),
            listeners: gauge("tasker_recovery_server_listeners", "Sessions in which a Tasker server listens for messages; -1 if that cannot be seen."),
            age: gauge("tasker_recovery_last_pass_age_seconds", "Time since the last pass, whoever did it."),
        };
        inner.listeners.set(-1.0);
        // Prometheus sees no increase in a series that begins at 1.
        for kind in KINDS {
            inner.recovered.with_label_values(&[kind]);
        }
        let all: [Box<dyn prometheus::core::Collector>; 5] = [
            Box::new(inner.recovered.clone()),
            Box::new(inner.passes.clone()),
            Box::new(inner.duration.clone()),
            Box::new(inner.listeners.clone()),
            Box::new(inner.age.clone()),
        ];
        for metric in all {
            inner.registry.register(metric).expect("each metric once");
        }
        Self(Arc::new(inner))
    }

    /// Why it is not ready; `None` if the last pass was no longer ago than this.
    #[must_use]
    pub fn problem(&self, patience: Duration) -> Option<String> {
        let state = self.state();
        match (state.last_pass, &state.problem) {
            (_, Some(problem)) => Some(problem.clone()),
            (None, None) => Some("no pass yet".to_owned()),
            (Some(last), None) if last.elapsed() > patience => Some(format!(
                "the last pass was {} s ago",
                last.elapsed().as_secs()
            )),
            (Some(_), None) => None,
        }
    }

    /// Whether the loop itself still turns: with a database that is away it does.
    #[must_use]
    pub fn is_alive(&self, patience: Duration) -> bool {
        let state = self.state();
        state.problem.is_some() || state.last_pass.unwrap_or(self.0.started).elapsed() < patience
    }

    /// How many sessions of servers listen for messages; `None` if the database's role may not see that.
    #[must_use]
    pub fn server_listeners(&self) -> Option<i64> {
        self.state().listeners
    }

    /// For how long no server has listened while the database answered. After an outage longer than its acquire timeout a server never
    /// listens again, until it is restarted.
    #[must_use]
    pub fn server_deaf_for(&self) -> Duration {
        self.state()
            .deaf_since
            .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Begins to count anew: the server has just been restarted.
    pub fn listen_again(&self) {
        self.state().deaf_since = None;
    }

    /// In Prometheus' text format.
    ///
    /// # Panics
    /// Never: everything that is encoded was registered here.
    #[must_use]
    pub fn metrics(&self) -> String {
        let last = self.state().last_pass.unwrap_or(self.0.started);
        self.0.age.set(last.elapsed().as_secs_f64());
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.0.registry.gather(), &mut text)
            .expect("memory takes everything");
        String::from_utf8(text).expect("the format is text")
    }

    pub(crate) fn passed(&self, took: Duration, rows: Option<&[Recovered]>) {
        self.0
            .passes
            .with_label_values(&[if rows.is_some() { "done" } else { "busy" }])
            .inc();
        if rows.is_some() {
            self.0.duration.observe(took.as_secs_f64());
        }
        self.count(rows.unwrap_or_default());
        let mut state = self.state();
        state.last_pass = Some(Instant::now());
        state.problem = None;
    }

    pub(crate) fn count(&self, rows: &[Recovered]) {
        for row in rows {
            self.0.recovered.with_label_values(&[&row.kind]).inc();
        }
    }

    /// Says whether this problem is new.
    pub(crate) fn failed(&self, problem: String) -> bool {
        self.0.passes.with_label_values(&["failed"]).inc();
        let mut state = self.state();
        state.deaf_since = None;
        let is_new = state.problem.as_ref() != Some(&problem);
        state.problem = Some(problem);
        is_new
    }

    pub(crate) fn heard(&self, listeners: Option<i64>) {
        #[allow(clippy::cast_precision_loss)]
        self.0.listeners.set(listeners.unwrap_or(-1) as f64);
        let mut state = self.state();
        state.listeners = listeners;
        state.deaf_since = match listeners {
            Some(0) => Some(state.deaf_since.unwrap_or_else(Instant::now)),
            _ => None,
        };
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
