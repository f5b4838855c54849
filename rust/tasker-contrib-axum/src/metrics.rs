//! Prometheus metrics of the worker, of its handlers and of calls of the server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus::core::Collector;
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

use crate::contract::{
    Metric, METRIC_CLIENT_REQUESTS, METRIC_HANDLERS_CAPACITY, METRIC_HANDLERS_HUNG,
    METRIC_HANDLERS_IN_FLIGHT, METRIC_HANDLER_DURATION, METRIC_HANDLER_EXECUTIONS,
    METRIC_WORKER_DRAINING,
};
#[cfg(feature = "outbox")]
use crate::outbox::metrics::Outboxes;

/// Upper limits of the buckets, in seconds; those of the other packages.
const BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];
/// A handler that can be dropped is gone this long after its timeout, also on a busy runtime.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) executions: IntCounterVec,
    pub(crate) duration: HistogramVec,
    pub(crate) capacity: IntGauge,
    pub(crate) draining: IntGauge,
    pub(crate) client_requests: IntCounterVec,
    in_flight: IntGauge,
    hung: IntGauge,
    running: Arc<Mutex<Running>>,
    #[cfg(feature = "outbox")]
    pub(crate) outboxes: Outboxes,
}

/// When the handlers that are being executed have to be over.
#[derive(Debug, Default)]
struct Running {
    deadlines: HashMap<u64, Instant>,
    last: u64,
}

/// A handler that is being executed, until this is dropped.
pub(crate) struct Executing<'a> {
    metrics: &'a Metrics,
    number: u64,
}

impl Drop for Executing<'_> {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
        self.metrics.running().deadlines.remove(&self.number);
    }
}

fn options(metric: Metric) -> Opts {
    Opts::new(metric.name, metric.doc)
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    made: prometheus::Result<C>,
) -> C {
    let collector = made.expect("the contract's names are valid");
    let done = registry.register(Box::new(collector.clone()));
    done.expect("names are registered once");
    collector
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let counter = |metric: Metric| {
            registered(
                &registry,
                IntCounterVec::new(options(metric), metric.labels),
            )
        };
        let gauge = |metric: Metric| registered(&registry, IntGauge::with_opts(options(metric)));
        let duration =
            HistogramOpts::from(options(METRIC_HANDLER_DURATION)).buckets(BUCKETS.to_vec());
        let duration = HistogramVec::new(duration, METRIC_HANDLER_DURATION.labels);
        Self {
            executions: counter(METRIC_HANDLER_EXECUTIONS),
            duration: registered(&registry, duration),
            capacity: gauge(METRIC_HANDLERS_CAPACITY),
            draining: gauge(METRIC_WORKER_DRAINING),
            client_requests: counter(METRIC_CLIENT_REQUESTS),
            in_flight: gauge(METRIC_HANDLERS_IN_FLIGHT),
            hung: gauge(METRIC_HANDLERS_HUNG),
            running: Arc::default(),
            #[cfg(feature = "outbox")]
            outboxes: registered(&registry, Ok(Outboxes::new())),
            registry,
        }
    }

    /// Shows every outcome of these handlers at 0: Prometheus sees no increase in a series that begins at 1, so the first failure of a
    /// handler would be missed.
    pub(crate) fn expect<'a>(&self, handlers: impl IntoIterator<Item = &'a str>) {
        for handler in handlers {
            for outcome in METRIC_HANDLER_EXECUTIONS.outcomes {
                self.executions.with_label_values(&[handler, outcome]);
            }
        }
    }

    /// A handler begins, which has this long.
    pub(crate) fn execute(&self, timeout: Option<Duration>) -> Executing<'_> {
        self.in_flight.inc();
        let mut running = self.running();
        running.last += 1;
        let number = running.last;
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout + GRACE));
        running
            .deadlines
            .extend(deadline.map(|deadline| (number, deadline)));
        Executing {
            metrics: self,
            number,
        }
    }

    /// In Prometheus' text format.
    pub(crate) fn text(&self) -> String {
        self.text_at(Instant::now())
    }

    fn text_at(&self, now: Instant) -> String {
        // One that blocks its thread is not dropped: its timeout can only interrupt it where it awaits.
        let over = |deadline: &&Instant| **deadline < now;
        let hung = self.running().deadlines.values().filter(over).count();
        self.hung.set(i64::try_from(hung).unwrap_or(i64::MAX));
        let mut out = Vec::new();
        let written = TextEncoder::new().encode(&self.registry.gather(), &mut out);
        written.expect("writing to memory succeeds");
        String::from_utf8(out).expect("the text format is UTF-8")
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Metrics;

    fn gauges(metrics: &Metrics, later: u64) -> [bool; 2] {
        let text = metrics.text_at(Instant::now() + Duration::from_secs(later));
        ["handlers_in_flight 1", "handlers_hung 1"]
            .map(|line| text.contains(&format!("tasker_contrib_{line}\n")))
    }

    #[test]
    fn a_handler_hangs_that_goes_on_after_its_timeout() {
        let metrics = Metrics::new();
        assert_eq!(gauges(&metrics, 60), [false, false]);
        let executing = metrics.execute(Some(Duration::from_secs(30)));
        assert_eq!(gauges(&metrics, 29), [true, false]);
        assert_eq!(gauges(&metrics, 60), [true, true]);
        drop(executing);
        assert_eq!(gauges(&metrics, 60), [false, false]);
        // It may take as long as it wants.
        let _executing = metrics.execute(None);
        assert_eq!(gauges(&metrics, 1_000_000), [true, false]);
    }
}
