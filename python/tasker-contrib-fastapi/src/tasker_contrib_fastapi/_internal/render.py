"""Renders the complete file that Core wants; Core has no defaults of its own when it loads one."""

from __future__ import annotations

from typing import Any

from ..settings import OUR_DEFAULTS, TaskerSettings
from ._contract import CONFIG_KEYS, CORE_VERSION, OPTIONAL_SECTIONS, SETTINGS
from .toml import write_toml

_CLIENT = "worker.orchestration_client"
_DELIVERY = SETTINGS["worker.delivery"].path


def worker_values(settings: TaskerSettings, *, siblings: bool = True) -> dict[str, Any]:
    """All keys of a worker's file with their values, by dotted path.

    Args:
        settings: what was set.
        siblings: whether other workers may share the namespaces. Core's notifications reach all
            of them with the step inside, and its claim is not atomic, so that two workers run the
            same step; a read from the queue gives it to one.
    """
    chosen = settings.core_values()
    wanted = {
        section
        for section in OPTIONAL_SECTIONS
        # The client section is always there, so that Core's own TaskerClient works in handlers.
        if section == _CLIENT or any(path.startswith(f"{section}.") for path in chosen)
    }
    values: dict[str, Any] = {}
    for path, key in CONFIG_KEYS.items():
        if path.startswith("orchestration."):
            continue
        if any(path.startswith(f"{s}.") and s not in wanted for s in OPTIONAL_SECTIONS):
            continue
        values[path] = chosen.get(path, key.default)
    if siblings and _DELIVERY not in chosen:
        values[_DELIVERY] = OUR_DEFAULTS["worker.delivery"]
    orchestration = settings.orchestration
    if orchestration.token is not None:
        values[f"{_CLIENT}.auth.type"] = "bearer"
        values[f"{_CLIENT}.auth.token"] = orchestration.token.get_secret_value()
    elif orchestration.api_key is not None:
        values[f"{_CLIENT}.auth.type"] = "api_key"
        values[f"{_CLIENT}.auth.key"] = orchestration.api_key.get_secret_value()
        values[f"{_CLIENT}.auth.header_name"] = orchestration.api_key_header
    return values


def worker_toml(settings: TaskerSettings, *, siblings: bool = True) -> str:
    """The file, with literal values only: no placeholder means nothing that Core could refuse."""
    header = (
        f"# Configuration of a Tasker {CORE_VERSION} worker, rendered by tasker-contrib-fastapi.\n"
    )
    return header + write_toml(worker_values(settings, siblings=siblings))
