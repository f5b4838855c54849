"""Signals of steps and of the worker, sent in the worker process; `task_created`, where it was.

Receivers get `event` (a `TaskerEvent`) and its data as keyword arguments. In a worker they run
one after the other on a thread of their own, so they may use the database and delay no step. One
that raises is logged, and disturbs neither the step nor the other receivers (`send_robust`). The
sender of a step's signal is the handler's function.

Example:
    ```python
    from django.dispatch import receiver
    from tasker_contrib_django.signals import step_failed

    @receiver(step_failed)
    def tell(sender, event, message, **kwargs):
        mail_admins(f"step {event.step} failed", message)
    ```
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from django.db import close_old_connections
from django.dispatch import Signal
from tasker_contrib._internal.registry import registry
from tasker_contrib.client import Task
from tasker_contrib.events import TaskerEvent, subscribe

from ._internal import _contract

__all__ = [
    "domain_event",
    "step_checkpointed",
    "step_completed",
    "step_failed",
    "step_started",
    "step_timed_out",
    "task_created",
    "worker_draining",
    "worker_started",
    "worker_stopped",
]

logger = logging.getLogger("tasker_contrib_django.signals")

step_started = Signal()
step_completed = Signal()
step_failed = Signal()
step_checkpointed = Signal()
step_timed_out = Signal()
worker_started = Signal()
worker_draining = Signal()
worker_stopped = Signal()
domain_event = Signal()
#: Sent in the process that created a task, in the thread that did; the sender is None.
task_created = Signal()

#: The signal of each event, as the contract table says.
SIGNALS: Final[dict[str, Signal]] = {
    event: globals()[signal] for event, signal in _contract.SIGNALS.items()
}

_STOP_SECONDS = 5.0


def send(event: TaskerEvent) -> None:
    """Send the signal of an event."""
    handler = registry.get(str(event.data.get("handler")))
    sender = handler.fn if handler is not None else None
    answers = SIGNALS[event.name].send_robust(sender=sender, event=event, **event.data)
    for receiver, answer in answers:
        if isinstance(answer, Exception):
            logger.error("receiver %r failed on %s", receiver, event.name, exc_info=answer)


def send_task_created(task: Task) -> None:
    """Send `task_created`."""
    send(
        TaskerEvent(
            _contract.TASK_CREATED,
            task_uuid=task.task_uuid,
            namespace=task.namespace,
            correlation_id=task.correlation_id,
            data={"task": task},
        )
    )


class SignalThread:
    """Sends the signals of events, in their order, until `stop`."""

    def __init__(self) -> None:
        self._events: SimpleQueue[TaskerEvent | None] = SimpleQueue()
        self._unsubscribe: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._run, name="tasker-signals", daemon=True)

    def start(self) -> None:
        """Begin with the next event."""
        self._thread.start()
        self._unsubscribe = subscribe("tasker.*", self._events.put)

    def stop(self) -> None:
        """Send what came before, then end."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._events.put(None)
        self._thread.join(_STOP_SECONDS)
        if self._thread.is_alive():
            logger.warning(
                "a receiver of a signal does not end; later signals of this worker are not sent"
            )

    def _run(self) -> None:
        while (event := self._events.get()) is not None:
            if not SIGNALS[event.name].has_listeners():
                continue
            close_old_connections()
            try:
                send(event)
            finally:
                close_old_connections()
