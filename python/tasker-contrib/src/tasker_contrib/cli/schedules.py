"""``tasker schedule``: what the commands of every framework do."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from tasker_contrib._internal.names import did_you_mean
from tasker_contrib.cli.errors import CliProblem
from tasker_contrib.client import SyncTaskerClient, Task
from tasker_contrib.errors import TaskerClientError
from tasker_contrib.schedules import Schedule, Scheduler, create_now, load
from tasker_contrib.schedules.scheduler import utc_now
from tasker_contrib.settings import TaskerSettings

DEFAULT_FILE = Path("schedules.yaml")


def run(settings: TaskerSettings, path: Path) -> None:
    """Create the tasks of a file when they are due, until SIGTERM or Ctrl-C.

    Raises:
        TaskerConfigError: the file has problems.
    """
    stopping = threading.Event()
    with SyncTaskerClient.from_settings(settings) as client:
        scheduler = Scheduler(client, path)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        print("\n".join(table(scheduler.schedules)), flush=True)
        scheduler.run(stopping)


def table(schedules: list[Schedule]) -> Iterator[str]:
    """One line for each schedule: its name, its task, and when it is due next."""
    width = max((len(schedule.name) for schedule in schedules), default=0)
    now = utc_now()
    for schedule in schedules:
        slot = next(schedule.slots(now))
        shown = slot.astimezone(ZoneInfo(schedule.time_zone)).isoformat(sep=" ")
        due = "paused" if schedule.paused else f"next {shown} {schedule.time_zone}"
        yield f"{schedule.name:<{width}}  {schedule.task} {schedule.version}  {due}"
    if not schedules:
        yield "no schedules"


def now(settings: TaskerSettings, path: Path, name: str) -> Task:
    """Create the task of one schedule now.

    Raises:
        TaskerConfigError: the file has problems.
        CliProblem: it has no such schedule, or the server refused the task.
    """
    schedules = {schedule.name: schedule for schedule in load(path)}
    if name not in schedules:
        raise CliProblem(
            f"{path} has no schedule '{name}'{did_you_mean(name, schedules)}",
            fix=f"it has {', '.join(schedules) or 'none'}",
        )
    with SyncTaskerClient.from_settings(settings) as client:
        try:
            return create_now(client, schedules[name])
        except TaskerClientError as problem:
            raise CliProblem(f"schedule {name}: {problem}") from None
