"""``tasker check``: everything a worker would refuse, and what Core would silently do wrong."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any

from tasker_contrib_fastapi._internal.names import counted
from tasker_contrib_fastapi.cli.target import import_app, look_in_working_directory
from tasker_contrib_fastapi.settings import TaskerSettings
from tasker_contrib_fastapi.templates import check_app
from tasker_contrib_fastapi.testing.rehearsal import rehearse


@dataclass
class Findings:
    """What a check found; ``summary`` says what was looked at."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    summary: str = ""


def run(target: str | None) -> Findings:
    """Check settings, templates and handlers.

    Args:
        target: ``module:app``; without it the settings come from the environment alone.

    Raises:
        TaskerConfigError: the settings are wrong.
        CliProblem: the app cannot be imported.
    """
    settings = settings_of(target)
    optional = settings.source("handlers") == "default"
    report = check_app(settings.templates, settings.handlers, optional_modules=optional)
    findings = Findings(errors=list(report.errors), warnings=list(report.warnings))
    for template in report.templates:
        findings.errors += [f"{template.path}: {problem}" for problem in rehearse(template.raw)]
    steps = sum(len(template.steps) for template in report.templates)
    templates = counted(len(report.templates), "template")
    findings.summary = f"{templates} with {counted(steps, 'step')}: no errors"
    return findings


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
