"""When a schedule is due."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from cronsim import CronSim

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def duration(text: str) -> timedelta:
    """`90s`, `15m`, `6h` or `2d`.

    Raises:
        ValueError: it is something else, or not positive.
    """
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found is None or int(found[1]) == 0:
        raise ValueError(f"{text!r} is not a time span; write for example 90s, 15m, 6h or 2d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def cron_line(line: str) -> str:
    """The line, when it is one.

    Raises:
        ValueError: it is not a cron line of five fields.
    """
    from cronsim import CronSimError

    if len(line.split()) != 5:
        raise ValueError(
            f"{line!r} must have five fields: minute, hour, day of month, month, day of week"
        )
    try:
        _cron(line, _EPOCH)
    except CronSimError as problem:
        raise ValueError(f"{line!r} is not a cron line: {problem}") from None
    return line


def cron_slots(line: str, zone: str, after: datetime) -> Iterator[datetime]:
    """The slots of a cron line after an instant, in UTC."""
    for slot in _cron(line, after.astimezone(ZoneInfo(zone))):
        yield slot.astimezone(timezone.utc)


def interval_slots(every: timedelta, after: datetime) -> Iterator[datetime]:
    """The slots of an interval, counted from 1970-01-01T00:00:00Z, after an instant."""
    slot = _EPOCH + ((after - _EPOCH) // every + 1) * every
    while True:
        yield slot
        slot += every


def _cron(line: str, after: datetime) -> CronSim:
    # cronsim: no dependencies, BSD, and it treats changes of the clock as Debian's cron does.
    from cronsim import CronSim

    return CronSim(line, after)
