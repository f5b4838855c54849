"""Says at once, and in words of the app's settings, why the database cannot be used."""

from __future__ import annotations

import logging
import socket
import threading
import time
from urllib.parse import urlsplit

from ..errors import TaskerStartError
from ..settings import TaskerSettings
from ._contract import CONFIG_KEYS
from .core_keys import host_of

logger = logging.getLogger("tasker_contrib")

_SECONDS = 1.5
_PAUSE_SECONDS = 0.25
_PORT = 5432
_FIXES = {
    "password authentication failed": "correct the user or the password in {where}",
    "does not exist": "create it, or correct the name in {where}",
}


def must_listen(settings: TaskerSettings, *, patience: float = 0.0) -> None:
    """Check that a server listens at the addresses of the databases.

    Core itself would try for `database.connect_timeout` seconds, in which the interpreter stands
    still, and then say that its pool timed out.

    Args:
        settings: of the app.
        patience: seconds to go on trying; the problem is logged before.

    Raises:
        TaskerStartError: there is none.
    """
    end = time.monotonic() + patience
    for path, value in settings.core_values().items():
        if not value or not (CONFIG_KEYS[path].pattern or "").startswith("database_url"):
            continue
        said = False
        while problem := _problem(str(value), _where(settings, path)):
            if time.monotonic() >= end:
                raise TaskerStartError(f"the worker cannot start: {problem}")
            if not said:
                said = True
                logger.warning("%s (trying for %g s)", problem, patience)
            threading.Event().wait(_PAUSE_SECONDS)


def _problem(url: str, where: str) -> str | None:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORT
    try:
        socket.create_connection((host, port), timeout=_SECONDS).close()
    except ConnectionRefusedError:
        problem = f"connection refused at {host}:{port} ({where})"
        fix = "is PostgreSQL running there? `tasker-dev up` starts one"
    except TimeoutError:
        problem = f"no answer from {host}:{port} within {_SECONDS:g} s ({where})"
        fix = "is the address right, and may this machine reach it?"
    except socket.gaierror:
        problem = f"the host name {host!r} cannot be resolved ({where})"
        fix = "correct it"
    except OSError as error:
        problem = f"{host}:{port} cannot be reached: {error.strerror or error} ({where})"
        fix = "is the address right?"
    else:
        return None
    return f"{problem}; {fix}"


def start_error(settings: TaskerSettings, problem: str) -> TaskerStartError:
    """The error for what Core said when it could not start."""
    text = problem.removeprefix("Bootstrap failed: ")
    if not text.startswith("Database error: "):
        return TaskerStartError(f"the worker cannot start: {text}")
    text = text.removeprefix("Database error: ").removeprefix("Failed to create pool: ")
    text = text.removeprefix("error returned from database: ")
    where = _where(settings, "common.database.url")
    fix = next((fix for sign, fix in _FIXES.items() if sign in text), None)
    hint = f"; {fix.format(where=where)}" if fix else ""
    place = host_of(settings.database_url)
    return TaskerStartError(f"the worker cannot start: {text} (database {place}){hint}")


def _where(settings: TaskerSettings, path: str) -> str:
    """What the user has to change: `DATABASE_URL`, or the setting with its file."""
    name = "database.url" if path == "common.database.url" else path
    source = settings.source(name)
    kind, _, detail = source.partition(" ")
    if kind == "environment":
        return detail
    return f"{name} in {detail}" if kind == "file" else name
