"""Runs a whole task template in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from .engine import Engine, Handlers
from .graph import TaskGraph
from .run import StepRun, WorkflowRun
from .step import Overrides, application, run_coroutine
from .template import TemplateProblem, load

__all__ = ["StepRun", "WorkflowRun", "run_workflow"]


def run_workflow(
    template: str | Path | Mapping[str, Any],
    context: Mapping[str, Any] | BaseModel | None = None,
    handlers: Handlers | None = None,
    *,
    app: Any = None,
    overrides: Overrides | None = None,
) -> WorkflowRun:
    """Run a task template in memory: no server, no database, no waiting.

    Steps run one at a time, as in one worker process; steps that are ready together run in the
    order of the template. Retries follow the template's ``retry`` on a virtual clock. Decisions,
    convergence, batches and checkpoints follow the rules of Core's server; where these differ from
    what the template seems to say, ``problems`` tells (and ``assert_complete`` fails).
    ``timeout_seconds`` does not apply.

    Args:
        template: A YAML file, or its parsed content.
        context: The task context; checked against the template's ``input_schema``.
        handlers: By callable name, over those registered with the decorators. A value is a
            handler of any style, or a plain function of the ``StepContext``.
        app: The application whose dependencies and overrides apply.
        overrides: ``{dependency: replacement}`` when there is no ``app``.

    Returns:
        The run, with every step's state, attempts, result and delays.

    Raises:
        TemplateProblem: the template cannot be read, or ``context`` does not fit its schema.

    Example:
        ```python
        run = run_workflow(
            "config/tasks/order.yaml",
            {"order_id": 7},
            handlers={"shop.charge": lambda step: {"charged": True}},
        )
        run.assert_complete().assert_step("charge", result={"charged": True})
        ```
    """
    return run_coroutine(arun_workflow(template, context, handlers, app=app, overrides=overrides))


async def arun_workflow(
    template: str | Path | Mapping[str, Any],
    context: Mapping[str, Any] | BaseModel | None = None,
    handlers: Handlers | None = None,
    *,
    app: Any = None,
    overrides: Overrides | None = None,
) -> WorkflowRun:
    """``run_workflow`` for a test that is ``async``; ``app`` may be an ``AppContext``."""
    spec = load(template)
    data = to_jsonable_python(context) if context is not None else {}
    if spec.input_schema is not None:
        validator = jsonschema.Draft202012Validator(spec.input_schema)
        found = sorted(validator.iter_errors(data), key=lambda error: list(error.path))
        if found:
            listed = "; ".join(f"{error.json_path}: {error.message}" for error in found)
            raise TemplateProblem(f"the context does not fit input_schema: {listed}")
    engine = Engine(TaskGraph(spec), data, handlers or {}, application(app, overrides))
    return await engine.run()
