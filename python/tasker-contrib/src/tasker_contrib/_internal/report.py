"""Tells the world how steps end: metrics, log, events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from ..events import TaskerEvent, emit
from ..log import bound
from . import metrics
from ._contract import DOMAIN_EVENT, STEP_CHECKPOINTED, STEP_COMPLETED, STEP_FAILED, STEP_TIMED_OUT
from .answers import retry_after
from .outcome import StepOutcome
from .running import Running

logger = logging.getLogger("tasker_contrib.dispatcher")


class Reports:
    """Of the steps of one dispatcher."""

    def __init__(self, loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
        self._loop = loop

    def ended(self, step: Running, outcome: StepOutcome, seconds: float, word: str | None) -> None:
        """A step was answered."""
        failure = outcome.failure
        data: dict[str, Any] = {"duration_ms": round(seconds * 1000, 3)}
        if failure is not None:
            name = STEP_FAILED
            word = word or ("retryable" if failure.retryable else "failed")
            data |= {
                "error_type": failure.error_type,
                "message": failure.message,
                "retryable": failure.retryable,
                "retry_after": retry_after(step, outcome),
            }
        elif outcome.checkpoint is not None:
            name, word = STEP_CHECKPOINTED, word or "checkpointed"
            data |= {
                "cursor": outcome.checkpoint.cursor,
                "items_processed": outcome.checkpoint.items_processed,
            }
        else:
            name, word = STEP_COMPLETED, word or "completed"
        metrics.executions.labels(step.handler, word).inc()
        metrics.duration.labels(step.handler).observe(seconds)
        with bound(step.fields):
            if failure is not None:
                _log_failure(step, failure.message, failure.retryable, data["retry_after"])
            elif name == STEP_COMPLETED:
                logger.info("%s completed in %.0f ms", step, seconds * 1000)
        self.emit(name, step, data)

    def timed_out(self, step: Running, places: int) -> None:
        """A step was answered because its time was over."""
        data = {"timeout_seconds": step.timeout, "hung": step.hung}
        self.emit(STEP_TIMED_OUT, step, data)
        with bound(step.fields):
            if step.hung:
                logger.error(
                    "handler hangs: %s exceeded its timeout of %g s and cannot be stopped; it "
                    "occupies one of %d places until it returns",
                    step,
                    step.timeout,
                    places,
                )
            else:
                logger.warning("%s was cancelled after its timeout of %g s", step, step.timeout)

    def emit(self, name: str, step: Running, data: dict[str, Any]) -> None:
        """Emit an event of a step."""
        self.emit_event(
            TaskerEvent(
                name=name,
                task_uuid=step.event.task_uuid,
                step_uuid=step.event.step_uuid,
                step=str(step.fields["step"]),
                namespace=str(step.fields["namespace"]),
                correlation_id=step.event.correlation_id,
                data={"handler": step.handler, "attempt": step.attempt, **data},
            )
        )

    def emit_event(self, event: TaskerEvent) -> None:
        """Call the subscribers on the loop thread: a slow one must not stop the poller."""
        loop = self._loop()
        try:
            if asyncio.get_running_loop() is loop:
                emit(event, loop)
                return
        except RuntimeError:
            pass  # a thread without a loop
        try:
            loop.call_soon_threadsafe(emit, event, loop)
        except RuntimeError:  # the loop has ended
            emit(event, None)


def _log_failure(step: Running, message: str, retryable: bool, after: int | None) -> None:
    last = not retryable or step.attempt >= step.context.max_retries
    logger.log(
        logging.ERROR if last else logging.WARNING,
        "%s failed (attempt %d of %d, %s): %s",
        step,
        step.attempt,
        step.context.max_retries,
        "no retry" if last else f"retry in {after} s",
        message,
    )


def domain_event(raw: dict[str, Any]) -> TaskerEvent:
    """A domain event that a step of this process published, in our shape."""
    metadata = raw.get("metadata") or {}
    wrapped = raw.get("payload") or {}
    payload = wrapped.get("payload") if isinstance(wrapped, dict) else wrapped
    return TaskerEvent(
        name=DOMAIN_EVENT,
        task_uuid=_text(metadata.get("task_uuid")),
        step_uuid=_text(metadata.get("step_uuid")),
        step=_text(metadata.get("step_name")),
        namespace=_text(metadata.get("namespace")),
        correlation_id=_text(metadata.get("correlation_id")),
        data={
            "event_name": raw.get("event_name"),
            "event_version": raw.get("event_version"),
            "payload": payload,
        },
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
