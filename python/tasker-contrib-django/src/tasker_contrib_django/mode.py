"""Decides what Tasker is in this process: a worker, a client, or nothing.

`manage.py tasker worker` starts worker processes; every other process at most creates tasks.
"""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from django.utils.autoreload import DJANGO_AUTORELOAD_ENV

from .conf import SETTING, tasker_settings

__all__ = ["Decision", "Mode", "ProcessFacts", "decide", "decision"]

logger = logging.getLogger("tasker_contrib_django")

Mode = Literal["off", "client", "worker"]

# "worker" in the environment of a container says nothing about the web processes in it.
_NAMED: dict[str, Mode] = {"off": "off", "client": "client"}
_SERVERS = ("gunicorn", "uvicorn", "daphne", "hypercorn", "granian", "uwsgi", "waitress-serve")
_ENTRY_POINTS = ("manage.py", "django-admin", "django-admin.py")

#: Set by the worker process itself; not in the environment, which programs it starts inherit.
_worker_process = False


@dataclass(frozen=True)
class ProcessFacts:
    """What the decision depends on.

    Attributes:
        worker: started by `manage.py tasker worker`.
        testing: pytest or `manage.py test` is running.
        command: of manage.py; None when the process was not started by it.
        reloader: the process of `runserver` that only starts the other one.
        server: the web server or `celery`; None when it is neither.
    """

    worker: bool = False
    testing: bool = False
    command: str | None = None
    reloader: bool = False
    server: str | None = None


@dataclass(frozen=True)
class Decision:
    """What this process does, and why in one clause."""

    mode: Mode
    reason: str


def decide(setting: str | None, env: str | None, facts: ProcessFacts) -> Decision:
    """Decide, without looking at anything else.

    Args:
        setting: `TASKER["MODE"]`; None or "auto" when it is not given.
        env: TASKER_MODE, or the mode in the settings file; None or "auto" when there is none.
        facts: about the process.
    """
    if facts.worker:
        return Decision("worker", "this is a process of `manage.py tasker worker`")
    named = _NAMED.get(setting or "")
    if named is not None:
        return Decision(named, f'{SETTING}["MODE"] is {named!r}')
    named = _NAMED.get(env or "")
    if named is not None:
        return Decision(named, f"TASKER_MODE is {named!r}")
    if facts.testing:
        return Decision(
            "off", f'tests are running; use the fake client, or set {SETTING}["MODE"] = "client"'
        )
    if facts.reloader:
        return Decision("off", "this process only restarts `runserver`")
    if facts.command == "tasker worker":
        return Decision("off", "this process only supervises the workers")
    who = f"manage.py {facts.command}" if facts.command else facts.server or "this program"
    return Decision("client", f"{who} runs no steps; `manage.py tasker worker` does")


def process_facts(argv: list[str] | None = None) -> ProcessFacts:
    """Look at this process."""
    argv = list(sys.argv if argv is None else argv)
    program = PurePath(argv[0]).name if argv else ""
    if program == "__main__.py":  # python -m
        program = PurePath(argv[0]).parent.name.replace("django", "django-admin")
    command = None
    if program in _ENTRY_POINTS:
        command = " ".join(argv[1:3]) if argv[1:2] == ["tasker"] else "".join(argv[1:2]) or "help"
    reloads = command == "runserver" and "--noreload" not in argv
    return ProcessFacts(
        worker=_worker_process,
        testing="pytest" in sys.modules or command == "test",
        command=command,
        reloader=reloads and os.environ.get(DJANGO_AUTORELOAD_ENV) != "true",
        server=next((name for name in (*_SERVERS, "celery") if name == program), None),
    )


def decision() -> Decision:
    """What this process does.

    Raises:
        TaskerConfigError: the settings are wrong.
    """
    settings = tasker_settings()
    in_code = settings.source("mode") == "option"
    return decide(
        settings.mode if in_code else None,
        None if in_code else settings.mode,
        process_facts(),
    )


def this_is_a_worker() -> None:
    """Called once by the worker process, before anything asks for the decision."""
    global _worker_process
    _worker_process = True


_logged: tuple[int, Decision] | None = None


def logged_decision() -> Decision:
    """The decision; the first call in a process writes it to the log."""
    global _logged
    decided = decision()
    if _logged != (os.getpid(), decided):
        _logged = (os.getpid(), decided)
        logger.info("tasker: %s (%s)", decided.mode, decided.reason)
    return decided
