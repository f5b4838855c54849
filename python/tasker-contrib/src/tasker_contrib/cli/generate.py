"""``tasker generate``: which template, with which parameters."""

from __future__ import annotations

from enum import Enum

from tasker_contrib.cli import names, tasker_ctl
from tasker_contrib.cli.errors import UsageProblem
from tasker_contrib.cli.plugin import load_template
from tasker_contrib.cli.render import RenderedFile
from tasker_contrib.cli.render import render as render_here

DEFAULT_NAMESPACE = "default"
_MAX_STEPS = 200


class HandlerType(str, Enum):
    """The kinds of handlers that can be generated."""

    BASE = "base"
    API = "api"
    DECISION = "decision"
    BATCHABLE = "batchable"


_TEMPLATES = {
    HandlerType.BASE: "step_handler",
    HandlerType.API: "step_handler_api",
    HandlerType.DECISION: "step_handler_decision",
    HandlerType.BATCHABLE: "step_handler_batchable",
}


def handler(name: str, kind: HandlerType, namespace: str | None, module: str) -> list[RenderedFile]:
    """Render a handler and its test.

    Raises:
        UsageProblem: a name is not usable.
        CliProblem: rendering failed.
    """
    parameters = {"name": names.handler_name(name), "module_name": names.module(module)}
    if namespace is not None and names.namespace(namespace) != DEFAULT_NAMESPACE:
        parameters["namespace"] = namespace
    return _render(_TEMPLATES[kind], parameters)


def callable_name(name: str, namespace: str | None) -> str:
    """What a template calls the generated handler."""
    plain = names.handler_name(name)
    return plain if namespace in (None, DEFAULT_NAMESPACE) else f"{namespace}.{plain}"


def template(name: str, namespace: str | None, steps: str | None) -> list[RenderedFile]:
    """Render a task template.

    Raises:
        UsageProblem: a name or the list of steps is not usable.
        CliProblem: rendering failed.
    """
    parameters = {"name": names.handler_name(name)}
    if namespace is not None:
        parameters["namespace"] = names.namespace(namespace)
    if steps is not None:
        parameters["steps"] = _steps(steps)
    return _render("task_template", parameters)


def workflow(name: str, namespace: str | None, steps: str, module: str) -> list[RenderedFile]:
    """Render a task template with the handlers of its steps, and their test.

    Raises:
        UsageProblem: a name or the list of steps is not usable.
        CliProblem: rendering failed.
    """
    parameters = {
        "name": names.handler_name(name),
        "steps": _steps(steps),
        "module_name": names.module(module),
    }
    if namespace is not None:
        parameters["namespace"] = names.namespace(namespace)
    return _render("workflow", parameters)


def subscriber(name: str, event: str, module: str) -> list[RenderedFile]:
    """Render a subscriber and its test.

    Raises:
        UsageProblem: a name is not usable.
        CliProblem: rendering failed.
    """
    parameters = {
        "name": names.handler_name(name),
        "event": names.event(event),
        "module_name": names.module(module),
    }
    return _render("subscriber", parameters)


def _steps(value: str) -> str:
    """The list of steps, written anew: no character reaches the template that was not checked."""
    parsed = names.steps(value)
    if len(parsed) > _MAX_STEPS:
        raise UsageProblem(f"--steps has {len(parsed)} steps", fix=f"use {_MAX_STEPS} at most")
    return ",".join(f"{step}:{'+'.join(parents)}" if parents else step for step, parents in parsed)


def _render(name: str, parameters: dict[str, str]) -> list[RenderedFile]:
    found = load_template(name)
    binary = tasker_ctl.find()
    if binary is not None:
        return tasker_ctl.render(binary, found, parameters)
    return render_here(found, parameters)
