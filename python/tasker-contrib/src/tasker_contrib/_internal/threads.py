"""Threads for synchronous handlers.

They are daemon threads: an executor's threads are joined when the interpreter exits, so one handler
that hangs would keep the process alive for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

RunSync = Callable[[Callable[[], Any], str], Awaitable[Any]]
_Job = Callable[[], Callable[[], None]]


class ThreadPool:
    """Runs calls in at most `size` threads, and uses a thread again that has nothing to do.

    So what a handler keeps for its thread (a database connection, for example) exists at most
    `size` times. A call that finds all threads busy waits.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: deque[tuple[_Job, str]] = deque()
        self._changed = threading.Condition()
        self._waiting = 0
        self._count = 0
        self._closed = False

    async def run(self, call: Callable[[], Any], name: str) -> Any:
        """Run a call in one of the threads, which has `name` meanwhile, and return its result."""
        future, job = _job(call)
        with self._changed:
            if self._closed:
                raise RuntimeError("the threads of the worker have ended")
            self._jobs.append((job, name))
            if self._waiting >= len(self._jobs):
                self._changed.notify()
            elif self._count < self._size:
                self._count += 1
                threading.Thread(target=self._work, name="tasker-step", daemon=True).start()
        return await future

    def close(self) -> None:
        """End the threads, each as soon as it has nothing to do."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def count(self) -> int:
        """Threads that exist."""
        return self._count

    def _work(self) -> None:
        thread = threading.current_thread()
        self._is_waiting()
        while (item := self._next()) is not None:
            job, name = item
            thread.name = f"tasker-step-{name}"
            deliver = job()
            thread.name = "tasker-step"
            self._is_waiting()  # before whoever waits for the result can ask for a thread
            deliver()
            del item, job, deliver  # what the handler returned must not stay until the next one

    def _is_waiting(self) -> None:
        with self._changed:
            self._waiting += 1

    def _next(self) -> tuple[_Job, str] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closed)
            self._waiting -= 1
            if self._jobs:
                return self._jobs.popleft()
            self._count -= 1
            return None


async def in_thread(call: Callable[[], Any], name: str) -> Any:
    """Run a call in a thread of its own."""
    future, job = _job(call)
    threading.Thread(target=lambda: job()(), name=f"tasker-step-{name}", daemon=True).start()
    return await future


def _job(call: Callable[[], Any]) -> tuple[asyncio.Future[Any], _Job]:
    """A future, and what works for it in whatever thread and returns how to fulfil it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def job() -> Callable[[], None]:
        result: Any = None
        error: BaseException | None = None
        try:
            result = context.run(call)
        except (StopIteration, GeneratorExit) as stop:  # a future cannot carry these
            error = RuntimeError(f"the handler raised {type(stop).__name__}: {stop}")
        except BaseException as raised:
            error = raised

        def deliver() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, result, error)

        return deliver

    return future, job
