"""Decides what this process does: nothing, create tasks, or also execute steps."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ..settings import TaskerSettings

Mode = Literal["off", "client", "worker"]

#: Set in the worker processes that `tasker worker` starts.
STANDALONE_VARIABLE = "TASKER_WORKER_PROCESS"

_NAMED: dict[str, Mode] = {"off": "off", "client": "client", "worker": "worker"}
_ENV_FILE = Path(".env")


@dataclass(frozen=True)
class ProcessFacts:
    """What the decision depends on.

    Attributes:
        standalone: started by `tasker worker`.
        testing: pytest is running.
        forked_from: process id of a parent whose native worker was running at the fork.
        database_configured: a source sets `database.url`.
        env_file: a `.env` file in the working directory has a DATABASE_URL.
        templates: the template directory.
        templates_exist: whether it is there.
    """

    standalone: bool = False
    testing: bool = False
    forked_from: int | None = None
    database_configured: bool = False
    env_file: bool = False
    templates: Path = Path("config/tasks")
    templates_exist: bool = False


@dataclass(frozen=True)
class Decision:
    """What this process does, and why.

    Attributes:
        mode: the decision.
        reason: one clause for people.
        facts: what it was made from.
    """

    mode: Mode
    reason: str
    facts: ProcessFacts


def decision(settings: TaskerSettings, *, forked_from: int | None = None) -> Decision:
    """Look at this process and decide.

    Args:
        settings: of the app.
        forked_from: see `ProcessFacts`.
    """
    in_code = settings.is_in_code("mode")
    facts = ProcessFacts(
        standalone=os.environ.get(STANDALONE_VARIABLE) == "1",
        testing="pytest" in sys.modules,
        forked_from=forked_from,
        database_configured="common.database.url" in settings.core_values(),
        env_file=_env_file_has_database(),
        templates=settings.templates,
        templates_exist=settings.templates.is_dir(),
    )
    mode, reason = decide(
        settings.mode if in_code else None, None if in_code else settings.mode, facts
    )
    return Decision(mode, reason, facts)


def decide(setting: str | None, env: str | None, facts: ProcessFacts) -> tuple[Mode, str]:
    """Return the mode and the reason, without side effects.

    Args:
        setting: the mode given in code; None or "auto" when it is not.
        env: the value of TASKER_MODE (or of the settings file); None or "auto" when there is none.
        facts: about the process.
    """
    named = _NAMED.get(setting or "")
    if named is not None:
        return named, f"the setting mode is {setting!r}"
    if facts.standalone:  # which sets TASKER_MODE itself
        return "worker", "this is a process of `tasker worker`"
    named = _NAMED.get(env or "")
    if named is not None:
        return named, f"TASKER_MODE is {env!r}"
    if facts.forked_from is not None:
        return "client", f"forked from process {facts.forked_from}, which runs a native worker"
    if facts.testing:
        return "client", "pytest is running; set mode='worker' to run steps in this process"
    if not facts.database_configured:
        hint = f"; {_ENV_FILE} has it: start with --env-file {_ENV_FILE}" if facts.env_file else ""
        return "client", f"no database.url: DATABASE_URL is not set{hint}"
    if not facts.templates_exist:
        return "client", f"no task templates: the directory {str(facts.templates)!r} does not exist"
    return "worker", "a database and task templates are configured"


def _env_file_has_database() -> bool:
    """Whether the user has written the variable down and forgot to load the file."""
    try:
        text = _ENV_FILE.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return re.search(r"^\s*(export\s+)?DATABASE_URL\s*=\s*\S", text, re.MULTILINE) is not None
