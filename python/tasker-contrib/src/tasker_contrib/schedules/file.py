"""The file of schedules: read whole, or refused with all of its problems."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from .._internal.names import did_you_mean
from ..errors import TaskerConfigError
from .slots import cron_line, cron_slots, duration, interval_slots

SLOT = "scheduled_for"


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone; write for example Europe/Paris") from None
    return name


def _span(text: str) -> str:
    duration(text)
    return text


class Schedule(BaseModel):
    """One recurring task.

    Attributes:
        name: its key in the file.
        task: the template, `namespace/name`.
        version: of the template.
        cron: five fields, in `time_zone`; or
        every: a time span such as `15m`, counted from 1970-01-01T00:00:00Z.
        time_zone: of the cron line, an IANA name.
        context: of each task; the slot is added as `scheduled_for`.
        missed: which slots are made up for when no scheduler ran, or the server was away: none
            (`skip`), the last (`one`), or `all`.
        missed_within: how long a slot may be made up for, a time span.
        paused: no task is created.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(exclude=True)
    task: str = Field(pattern=r"^[^/\s]+/[^/\s]+$")
    version: str = "1.0.0"
    cron: Annotated[str, AfterValidator(cron_line)] | None = None
    every: Annotated[str, AfterValidator(_span)] | None = None
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    context: dict[str, Any] = {}
    missed: Literal["skip", "one", "all"] = "one"
    missed_within: Annotated[str, AfterValidator(_span)] = "1d"
    paused: bool = False

    @model_validator(mode="after")
    def _is_due_somehow(self) -> Schedule:
        if (self.cron is None) == (self.every is None):
            raise ValueError("give either cron or every")
        if self.every is not None and "time_zone" in self.model_fields_set:
            raise ValueError("time_zone belongs to cron; every counts real time")
        if SLOT in self.context:
            raise ValueError(f"context.{SLOT} is the slot's time, which the scheduler adds")
        return self

    @property
    def window(self) -> timedelta:
        """How old a slot may be when its task is created."""
        return timedelta(minutes=1) if self.missed == "skip" else duration(self.missed_within)

    def slots(self, after: datetime) -> Iterator[datetime]:
        """The slots after an instant, in UTC.

        Example:
            ```python
            next(schedule.slots(datetime.now(timezone.utc)))
            ```
        """
        if self.cron is not None:
            return cron_slots(self.cron, self.time_zone, after)
        return interval_slots(duration(self.every or ""), after)


def load(path: Path) -> list[Schedule]:
    """The schedules of a file.

    Raises:
        TaskerConfigError: with every problem of the file.
    """
    _needs_cronsim()
    entries = _entries(path)
    schedules, problems = [], []
    for name, entry in entries.items():
        try:
            if not isinstance(entry, dict):
                problems.append(f"{path}: {name}: must have keys, such as task and cron")
                continue
            schedules.append(Schedule.model_validate({**entry, "name": str(name)}))
        except ValidationError as error:
            problems += [f"{path}: {name}{_text(problem)}" for problem in error.errors()]
    if problems:
        raise TaskerConfigError(problems)
    return schedules


def _entries(path: Path) -> dict[Any, Any]:
    try:
        text = path.read_text()
    except OSError as problem:
        raise TaskerConfigError(
            f"{path}: cannot be read ({problem.strerror}); make it, or name another with --file"
        ) from None
    except UnicodeDecodeError:
        raise TaskerConfigError(f"{path}: is not UTF-8") from None
    try:
        entries = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        raise TaskerConfigError(f"{path}: is not YAML: {problem}") from None
    if not isinstance(entries, dict):
        raise TaskerConfigError(f"{path}: must have a schedule's name at the top, with keys below")
    return entries


def _text(problem: Any) -> str:
    """`.key: what is wrong`, without the words of the library."""
    place = "".join(f".{part}" for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = set(Schedule.model_fields) - {"name"}
        return f"{place}: unknown key{did_you_mean(str(problem['loc'][-1]), known)}"
    if problem["type"] == "string_pattern_mismatch":
        return f"{place}: {problem['input']!r} must be namespace/name"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in {"missing", "value_error"}:
        return f"{place}: {message}"
    return f"{place}: {message}, not {problem['input']!r}"


def _needs_cronsim() -> None:
    try:
        import cronsim  # noqa: F401
    except ModuleNotFoundError:
        raise TaskerConfigError(
            "schedules need the package 'cronsim': install the extra [schedules] of the package "
            "of your framework"
        ) from None
