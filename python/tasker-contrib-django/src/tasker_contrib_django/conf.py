"""`settings.TASKER`: checked, and translated to the settings that all packages share.

Example:
    ```python
    TASKER = {
        "DATABASE": {"URL": os.environ["TASKER_DB"], "POOL_SIZE": 10},
        "ORCHESTRATION": {"URL": "http://tasker:8080"},
        "WORKER": {"CONCURRENCY": 8},
        "CORE": {"common.backoff.jitter_enabled": False},
    }
    ```
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from pydantic import BaseModel
from tasker_contrib._internal.names import did_you_mean
from tasker_contrib.errors import TaskerConfigError, TaskerConfigWarning
from tasker_contrib.settings import TaskerSettings

__all__ = ["Permissions", "permissions", "tasker_settings"]

SETTING = "TASKER"
#: Where a value of `settings.TASKER` comes from, in `tasker config explain` and in messages.
SOURCE = "settings.TASKER"

_PERMISSIONS = "PERMISSIONS"
_OUTBOX = "OUTBOX"
_KINDS = ("VIEW", "CREATE", "MANAGE")
_PERMISSION = re.compile(r"\w+\.\w+")
_PROBLEM = re.compile(r"(?P<name>core\[[^\]]*\]|[a-z_.]+)(?P<value> = .*?)? \(option\): ", re.S)


@dataclass(frozen=True)
class Permissions:
    """Names of permissions (`app_label.codename`); None where the project names none.

    Attributes:
        view: sees tasks, in the admin and in the task routes.
        create: may create tasks through the task routes.
        manage: may retry, resolve and cancel.
    """

    view: str | None = None
    create: str | None = None
    manage: str | None = None


@dataclass(frozen=True)
class _Read:
    settings: TaskerSettings
    permissions: Permissions
    outbox: bool
    warnings: tuple[str, ...]


_lock = threading.Lock()
_read: _Read | None = None


def tasker_settings() -> TaskerSettings:
    """The settings of this project, read once and again after a change (`override_settings`).

    Raises:
        TaskerConfigError: something in `settings.TASKER`, or in the environment, is wrong.
    """
    return _current().settings


def permissions() -> Permissions:
    """`TASKER["PERMISSIONS"]`.

    Raises:
        TaskerConfigError: as for `tasker_settings`.
    """
    return _current().permissions


def outbox_is_default() -> bool:
    """`TASKER["OUTBOX"]`: whether `create_task` writes into the outbox unless told otherwise.

    Raises:
        TaskerConfigError: as for `tasker_settings`.
    """
    return _current().outbox


def setting_warnings() -> tuple[str, ...]:
    """Settings that have no effect."""
    return _current().warnings


def _current() -> _Read:
    global _read
    with _lock:
        if _read is None:
            _read = _parse(getattr(django_settings, SETTING, {}))
        return _read


def forget(**_: object) -> None:
    """Read `settings.TASKER` again at the next use."""
    global _read
    with _lock:
        _read = None


def _on_change(*, setting: str, **_: object) -> None:
    if setting in (SETTING, "BASE_DIR"):
        forget()


setting_changed.connect(_on_change, dispatch_uid="tasker_contrib_django.conf")


def _parse(value: Any) -> _Read:
    if not isinstance(value, Mapping):
        raise TaskerConfigError(f"{SETTING} must be a dict, not {type(value).__name__}")
    problems: list[str] = []
    named = dict(value)
    allowed = _read_permissions(named.pop(_PERMISSIONS, {}), problems)
    outbox = named.pop(_OUTBOX, False)
    if not isinstance(outbox, bool):
        problems.append(f'{SETTING}["{_OUTBOX}"] = {outbox!r}: must be True or False')
    values = _lower(named, TaskerSettings, SETTING, problems)
    if values.get("mode") == "worker":
        problems.append(
            f'{SETTING}["MODE"] = "worker": steps run in `manage.py tasker worker` and in no '
            "other process; leave MODE out"
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TaskerConfigWarning)
        try:
            settings = TaskerSettings(**values)
        except TaskerConfigError as error:
            problems += error.problems
    if problems:
        raise TaskerConfigError([in_our_words(problem) for problem in problems])
    settings = settings.model_copy(update=_of_django(settings))
    # Others may warn meanwhile, such as the garbage collector: of a file that nobody closed.
    ours = [w for w in caught if issubclass(w.category, TaskerConfigWarning)]
    return _Read(settings, allowed, outbox, tuple(in_our_words(str(w.message)) for w in ours))


def _lower(
    given: Mapping[Any, Any], model: type[BaseModel], place: str, problems: list[str]
) -> dict[str, Any]:
    """The names of `model` for upper-case keys, section by section."""
    fields = {name.upper(): name for name in model.model_fields}
    names = [*fields, _PERMISSIONS, _OUTBOX] if model is TaskerSettings else list(fields)
    found: dict[str, Any] = {}
    for key, value in given.items():
        if key not in fields:
            hint = did_you_mean(str(key).upper(), names)
            if not hint and model is TaskerSettings:
                hint = '; keys of Core go into "CORE", by their dotted path'
            problems.append(f'{place}["{key}"]: unknown setting{hint}')
            continue
        section = model.model_fields[fields[key]].annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            here = f'{place}["{key}"]'
            if not isinstance(value, Mapping):
                problems.append(f"{here} = {type(value).__name__}: must be a dict")
                continue
            value = _lower(value, section, here, problems)
        found[fields[key]] = value
    return found


def _read_permissions(given: Any, problems: list[str]) -> Permissions:
    place = f'{SETTING}["{_PERMISSIONS}"]'
    if not isinstance(given, Mapping):
        problems.append(f"{place} must be a dict, not {type(given).__name__}")
        return Permissions()
    good: dict[str, str] = {}
    for key, value in given.items():
        if key not in _KINDS:
            problems.append(f'{place}["{key}"]: unknown permission{did_you_mean(str(key), _KINDS)}')
        elif not isinstance(value, str) or not _PERMISSION.fullmatch(value):
            problems.append(
                f'{place}["{key}"] = {value!r}: must be a permission such as "shop.view_order"'
            )
        else:
            good[key.lower()] = value
    return Permissions(**good)


def _of_django(settings: TaskerSettings) -> dict[str, Any]:
    """What is different in Django, wherever the value comes from."""
    # `manage.py` may be started in any directory, so a relative path begins at BASE_DIR.
    base = getattr(django_settings, "BASE_DIR", None)
    changed: dict[str, Any] = {}
    if base is not None:
        changed["templates"] = Path(base) / settings.templates
    if settings.source("handlers") == "default":
        changed["handlers"] = ()  # those of the apps are found
    return changed


def in_our_words(problem: str) -> str:
    """`database.pool_size = 0 (option): …` as `TASKER["DATABASE"]["POOL_SIZE"] = 0: …`."""
    found = _PROBLEM.match(problem)
    if found is None:
        return problem.replace("(option)", f"({SOURCE})")
    name = found["name"]
    if name.startswith("core["):
        place = f'{SETTING}["CORE"]{name[4:]}'
    else:
        place = SETTING + "".join(f'["{part.upper()}"]' for part in name.split("."))
    return f"{place}{found['value'] or ''}: {problem[found.end() :]}"
