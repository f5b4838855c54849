"""OpenTelemetry spans around steps; active when the extra `[otel]` is installed.

A span is named `tasker.step <handler>`, has the ids as attributes, and continues the trace that
Core sends along, if it sends one. Exporters are the application's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._internal.outcome import StepOutcome


if TYPE_CHECKING:
    from opentelemetry.context import Context

try:
    from opentelemetry import trace
except ImportError:  # the extra is not installed
    _available = False
else:
    _available = True

__all__ = ["StepSpan", "step_span"]


class StepSpan:
    """Takes the outcome of a step; does nothing without OpenTelemetry."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def set_outcome(self, outcome: StepOutcome) -> None:
        """Note how the step ended."""
        if self._span is None:
            return
        failure = outcome.failure
        state = "failed" if failure else "checkpointed" if outcome.checkpoint else "completed"
        self._span.set_attribute("tasker.outcome", state)
        if failure is not None:
            self._span.set_attribute("error.type", failure.error_type)
            self._span.set_attribute("tasker.retryable", failure.retryable)
            self._span.set_status(trace.StatusCode.ERROR, failure.message)


@contextmanager
def step_span(
    handler: str, fields: dict[str, object], trace_id: str | None, span_id: str | None
) -> Iterator[StepSpan]:
    """Open the span of a step.

    Args:
        handler: the handler's name.
        fields: ids; become attributes `tasker.<name>`.
        trace_id: of Core's trace, in hex; None without one.
        span_id: of Core's span, in hex; None without one.
    """
    if not _available:
        yield StepSpan()
        return
    tracer = trace.get_tracer("tasker_contrib")
    attributes = {f"tasker.{name}": str(value) for name, value in fields.items()}
    with tracer.start_as_current_span(
        f"tasker.step {handler}",
        context=_parent(trace_id, span_id),
        kind=trace.SpanKind.CONSUMER,
        attributes=attributes,
    ) as span:
        yield StepSpan(span)


def _parent(trace_id: str | None, span_id: str | None) -> Context | None:
    if not trace_id or not span_id:
        return None
    try:
        context = trace.SpanContext(
            trace_id=int(trace_id.replace("-", ""), 16),
            span_id=int(span_id, 16),
            is_remote=True,
            trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
        )
    except ValueError:
        return None
    if not context.is_valid:
        return None
    return trace.set_span_in_context(trace.NonRecordingSpan(context))
