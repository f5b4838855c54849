"""The settings of the application that a command names."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from tasker_contrib.cli.errors import UsageProblem
from tasker_contrib.cli.target import import_app, look_in_working_directory
from tasker_contrib.settings import TaskerSettings

#: Where `fastapi dev` looks for an application as well.
_USUAL = ("main", "app", "api", "app.main", "app.app", "app.api")


def find_target() -> str:
    """The application of the working folder, where projects usually have it.

    Returns:
        Such as `app.main:app`.

    Raises:
        UsageProblem: no such file is there; the fix says what to type.
    """
    for module in _USUAL:
        if Path(*module.split(".")).with_suffix(".py").is_file():
            return f"{module}:app"
    raise UsageProblem(
        f"no application was named, and {Path.cwd()} has no main.py and no app/main.py",
        fix="name it: tasker check MODULE:APP, for example tasker check app.main:app",
    )


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
