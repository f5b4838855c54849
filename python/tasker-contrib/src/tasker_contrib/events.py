"""Events of steps and of the worker, in one shape.

Example:
    ```python
    import tasker_contrib as tasker

    def on_failure(event: tasker.TaskerEvent) -> None:
        alerts.send(f"{event.step} of task {event.task_uuid}: {event.data['message']}")

    unsubscribe = tasker.subscribe("tasker.step.failed", on_failure)
    ```

Subscribers run on the worker's event loop thread, after the step was answered: be quick, or make
the subscriber `async`. At a stop, async ones get two seconds to end. One that
raises is logged and disturbs nothing.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import Any

from ._internal._contract import EVENTS
from ._internal.names import did_you_mean

__all__ = ["EVENTS", "Subscriber", "TaskerEvent", "subscribe"]

logger = logging.getLogger("tasker_contrib.events")


@dataclass(frozen=True)
class TaskerEvent:
    """One event.

    Attributes:
        name: such as `tasker.step.completed`; all names are in `EVENTS`.
        task_uuid: None for events of the worker.
        step_uuid: None for events of the worker.
        step: the step's name in the template.
        namespace: the task's namespace.
        correlation_id: the task's.
        at: when it was emitted, UTC.
        data: what the name promises; see the table in the README.
    """

    name: str
    task_uuid: str | None = None
    step_uuid: str | None = None
    step: str | None = None
    namespace: str | None = None
    correlation_id: str | None = None
    at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    data: dict[str, Any] = field(default_factory=dict)


Subscriber = Callable[[TaskerEvent], Any]

_lock = threading.Lock()
_subscribers: list[tuple[str, Subscriber]] = []
_tasks: set[asyncio.Task[Any]] = set()


def subscribe(name: str, subscriber: Subscriber) -> Callable[[], None]:
    """Call `subscriber` for each event of a name.

    Args:
        name: an event's name, or a pattern such as `tasker.step.*`.
        subscriber: takes the `TaskerEvent`; sync or async.

    Returns:
        A function that ends the subscription.

    Raises:
        ValueError: no event has that name.
    """
    if not any(fnmatchcase(event, name) for event in EVENTS):
        raise ValueError(f"there is no event {name!r}{did_you_mean(name, EVENTS)}")
    entry = (name, subscriber)
    with _lock:
        _subscribers.append(entry)

    def unsubscribe() -> None:
        with _lock:
            if entry in _subscribers:
                _subscribers.remove(entry)

    return unsubscribe


def emit(event: TaskerEvent, loop: asyncio.AbstractEventLoop | None = None) -> None:
    """Call the subscribers. Never raises.

    Args:
        event: the event.
        loop: where async subscribers run; without one they are skipped with a warning.
    """
    with _lock:
        found = [s for pattern, s in _subscribers if fnmatchcase(event.name, pattern)]
    for subscriber in found:
        try:
            result = subscriber(event)
            if inspect.iscoroutine(result):
                _run(result, subscriber, event, loop)
        except BaseException:  # a step must not fail with it
            logger.exception("subscriber %r failed on %s", subscriber, event.name)


async def finish(timeout: float) -> None:
    """Give the async subscribers that run on this loop some seconds to end."""
    loop = asyncio.get_running_loop()
    tasks = [task for task in _tasks if task.get_loop() is loop]
    if tasks:
        await asyncio.wait(tasks, timeout=timeout)


def _run(
    coroutine: Coroutine[Any, Any, Any],
    subscriber: Subscriber,
    event: TaskerEvent,
    loop: asyncio.AbstractEventLoop | None,
) -> None:
    async def guarded() -> None:
        try:
            await coroutine
        except asyncio.CancelledError:
            logger.warning("subscriber %r was cut off on %s", subscriber, event.name)
            raise
        except BaseException:
            logger.exception("subscriber %r failed on %s", subscriber, event.name)

    def start() -> None:
        task = asyncio.ensure_future(guarded())
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    if loop is None or loop.is_closed():
        coroutine.close()
        logger.warning("async subscriber %r skipped: no loop for %s", subscriber, event.name)
        return
    loop.call_soon_threadsafe(start)
