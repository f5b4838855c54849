"""``tasker check``: everything a worker would refuse, and what Core would silently do wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasker_contrib._internal.names import counted
from tasker_contrib.settings import TaskerSettings
from tasker_contrib.templates import check_app
from tasker_contrib.testing.rehearsal import rehearse


@dataclass
class Findings:
    """What a check found; ``summary`` says what was looked at."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    summary: str = ""


def run(settings: TaskerSettings) -> Findings:
    """Check the templates and the handlers of an app.

    Args:
        settings: of the app.
    """
    optional = settings.source("handlers") == "default"
    report = check_app(settings.templates, settings.handlers, optional_modules=optional)
    findings = Findings(errors=list(report.errors), warnings=list(report.warnings))
    for template in report.templates:
        findings.errors += [f"{template.path}: {problem}" for problem in rehearse(template.raw)]
    steps = sum(len(template.steps) for template in report.templates)
    templates = counted(len(report.templates), "template")
    findings.summary = f"{templates} with {counted(steps, 'step')}: no errors"
    return findings
