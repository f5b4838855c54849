"""Prometheus metrics of handlers and of the client; Core has none per handler."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ._contract import (
    METRIC_CLIENT_REQUESTS,
    METRIC_EVENT_LOOP_LAG,
    METRIC_HANDLER_DURATION,
    METRIC_HANDLER_EXECUTIONS,
    METRIC_HANDLERS_CAPACITY,
    METRIC_HANDLERS_HUNG,
    METRIC_HANDLERS_IN_FLIGHT,
    METRIC_WORKER_DRAINING,
    Metric,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

# A registry of our own: the app's default registry stays the app's.
registry = CollectorRegistry()


def _counter(metric: Metric) -> Counter:
    return Counter(metric.name, metric.doc, metric.labels, registry=registry)


def _gauge(metric: Metric) -> Gauge:
    return Gauge(metric.name, metric.doc, metric.labels, registry=registry)


executions = _counter(METRIC_HANDLER_EXECUTIONS)
duration = Histogram(
    METRIC_HANDLER_DURATION.name,
    METRIC_HANDLER_DURATION.doc,
    METRIC_HANDLER_DURATION.labels,
    buckets=_BUCKETS,
    registry=registry,
)
in_flight = _gauge(METRIC_HANDLERS_IN_FLIGHT)
capacity = _gauge(METRIC_HANDLERS_CAPACITY)
hung = _gauge(METRIC_HANDLERS_HUNG)
loop_lag = _gauge(METRIC_EVENT_LOOP_LAG)
draining = _gauge(METRIC_WORKER_DRAINING)
client_requests = _counter(METRIC_CLIENT_REQUESTS)


def expect(handlers: Iterable[str]) -> None:
    """Show every outcome of these handlers at 0.

    Prometheus sees no increase in a series that begins at 1, so the first failure of a handler
    would be missed.
    """
    for handler in handlers:
        for outcome in METRIC_HANDLER_EXECUTIONS.outcomes:
            executions.labels(handler, outcome)


def render() -> bytes:
    """All metrics in Prometheus' text format."""
    return generate_latest(registry)
