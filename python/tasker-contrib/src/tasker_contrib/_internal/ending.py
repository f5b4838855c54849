"""The last moments of a worker: nothing that it claimed or answered may get lost."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from dataclasses import dataclass, field

import httpx

from ..client.base import headers_from
from ..client.transport import options
from ..events import finish
from ..settings import TaskerSettings
from .dispatcher import CutStep, Dispatcher
from .names import counted

logger = logging.getLogger("tasker_contrib")

_SUBSCRIBER_SECONDS = 2.0
_FLUSH_SECONDS = 5.0
_UNREACHABLE_FLUSH_SECONDS = 1.0
_UNPROCESSED = frozenset(
    {"in_progress", "enqueued_for_orchestration", "enqueued_as_error_for_orchestration"}
)


@dataclass(frozen=True)
class StopReport:
    """How a worker came to its end.

    Attributes:
        cut: steps that were interrupted; Core tries them again.
        returned: steps that were claimed and never started; Core tries them again.
        seconds: how long the stop took.
    """

    cut: list[CutStep] = field(default_factory=list)
    returned: int = 0
    seconds: float = 0.0


def return_unstarted(settings: TaskerSettings, dispatcher: Dispatcher) -> int:
    """Give back what was claimed and not started, until nothing more comes.

    While the server takes in the last answers, it may enqueue the steps that follow, and the
    native worker may claim them.
    """
    total = 0
    end = time.monotonic() + _FLUSH_SECONDS
    while True:
        returned = dispatcher.return_unstarted()
        total += returned
        _flush(settings, dispatcher)
        late = dispatcher.return_unstarted()
        total += late
        if late == 0 or time.monotonic() > end:
            return total


def _flush(settings: TaskerSettings, dispatcher: Dispatcher) -> None:
    """Wait until the server has the last answers: `native.stop` drops unsent ones."""
    waiting = dispatcher.recently_answered()
    if not waiting:
        return
    url = settings.orchestration_url
    begun = time.monotonic()
    limit = _FLUSH_SECONDS
    pause = threading.Event()
    with httpx.Client(**options(url, headers_from(settings), 1.0)) as http:
        while waiting and time.monotonic() - begun < limit:
            try:
                waiting = [ids for ids in waiting if not _processed(http, *ids)]
            except httpx.HTTPError:
                # Nobody to ask: leave the usual few milliseconds, with a wide margin.
                limit = _UNREACHABLE_FLUSH_SECONDS
            pause.wait(0.02)
    if waiting:
        logger.warning(
            "the server did not confirm %s before the stop", counted(len(waiting), "answer")
        )


def _processed(http: httpx.Client, task_uuid: str, step_uuid: str) -> bool:
    response = http.get(f"/v1/tasks/{task_uuid}/workflow_steps/{step_uuid}")
    if response.status_code == 404:
        return True
    response.raise_for_status()
    return response.json().get("current_state") not in _UNPROCESSED


def finish_subscribers(dispatcher: Dispatcher) -> None:
    """Let async subscribers see the end of the worker through, for a moment."""
    seconds = _SUBSCRIBER_SECONDS
    try:
        finishing = asyncio.run_coroutine_threadsafe(finish(seconds), dispatcher.loop)
        finishing.result(timeout=seconds + 1)
    except Exception as error:
        logger.debug("subscribers were not waited for: %r", error)
