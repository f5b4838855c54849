"""Watches the clock and the event loop from the poller's thread.

So timeouts work even when a handler blocks the loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable

from . import metrics
from .running import Running

logger = logging.getLogger("tasker_contrib.dispatcher")

_CANCEL_GRACE_SECONDS = 2.0
_BEAT_SECONDS = 1.0
_LOOP_BLOCKED_SECONDS = 5.0
_LAG_WINDOW_SECONDS = 60.0


class LoopWatch:
    """Measures how late the event loop answers, and notices an async handler that blocks it."""

    def __init__(self) -> None:
        self.blocked = False
        self._beat = time.monotonic()
        self._next_beat = 0.0
        self._asked: float | None = None
        self._slowest = 0.0
        # One entry for each beat; a scrape sees the longest of them, however short it was.
        self._lags: deque[float] = deque(maxlen=round(_LAG_WINDOW_SECONDS / _BEAT_SECONDS))

    def look(self, loop: asyncio.AbstractEventLoop, handlers: Callable[[], str]) -> None:
        """Look at the loop, now and then.

        Args:
            loop: of the handlers.
            handlers: names the async ones that run.
        """
        now = time.monotonic()
        if now < self._next_beat:
            return
        late = now - self._next_beat > _BEAT_SECONDS  # this thread itself stood still
        self._next_beat = now + _BEAT_SECONDS
        blocked = not late and now - self._beat > _LOOP_BLOCKED_SECONDS
        if blocked and not self.blocked:
            logger.error(
                "the event loop has been blocked for %.0f s; async handlers in flight: %s. "
                "Use `def` for handlers that block",
                now - self._beat,
                handlers(),
            )
        self.blocked = blocked
        self._measure(now)
        if self._asked is None:
            self._asked = now
            call_soon(loop, self._answer)

    def _measure(self, now: float) -> None:
        asked = self._asked
        waiting = 0.0 if asked is None else now - asked
        self._lags.append(max(self._slowest, waiting))
        self._slowest = 0.0
        metrics.loop_lag.set(max(self._lags))

    def _answer(self) -> None:
        self._beat = time.monotonic()
        if self._asked is not None:
            self._slowest = self._beat - self._asked
        self._asked = None


def watch_clock(
    steps: Iterable[Running],
    cancel: Callable[[Running], None],
    time_out: Callable[[Running], None],
) -> None:
    """Cancel what can be cancelled after its time; answer for what cannot, or does not end.

    Args:
        steps: that run.
        cancel: cancels an async handler.
        time_out: answers a step as timed out.
    """
    now = time.monotonic()
    for step in steps:
        if step.timeout is None or step.answered or now - step.started <= step.timeout:
            continue
        if step.is_async and not step.timed_out:
            step.timed_out = True
            cancel(step)
        elif not step.is_async or now - step.started > step.timeout + _CANCEL_GRACE_SECONDS:
            step.timed_out = step.hung = True
            time_out(step)


def cancel_handler(step: Running, loop: asyncio.AbstractEventLoop) -> None:
    """Cancel an async handler. A sync one keeps its task, which closes its dependencies."""
    if not step.is_async:
        return

    def cancel() -> None:
        if step.task is not None:
            step.task.cancel()

    call_soon(loop, cancel)


def call_soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Call on the loop, if it has not ended."""
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        return
