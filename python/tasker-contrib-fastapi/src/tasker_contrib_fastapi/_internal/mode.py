"""Decides what this process does: nothing, create tasks, or also execute steps."""

from __future__ import annotations

import multiprocessing
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Mode = Literal["off", "client", "worker"]

#: Set in the worker processes that `tasker worker` starts.
STANDALONE_VARIABLE = "TASKER_WORKER_PROCESS"


@dataclass(frozen=True)
class ProcessFacts:
    """What is known about the process.

    Attributes:
        standalone: started by `tasker worker`.
        testing: pytest is running.
        forked_from: process id of a parent whose native worker was running at the fork.
        database_configured: a source sets `database.url`.
        templates: the template directory, if it exists.
        siblings: other processes may run the same app: workers of `tasker worker`, of uvicorn or of
            gunicorn.
    """

    standalone: bool = False
    testing: bool = False
    forked_from: int | None = None
    database_configured: bool = False
    templates: Path | None = None
    siblings: bool = False


def decide(setting: str | None, env: str | None, facts: ProcessFacts) -> tuple[Mode, str]:
    """Return the mode and the reason, without side effects.

    Args:
        setting: the mode given in code; None or "auto" when it is not.
        env: the value of TASKER_MODE (or of the settings file); None or "auto" when there is none.
        facts: about the process.
    """
    for value, source in ((setting, "the setting mode"), (env, "TASKER_MODE")):
        if value == "off":
            return "off", f"{source} is 'off'"
        if value == "client":
            return "client", f"{source} is 'client'"
        if value == "worker":
            return "worker", f"{source} is 'worker'"
    if facts.standalone:
        return "worker", "this is a process of `tasker worker`"
    if facts.forked_from is not None:
        return "client", f"forked from process {facts.forked_from}, which runs a native worker"
    if facts.testing:
        return "client", "pytest is running; set mode='worker' to run steps in this process"
    if not facts.database_configured:
        return "client", "database.url (DATABASE_URL) is not set"
    if facts.templates is None:
        return "client", "the template directory does not exist"
    return "worker", "a database and task templates are configured; steps run in this web process"


def process_facts(
    *, database_configured: bool, templates: Path, forked_from: int | None
) -> ProcessFacts:
    """Look at this process."""
    return ProcessFacts(
        standalone=os.environ.get(STANDALONE_VARIABLE) == "1",
        testing="pytest" in sys.modules,
        forked_from=forked_from,
        database_configured=database_configured,
        templates=templates if templates.is_dir() else None,
        siblings=_has_siblings(),
    )


def _has_siblings() -> bool:
    """Whether this process is, or may be, one of several that run the app."""
    if os.environ.get(STANDALONE_VARIABLE) == "1" or "gunicorn" in sys.modules:
        return True
    # uvicorn spawns its workers, and the one process of `--reload`, in the same way.
    return multiprocessing.parent_process() is not None and "--reload" not in sys.argv
