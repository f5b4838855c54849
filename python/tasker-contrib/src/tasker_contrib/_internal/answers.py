"""Hands the ends of steps to Core. Whatever an outcome has in it, Core gets an answer."""

from __future__ import annotations

import logging
import socket
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from . import backoff
from . import outcome as outcomes
from .native import NativeWorker
from .outcome import StepOutcome
from .running import Running

logger = logging.getLogger("tasker_contrib.dispatcher")

#: A cut step that came back at once would be claimed again by the worker that is just stopping.
CUT_RETRY_SECONDS = 2


class Answers:
    """The way back to one native worker."""

    def __init__(self, native: NativeWorker, worker_id: str) -> None:
        self._native = native
        self._worker_id = worker_id
        self._hostname = socket.gethostname()

    def send(self, step: Running, outcome: StepOutcome, seconds: float) -> StepOutcome:
        """Hand over the end of a step; return what was handed over in the end."""
        if outcome.checkpoint is not None:
            problem = self._checkpoint(step, outcome)
            if problem is None:
                return outcome
            outcome = outcomes.failed(problem, outcomes.VALIDATION, retryable=False)
        event = step.event
        try:
            after = retry_after(step, outcome)
            self._complete(event.event_id, event.step_uuid, outcome, seconds, after)
        except BaseException as error:
            logger.exception("the result of %s cannot be handed to Core", step)
            text = f"the result cannot be handed to Core: {outcomes.text_of(error)}"[:500]
            outcome = outcomes.failed(text, outcomes.VALIDATION, retryable=False)
            self._complete(event.event_id, event.step_uuid, outcome, 0, None)
        return outcome

    def send_raw(self, raw: dict[str, Any], outcome: StepOutcome, after: int | None = None) -> None:
        """Answer a step that was never prepared."""
        self._complete(str(raw["event_id"]), str(raw["step_uuid"]), outcome, 0, after)

    def _complete(
        self,
        event_id: str,
        step_uuid: str,
        outcome: StepOutcome,
        seconds: float,
        after: int | None,
    ) -> None:
        completion = self._completion(step_uuid, outcome, int(seconds * 1000), after)
        if not self._native.complete(event_id, completion):
            logger.error("Core did not accept the result of step %s", step_uuid)

    def _checkpoint(self, step: Running, outcome: StepOutcome) -> str | None:
        """Store a checkpoint; return why that cannot be done."""
        assert outcome.checkpoint is not None
        data = {
            "step_uuid": step.event.step_uuid,
            "cursor": outcome.checkpoint.cursor,
            "items_processed": outcome.checkpoint.items_processed,
            "accumulated_results": outcome.checkpoint.accumulated,
        }
        try:
            if not self._native.checkpoint(step.event.event_id, data):
                # Core answered the step as a retryable failure itself.
                logger.error("Core could not store the checkpoint of %s", step)
        except BaseException as error:
            logger.exception("the checkpoint of %s cannot be handed to Core", step)
            return f"the checkpoint cannot be stored: {outcomes.text_of(error)}"[:500]
        return None

    def _completion(
        self, step_uuid: str, outcome: StepOutcome, milliseconds: int, after: int | None
    ) -> dict[str, Any]:
        """Core's StepExecutionResult. Keys that it does not know would be dropped silently."""
        failure = outcome.failure
        now = datetime.now(timezone.utc)
        started = datetime.fromtimestamp(now.timestamp() - milliseconds / 1000, timezone.utc)
        completion: dict[str, Any] = {
            "step_uuid": step_uuid,
            "success": failure is None,
            "status": "completed" if failure is None else "error",
            "result": outcome.result,
            "metadata": {
                "execution_time_ms": milliseconds,
                "handler_version": None,
                "retryable": failure is not None and failure.retryable,
                "completed_at": now.isoformat(),
                "started_at": started.isoformat(),
                "worker_id": self._worker_id,
                "worker_hostname": self._hostname,
                "custom": outcome.metadata,
                "context": {},
                "error_code": failure.error_code if failure else None,
                "error_type": failure.error_type if failure else None,
            },
        }
        if failure is not None:
            completion["error"] = {
                "message": failure.message,
                "error_type": failure.error_type,
                "backtrace": failure.backtrace or None,
                "retryable": failure.retryable,
                "context": {},
            }
        if after is not None:
            completion["orchestration_metadata"] = {
                "headers": {"retry-after": str(after)},
                "error_context": None,
                "backoff_hint": None,
                "custom": {},
            }
        return completion


def retry_after(step: Running, outcome: StepOutcome) -> int | None:
    """Seconds until Core tries a step again; None when it does not."""
    if outcome.failure is None or not outcome.failure.retryable:
        return None
    return backoff.seconds(step.retry, step.attempt, outcome.failure.retry_after)


def as_template_allows(step: Running, outcome: StepOutcome) -> StepOutcome:
    """A failure is final when the template says `retry: {retryable: false}`.

    Core would put the step into `waiting_for_retry`, from where nothing ever takes it: the task
    would never end.
    """
    failure = outcome.failure
    if failure is None or not failure.retryable or step.retry.get("retryable", True):
        return outcome
    return replace(outcome, failure=replace(failure, retryable=False))
