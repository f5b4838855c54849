"""Finds out, without any handler, whether Core would run a template as it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tasker_core import StepContext

from .template import StepSpec, TemplateProblem, TemplateSpec, load
from .workflow import run_workflow


def rehearse(template: Mapping[str, Any]) -> list[str]:
    """Play a template through, with handlers that always succeed.

    Every decision takes all its branches once, and each of them alone once; every batch has two
    parts.

    Args:
        template: The parsed YAML.

    Returns:
        What Core would do differently from what the author wrote; empty is good. A template that
        cannot be run at all gives nothing: other checks report that.
    """
    try:
        spec = load(template)
    except (TemplateProblem, TypeError, ValueError):
        return []
    plain = {**template, "input_schema": None}
    problems: list[str] = []
    for choice in _choices(spec):
        run = run_workflow(_with_own_callables(plain), {}, _handlers(spec, choice))
        problems += [problem for problem in run.problems if problem not in problems]
    return problems


def _choices(spec: TemplateSpec) -> list[str | None]:
    """None takes all branches; a name takes that branch wherever it can be taken."""
    branches = [
        step.name
        for step in spec.steps
        if any(spec.step(parent).type == "decision" for parent in step.dependencies)
    ]
    return [None, *branches]


def _with_own_callables(template: Mapping[str, Any]) -> dict[str, Any]:
    """Two steps may share a handler; here each step is its own."""
    steps = [
        {**step, "handler": {**step["handler"], "callable": step["name"]}}
        for step in template["steps"]
    ]
    return {**template, "steps": steps}


def _handlers(
    spec: TemplateSpec, choice: str | None
) -> dict[str, Callable[[StepContext], dict[str, Any]]]:
    return {step.name: _handler(_result(spec, step, choice)) for step in spec.steps}


def _handler(result: dict[str, Any]) -> Callable[[StepContext], dict[str, Any]]:
    return lambda _context: result


def _result(spec: TemplateSpec, step: StepSpec, choice: str | None) -> dict[str, Any]:
    if step.type == "decision":
        branches = [
            other.name
            for other in spec.steps
            if step.name in other.dependencies
            and other.type in ("standard", "batchable")
            and (choice is None or other.name == choice)
        ]
        kind = "create_steps" if branches else "no_branches"
        return {"decision_point_outcome": {"type": kind, "step_names": branches}}
    if step.type == "batchable":
        workers = [s.name for s in spec.steps if _works_for(s, step)]
        if not workers:
            return {"batch_processing_outcome": {"type": "no_batches"}}
        cursors = [{"batch_id": "001"}, {"batch_id": "002"}]
        return {
            "batch_processing_outcome": {
                "type": "create_batches",
                "worker_template_name": workers[0],
                "cursor_configs": cursors,
            }
        }
    return {}


def _works_for(worker: StepSpec, batchable: StepSpec) -> bool:
    return worker.type == "batch_worker" and batchable.name in worker.dependencies
