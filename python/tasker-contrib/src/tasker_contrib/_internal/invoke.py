"""Calls a handler with a `StepContext` and returns a `StepOutcome`.

This is the one place where handlers of all styles meet: functions decorated by this package,
functions decorated by Core's DSL, and Core's handler classes. Whatever a handler raises becomes
part of the outcome; only a cancellation leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
from tasker_core import HandlerRegistry, StepContext, StepHandler, StepHandlerResult

from ..batches import is_no_op
from . import outcome as outcomes
from .current import step_context_var
from .http import classify, http_client
from .injection import AppContext, DependencyProblem, Injection
from .inputs import BadInput, arguments_of
from .kinds import outcome_of
from .outcome import StepOutcome
from .registry import Handler, Registry
from .threads import RunSync, in_thread


@dataclass(frozen=True)
class Callee:
    """A resolved handler: exactly one of `ours` and `core` is set."""

    name: str
    ours: Handler | None = None
    core: StepHandler | None = None

    @property
    def is_async(self) -> bool:
        """Whether it runs on the event loop (else in a thread of its own)."""
        if self.ours is not None:
            return self.ours.signature.is_async
        return inspect.iscoroutinefunction(getattr(self.core, "call", None))


def resolve(name: str, registry: Registry) -> Callee | None:
    """Find a handler: ours first, then Core's registry (DSL, classes, dotted class paths)."""
    ours = registry.get(name)
    if ours is not None:
        return Callee(name, ours=ours)
    core = HandlerRegistry.instance(skip_bootstrap=True).resolve(name)
    return None if core is None else Callee(name, core=core)


async def invoke(
    callee: Callee,
    context: StepContext,
    *,
    app: AppContext | None = None,
    run_sync: RunSync = in_thread,
) -> StepOutcome:
    """Execute one step.

    Args:
        callee: what `resolve` returned.
        context: Core's step context.
        app: the application whose dependencies and overrides apply.
        run_sync: how sync handlers run; the default is a daemon thread for each.

    Returns:
        The outcome; exceptions of the handler are classified into it.
    """
    app = app or AppContext()
    run_sync = app.run_sync or run_sync
    token = step_context_var.set(context)
    try:
        if callee.ours is not None:
            return await _invoke_ours(callee.ours, context, app, run_sync)
        assert callee.core is not None
        return await _invoke_core(callee.core, context, app, run_sync)
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        return outcomes.from_exception(error)
    finally:
        step_context_var.reset(token)


async def _invoke_core(
    handler: StepHandler, context: StepContext, app: AppContext, run_sync: RunSync
) -> StepOutcome:
    if inspect.iscoroutinefunction(handler.call):
        async with _around_async(app, context):
            value: Any = await handler.call(context)
    else:
        value = await run_sync(_within(app, context, lambda: handler.call(context)), handler.name)
        if inspect.isawaitable(value):
            value = await value
    return _refused(app, value) or outcomes.from_value(value)


def _refused(app: AppContext, value: Any) -> StepOutcome | None:
    """The failure, when the framework says that a result must not be stored."""
    if app.refuse is None:
        return None
    problem = app.refuse(value.result if isinstance(value, StepHandlerResult) else value)
    return outcomes.failed(problem, outcomes.VALIDATION, retryable=False) if problem else None


def _within(app: AppContext, context: StepContext, call: Callable[[], Any]) -> Callable[[], Any]:
    """What runs in the thread of a synchronous handler."""
    around = app.around_step
    if around is None:
        return call

    def surrounded() -> Any:
        with around(context):
            return call()

    return surrounded


def _around_async(app: AppContext, context: StepContext) -> AbstractAsyncContextManager[Any]:
    around = app.around_async_step
    return contextlib.nullcontext() if around is None else around(context)


async def _invoke_ours(
    handler: Handler, context: StepContext, app: AppContext, run_sync: RunSync
) -> StepOutcome:
    signature = handler.signature
    if handler.kind == "batch_worker" and is_no_op(context):
        batch_id = (context.step_inputs.get("cursor") or {}).get("batch_id", "no_op")
        return outcomes.success({"batch_id": batch_id, "no_op": True, "processed_count": 0})
    try:
        arguments = arguments_of(signature, context)
    except BadInput as error:
        return outcomes.failed(str(error), outcomes.VALIDATION, retryable=False)

    async with AsyncExitStack() as stack:
        try:
            if signature.depends is not None and signature.injector is not None:
                asked = Injection(handler.name, handler.fn, signature.depends, context, app)
                arguments.update(await signature.injector.solve(asked, stack))
        except DependencyProblem as error:
            return outcomes.failed(str(error), outcomes.VALIDATION, retryable=False)
        if signature.http_name:
            arguments[signature.http_name] = await http_client(handler, stack)
        try:
            if signature.is_async:
                async with _around_async(app, context):
                    value = await handler.fn(**arguments)
            else:
                call = _within(app, context, lambda: handler.fn(**arguments))
                value = await run_sync(call, handler.name)
                if inspect.isawaitable(value):  # a plain wrapper around an async handler
                    value = await value
        except httpx.HTTPError as error:
            if handler.kind == "api":
                raise classify(error) from error
            raise
        return _refused(app, value) or outcome_of(handler, value)
