"""Runs handlers and templates in the transaction of the test.

The worker calls a plain handler in a thread of its own, which would see nothing of what a
`TestCase` has not committed. Here it runs in the test's thread, with everything else as in the
worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from pydantic import BaseModel
from tasker_contrib import testing as shared
from tasker_contrib.testing import StepResult, WorkflowRun

from ..conf import tasker_settings
from ..discovery import autodiscover
from ..steps import test_context

Handler = Callable[..., Any]
Context = Mapping[str, Any] | BaseModel | None


def run_step(handler: Handler, step: Any = None, **options: Any) -> StepResult:
    """Run one handler once, as the worker would: inputs validated, exceptions classified.

    Args:
        handler: a decorated function, or one of Core's own handlers.
        step: what `step_context` returned, instead of the options.
        options: `context`, `results`, `config`, `attempts`, `max_attempts`, `cursor`, `no_op`,
            `checkpoint`, `idempotency_key`: see `tasker_contrib.testing.run_step`.

    Returns:
        The outcome. An exception of the handler is in it, never raised.

    Example:
        >>> run_step(charge, context={"order_id": 1}).result  # doctest: +SKIP
        {'charged': 5}
    """
    return async_to_sync(arun_step)(handler, step, **options)


async def arun_step(handler: Handler, step: Any = None, **options: Any) -> StepResult:
    """`run_step` for `async` tests."""
    return await shared.arun_step(handler, step, app=test_context(_run_sync), **options)


def run_workflow(
    template: str | Path | Mapping[str, Any],
    context: Context = None,
    handlers: Mapping[str, Handler] | None = None,
) -> WorkflowRun:
    """Run a task template in memory: no server, no waiting; the database is the test's.

    Args:
        template: a YAML file, or its content; a relative path begins at `TASKER["TEMPLATES"]`.
        context: the task context; checked against the template's `input_schema`.
        handlers: by name, instead of those of the apps.

    Returns:
        The run, with every step's state, attempts, result and delays.

    Raises:
        TemplateProblem: the template cannot be read, or `context` does not fit its schema.

    Example:
        >>> run_workflow("order.yaml", {"order_id": 1}).assert_complete()  # doctest: +SKIP
    """
    return async_to_sync(arun_workflow)(template, context, handlers)


async def arun_workflow(
    template: str | Path | Mapping[str, Any],
    context: Context = None,
    handlers: Mapping[str, Handler] | None = None,
) -> WorkflowRun:
    """`run_workflow` for `async` tests."""
    await sync_to_async(autodiscover)()
    if isinstance(template, (str, Path)):
        template = tasker_settings().templates / template
    return await shared.arun_workflow(template, context, handlers, app=test_context(_run_sync))


async def _run_sync(call: Callable[[], Any], name: str) -> Any:
    def guarded() -> Any:
        try:
            return call()
        except StopIteration as stop:  # a future cannot carry it
            raise RuntimeError(f"the handler raised StopIteration: {stop}") from stop

    return await sync_to_async(guarded)()
