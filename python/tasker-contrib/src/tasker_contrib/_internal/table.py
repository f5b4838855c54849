"""The steps that run, and those that were answered a moment ago."""

from __future__ import annotations

import threading
import time

from . import metrics
from .running import Running

_RECENT_SECONDS = 5.0


class StepTable:
    """Shared by the poller, the event loop and whoever stops the worker."""

    def __init__(self) -> None:
        self._running: dict[str, Running] = {}
        self._recent: dict[tuple[str, str], float] = {}
        self._changed = threading.Condition()
        self._last_arrival = time.monotonic()

    def __len__(self) -> int:
        return len(self._running)

    def add(self, step: Running) -> None:
        """A step begins."""
        with self._changed:
            self._last_arrival = time.monotonic()
            self._running[step.event.event_id] = step
            metrics.in_flight.set(len(self._running))

    def answered(self, step: Running) -> None:
        """Core has the answer of a step; its handler may still run."""
        with self._changed:
            step.sent = True
            self._note(step.event.task_uuid, step.event.step_uuid)
            self._changed.notify_all()

    def note_answer(self, task_uuid: str, step_uuid: str) -> None:
        """Core has the answer of a step that was never in this table."""
        with self._changed:
            self._note(task_uuid, step_uuid)

    def _note(self, task_uuid: str, step_uuid: str) -> None:
        now = time.monotonic()
        self._recent = {ids: at for ids, at in self._recent.items() if now - at < _RECENT_SECONDS}
        self._recent[(task_uuid, step_uuid)] = now

    def remove(self, step: Running) -> bool:
        """The handler of a step returned. True if it had hung."""
        with self._changed:
            self._running.pop(step.event.event_id, None)
            metrics.in_flight.set(len(self._running))
            hung, step.hung = step.hung, False
            metrics.hung.set(sum(other.hung for other in self._running.values()))
            self._changed.notify_all()
        return hung

    def count_hung(self) -> None:
        """Bring the metric up to date."""
        metrics.hung.set(len(self.hung()))

    def all(self) -> list[Running]:
        """Every step whose handler runs."""
        with self._changed:
            return list(self._running.values())

    def unanswered(self) -> list[Running]:
        """Steps of which Core has no answer yet."""
        return [step for step in self.all() if not step.sent]

    def hung(self) -> list[Running]:
        """Steps that were answered as timed out while their handlers go on."""
        return [step for step in self.all() if step.hung]

    def async_handlers(self) -> str:
        """The steps on the event loop, for messages."""
        return "; ".join(str(step) for step in self.all() if step.is_async) or "none"

    def recently_answered(self) -> list[tuple[str, str]]:
        """(task, step) ids answered within the last seconds."""
        since = time.monotonic() - _RECENT_SECONDS
        with self._changed:
            return [ids for ids, at in self._recent.items() if at >= since]

    def wait_idle(self, timeout: float, quiet: float) -> bool:
        """Wait until all steps are answered and none began for `quiet` seconds.

        Returns:
            False when the time was over.
        """
        end = time.monotonic() + timeout
        with self._changed:
            while True:
                now = time.monotonic()
                waiting = any(not step.sent for step in self._running.values())
                still = quiet - (now - self._last_arrival)
                if not waiting and still <= 0:
                    return True
                if now >= end:
                    return False
                self._changed.wait(max(0.001, end - now if waiting else min(still, end - now)))
