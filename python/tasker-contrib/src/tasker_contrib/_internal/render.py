"""Renders the complete file that Core wants; Core has no defaults of its own when it loads one."""

from __future__ import annotations

import os
import re
import secrets
import socket
from typing import Any

from ..settings import OUR_DEFAULTS, TaskerSettings
from ._contract import CONFIG_KEYS, CORE_VERSION, OPTIONAL_SECTIONS
from .toml import write_toml

_CLIENT = "worker.orchestration_client"
_OPTIONS = "%20".join(
    f"-c%20{option}"
    for option in (
        "client_connection_check_interval%3D250",
        "tcp_keepalives_idle%3D10",
        "tcp_keepalives_interval%3D5",
        "tcp_keepalives_count%3D3",
    )
)


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
    name = worker_name()
    for path, value in values.items():
        if value and (CONFIG_KEYS[path].pattern or "").startswith("database_url"):
            values[path] = connection_url(str(value), name)
    orchestration = settings.orchestration
    if orchestration.token is not None:
        values[f"{_CLIENT}.auth.type"] = "bearer"
        values[f"{_CLIENT}.auth.token"] = orchestration.token.get_secret_value()
    elif orchestration.api_key is not None:
        values[f"{_CLIENT}.auth.type"] = "api_key"
        values[f"{_CLIENT}.auth.key"] = orchestration.api_key.get_secret_value()
        values[f"{_CLIENT}.auth.header_name"] = orchestration.api_key_header
    return values


def worker_name(host: str | None = None) -> str:
    """The name of a worker in PostgreSQL's list of sessions, which no other start of one has.

    ``tasker-recovery`` takes a worker without a session for dead, by this name, and gives its
    steps to another. PostgreSQL cuts names after 63 bytes.
    """
    safe = re.sub(r"[^A-Za-z0-9._-]", "", host or socket.gethostname())[:30] or "host"
    return f"tkw:python:{safe}:{os.getpid()}:{secrets.token_hex(4)}"


def connection_url(url: str, name: str) -> str:
    """A database URL that says who is connected, and whose sessions end soon after that process.

    A worker waits for steps in a query of five seconds. When its process dies, PostgreSQL would go
    on with that query, hand the next step to the dead connection and so hide it for the visibility
    timeout, unless it checks whether its client is still there. What the URL has of its own stays.
    All packages do the same: ``xtask/contract/connection-cases``.
    """
    rendered = url
    for key, value in (("application_name", name), ("options", _OPTIONS)):
        if not re.search(rf"[?&]{key}=", url):
            rendered += f"{'&' if '?' in rendered else '?'}{key}={value}"
    return rendered


def worker_toml(settings: TaskerSettings) -> str:
    """The file, with literal values only: no placeholder means nothing that Core could refuse."""
    header = f"# Configuration of a Tasker {CORE_VERSION} worker, rendered by tasker-contrib.\n"
    return header + write_toml(worker_values(settings))
