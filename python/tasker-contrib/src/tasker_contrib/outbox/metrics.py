"""What a process that relays an outbox tells Prometheus of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from .._internal._contract import (
    METRIC_OUTBOX_DEAD,
    METRIC_OUTBOX_LAG,
    METRIC_OUTBOX_OPEN,
    METRIC_OUTBOX_UP,
    Metric,
)
from .._internal.metrics import registry
from .rows import OutboxStats

FRESH_SECONDS = 60.0


class OutboxMetrics(Collector):
    """The rows as a relay last counted them, as long as that is true.

    Nothing before the first relay and after the last one: a lag of 0 would be a lie there. A relay
    that cannot read its outbox shows no figure of the past.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._relays = 0
        self._read: tuple[float, OutboxStats] | None = None

    def begin(self) -> None:
        """A relay runs."""
        with self._lock:
            if self._relays == 0:
                self._read = None  # what a relay before it has counted is not true any more
            self._relays += 1

    def read(self, stats: OutboxStats) -> None:
        """A relay has counted."""
        self._read = (time.monotonic(), stats)

    def end(self) -> None:
        """A relay has ended."""
        with self._lock:
            self._relays -= 1

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What is true now."""
        if self._relays == 0:
            return
        read = self._read
        is_fresh = read is not None and time.monotonic() - read[0] <= FRESH_SECONDS
        yield _gauge(METRIC_OUTBOX_UP, is_fresh)
        if read is not None and is_fresh:
            stats = read[1]
            yield _gauge(METRIC_OUTBOX_OPEN, stats.open)
            yield _gauge(METRIC_OUTBOX_DEAD, stats.dead)
            yield _gauge(METRIC_OUTBOX_LAG, stats.lag_seconds)


def _gauge(metric: Metric, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(metric.name, metric.doc, value=value)


outbox_metrics = OutboxMetrics()
registry.register(outbox_metrics)
