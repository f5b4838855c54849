"""Renders the complete file that Core wants; Core has no defaults of its own when it loads one."""

from __future__ import annotations

import re
from typing import Any

from ..settings import OUR_DEFAULTS, TaskerSettings
from ._contract import CONFIG_KEYS, CORE_VERSION, OPTIONAL_SECTIONS
from .toml import write_toml

_CLIENT = "worker.orchestration_client"


def worker_values(settings: TaskerSettings) -> dict[str, Any]:
    """All keys of a worker's file with their values, by dotted path."""
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
        values[path] = chosen.get(path, OUR_DEFAULTS.get(path, key.default))
    for path, value in values.items():
        if value and (CONFIG_KEYS[path].pattern or "").startswith("database_url"):
            values[path] = _noticing(str(value))
    orchestration = settings.orchestration
    if orchestration.token is not None:
        values[f"{_CLIENT}.auth.type"] = "bearer"
        values[f"{_CLIENT}.auth.token"] = orchestration.token.get_secret_value()
    elif orchestration.api_key is not None:
        values[f"{_CLIENT}.auth.type"] = "api_key"
        values[f"{_CLIENT}.auth.key"] = orchestration.api_key.get_secret_value()
        values[f"{_CLIENT}.auth.header_name"] = orchestration.api_key_header
    return values


def _noticing(url: str) -> str:
    """A database URL whose sessions end soon after the process that opened them.

    A worker waits for steps in a query of five seconds. When its process dies, PostgreSQL would go
    on with that query, hand the next step to the dead connection and so hide it for the visibility
    timeout, unless it checks whether its client is still there.
    """
    if re.search(r"[?&]options=", url):
        return url
    separator = "&" if "?" in url else "?"
    return f"{url}{separator}options=-c%20client_connection_check_interval%3D250"


def worker_toml(settings: TaskerSettings) -> str:
    """The file, with literal values only: no placeholder means nothing that Core could refuse."""
    header = f"# Configuration of a Tasker {CORE_VERSION} worker, rendered by tasker-contrib.\n"
    return header + write_toml(worker_values(settings))
