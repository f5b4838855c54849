"""The settings of the application that a command names."""

from __future__ import annotations

import contextlib
from typing import Any

from tasker_contrib.cli.target import import_app, look_in_working_directory
from tasker_contrib.settings import TaskerSettings


def settings_of(target: str | None) -> TaskerSettings:
    """The settings of an app, or those the environment gives.

    Raises:
        TaskerConfigError: they are wrong.
        CliProblem: the app cannot be imported.
    """
    look_in_working_directory()
    if target is None:
        return TaskerSettings()
    found = _settings_in(import_app(target))
    return found if found is not None else TaskerSettings()


def _settings_in(app: Any) -> TaskerSettings | None:
    """What was given to ``tasker.lifespan(…)``, without starting the app.

    FastAPI wraps lifespans in one another when routers are included, so the settings are looked
    for in what these functions hold on to.
    """
    pending = [getattr(getattr(app, "router", None), "lifespan_context", None)]
    seen: set[int] = set()
    while pending:
        value = pending.pop()
        if isinstance(value, TaskerSettings):
            return value
        if value is None or id(value) in seen:
            continue
        seen.add(id(value))
        for cell in getattr(value, "__closure__", None) or ():
            with contextlib.suppress(ValueError):  # an empty cell
                pending.append(cell.cell_contents)
        pending.append(getattr(value, "func", None))
    return None
