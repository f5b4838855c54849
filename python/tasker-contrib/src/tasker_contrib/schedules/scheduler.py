"""Creates the tasks of schedules when they are due."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ..client import SyncTaskerClient, Task
from ..errors import TaskerClientError, TaskerConfigError, TaskerConflict
from .file import SLOT, Schedule, load

logger = logging.getLogger("tasker_contrib.schedules")

_LONGEST_PAUSE = timedelta(minutes=1)
_LOOK_AT_FILE = 5.0


def utc_now() -> datetime:
    """The time, as all schedules see it."""
    return datetime.now(timezone.utc)


def slot_text(slot: datetime) -> str:
    """A slot as it is in the context: `2026-12-01T06:00:00Z`."""
    return slot.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def create_now(client: SyncTaskerClient, schedule: Schedule) -> Task:
    """Create a schedule's task for this second, also when it is paused.

    Raises:
        TaskerClientError: the server refused it, or is away.
    """
    return _create(client, schedule, utc_now())


def _create(client: SyncTaskerClient, schedule: Schedule, slot: datetime) -> Task:
    namespace, name = schedule.task.split("/")
    return client.create_task(
        name,
        {**schedule.context, SLOT: slot_text(slot)},
        namespace=namespace,
        version=schedule.version,
        initiator=_initiator(schedule),
        reason=f"schedule {schedule.name}",
    )


def _initiator(schedule: Schedule) -> str:
    return f"schedule:{schedule.name}"


@dataclass
class _Progress:
    """How far a schedule has come. It is not kept: a new process asks the server."""

    schedule: Schedule
    after: datetime
    #: Slots before the start that have a task. Its context may be another than today's.
    done: frozenset[str] | None = None
    not_before: datetime | None = None
    failures: int = 0


class Scheduler:
    """Creates tasks until it is told to stop. Any number of them may run.

    Args:
        client: for the server; the scheduler does not close it.
        path: the file of schedules, which is read again when it changes.
        now: gives the time, in UTC.

    Raises:
        TaskerConfigError: the file has problems.

    Example:
        ```python
        with SyncTaskerClient("http://127.0.0.1:8080") as client:
            Scheduler(client, Path("schedules.yaml")).run(stopping=threading.Event())
        ```
    """

    def __init__(
        self, client: SyncTaskerClient, path: Path, *, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._client = client
        self._path = path
        self._now = now
        self._stamp = _stamp(path)
        self._progress: dict[str, _Progress] = {}
        self._take(load(path))

    @property
    def schedules(self) -> list[Schedule]:
        """What the file says now."""
        return [progress.schedule for progress in self._progress.values()]

    def run(self, stopping: threading.Event) -> None:
        """Create tasks until `stopping` is set."""
        while not stopping.is_set():
            following = self.run_once()
            self._look_at_file()
            seconds = (following - self._now()).total_seconds() if following else _LOOK_AT_FILE
            stopping.wait(min(max(seconds, 0.01), _LOOK_AT_FILE))

    def run_once(self) -> datetime | None:
        """Create what is due; returns when something is due next."""
        following = [
            self._advance(progress)
            for progress in self._progress.values()
            if not progress.schedule.paused
        ]
        return min((instant for instant in following if instant is not None), default=None)

    def _advance(self, progress: _Progress) -> datetime | None:
        now = self._now()
        if progress.not_before is not None and now < progress.not_before:
            return progress.not_before
        progress.after = max(progress.after, now - progress.schedule.window)
        for slot in _due(progress.schedule, progress.after, now):
            if not self._did(progress, slot):
                return progress.not_before
            progress.after = slot
        return next(progress.schedule.slots(max(progress.after, now)), None)

    def _did(self, progress: _Progress, slot: datetime) -> bool:
        """Whether the slot has a task now."""
        schedule = progress.schedule
        try:
            if progress.done is None:
                progress.done = self._have_a_task(schedule)
            if slot_text(slot) in progress.done:
                return True
            task = _create(self._client, schedule, slot)
            logger.info("schedule %s: task %s for %s", schedule.name, task.task_uuid, slot)
        except TaskerConflict:
            logger.debug("schedule %s: %s has a task already", schedule.name, slot)
        except TaskerClientError as problem:
            self._put_off(progress, slot, problem)
            return False
        progress.not_before, progress.failures = None, 0
        return True

    def _have_a_task(self, schedule: Schedule) -> frozenset[str]:
        """The slots of the schedule's newest tasks."""
        namespace = schedule.task.split("/")[0]
        page = self._client.list_tasks(namespace=namespace, initiator=_initiator(schedule))
        return frozenset(str(task.context.get(SLOT)) for task in page.tasks)

    def _put_off(self, progress: _Progress, slot: datetime, problem: Exception) -> None:
        progress.failures += 1
        pause = min(timedelta(seconds=2 ** min(progress.failures, 6)), _LONGEST_PAUSE)
        progress.not_before = self._now() + pause * random.uniform(0.8, 1.2)
        logger.error(
            "schedule %s: no task for %s: %s; tried again until %s",
            progress.schedule.name,
            slot_text(slot),
            problem,
            slot_text(slot + progress.schedule.window),
        )

    def _look_at_file(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._take(load(self._path))
            logger.info("read %s again: %d schedules", self._path, len(self._progress))
        except TaskerConfigError as problem:
            logger.error("the schedules stay as they were: %s", problem)

    def _take(self, schedules: list[Schedule]) -> None:
        old, now = self._progress, self._now()
        self._progress = {}
        for schedule in schedules:
            before = old.get(schedule.name)
            if before is None:
                before = _Progress(schedule, now - schedule.window)
            # After a pause, or with other times, it goes on with the next slot: nobody wanted
            # those in between.
            elif before.schedule.paused or _times(before.schedule) != _times(schedule):
                before.after = now
            before.schedule = schedule
            self._progress[schedule.name] = before


def _times(schedule: Schedule) -> tuple[str | None, ...]:
    return schedule.cron, schedule.every, schedule.time_zone


def _due(schedule: Schedule, after: datetime, now: datetime) -> Iterator[datetime]:
    """The slots up to now that get a task, oldest first."""
    last = None
    for slot in schedule.slots(after):
        if slot > now:
            break
        if schedule.missed == "one":
            last = slot
        else:
            yield slot
    if last is not None:
        yield last


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
