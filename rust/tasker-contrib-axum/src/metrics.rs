//! Prometheus metrics of handlers and of calls of the server.

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

use crate::contract::{
    Metric, METRIC_CLIENT_REQUESTS, METRIC_HANDLERS_IN_FLIGHT, METRIC_HANDLER_DURATION,
    METRIC_HANDLER_EXECUTIONS,
};

#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) executions: IntCounterVec,
    pub(crate) duration: HistogramVec,
    pub(crate) in_flight: IntGauge,
    pub(crate) client_requests: IntCounterVec,
}

fn options(metric: Metric) -> Opts {
    Opts::new(metric.name, metric.doc)
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let executions = IntCounterVec::new(
            options(METRIC_HANDLER_EXECUTIONS),
            METRIC_HANDLER_EXECUTIONS.labels,
        );
        let duration = HistogramVec::new(
            HistogramOpts::from(options(METRIC_HANDLER_DURATION)),
            METRIC_HANDLER_DURATION.labels,
        );
        let in_flight = IntGauge::with_opts(options(METRIC_HANDLERS_IN_FLIGHT));
        let client_requests = IntCounterVec::new(
            options(METRIC_CLIENT_REQUESTS),
            METRIC_CLIENT_REQUESTS.labels,
        );
        let metrics = Self {
            registry,
            executions: executions.expect("the contract's names are valid"),
            duration: duration.expect("the contract's names are valid"),
            in_flight: in_flight.expect("the contract's names are valid"),
            client_requests: client_requests.expect("the contract's names are valid"),
        };
        let registry = &metrics.registry;
        let done = registry
            .register(Box::new(metrics.executions.clone()))
            .and_then(|()| registry.register(Box::new(metrics.duration.clone())))
            .and_then(|()| registry.register(Box::new(metrics.in_flight.clone())))
            .and_then(|()| registry.register(Box::new(metrics.client_requests.clone())));
        done.expect("names are registered once");
        metrics
    }

    /// In Prometheus' text format.
    pub(crate) fn text(&self) -> String {
        let mut out = Vec::new();
        let written = TextEncoder::new().encode(&self.registry.gather(), &mut out);
        written.expect("writing to memory succeeds");
        String::from_utf8(out).expect("the text format is UTF-8")
    }
}
