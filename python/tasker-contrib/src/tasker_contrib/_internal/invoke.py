"""Calls a handler with a `StepContext` and returns a `StepOutcome`. Never raises `Exception`.

This is the one place where handlers of all styles meet: functions decorated by this package,
functions decorated by Core's DSL, and Core's handler classes.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import ValidationError
from tasker_core import HandlerRegistry, StepContext, StepHandler, StepHandlerResult
from tasker_core.batch_processing import Batchable
from tasker_core.step_handler import DecisionHandler
from tasker_core.step_handler.functional import BatchConfig, Decision
from tasker_core.types import DecisionType

from ..batches import Checkpoint, batch_context, batch_results, is_no_op
from ..handlers import step_context_var
from . import outcome as outcomes
from .http import classify, http_client
from .injection import AppContext, DependencyProblem, Injection, RunSync
from .markers import BatchResults, Config, Input, Result
from .outcome import CheckpointData, StepOutcome
from .registry import Handler, Registry
from .signature import Source



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


class BadInput(Exception):
    """An input of the handler is missing or does not fit its type."""


def resolve(name: str, registry: Registry) -> Callee | None:
    """Find a handler: ours first, then Core's registry (DSL, classes, dotted class paths)."""
    ours = registry.get(name)
    if ours is not None:
        return Callee(name, ours=ours)
    core = HandlerRegistry.instance(skip_bootstrap=True).resolve(name)
    return None if core is None else Callee(name, core=core)


async def in_thread(call: Callable[[], Any], name: str) -> Any:
    """Run `call` in a daemon thread of its own.

    An executor is not used: its threads are joined when the interpreter exits, so one handler
    that hangs would keep the process alive for ever.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def run() -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            result = context.run(call)
        except StopIteration as stop:  # a future cannot carry it
            error = RuntimeError(f"the handler raised StopIteration: {stop}")
        except BaseException as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name=f"tasker-step-{name}", daemon=True).start()
    return await future


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
    except (KeyboardInterrupt, SystemExit) as error:
        # sys.exit() in a handler must fail that step, not stop the worker.
        return outcomes.failed(f"the handler raised {type(error).__name__}", retryable=True)
    except Exception as error:
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
    if isinstance(value, StepHandlerResult):
        value = value.result
    problem = app.refuse(value) if app.refuse is not None else None
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
        arguments = {source.name: _value(source, context) for source in signature.sources}
        if signature.context_name:
            arguments[signature.context_name] = context
        if signature.batch_name:
            batch = batch_context(context)
            if batch is None:
                raise BadInput(
                    "the step has no cursor: is its `type` batch_worker in the template?"
                )
            arguments[signature.batch_name] = batch
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
                value = await run_sync(
                    _within(app, context, lambda: handler.fn(**arguments)), handler.name
                )
        except httpx.HTTPError as error:
            if handler.kind == "api":
                raise classify(error) from error
            raise
        return _refused(app, value) or _outcome(handler, value)


def _value(source: Source, context: StepContext) -> Any:
    """Read and validate one parameter."""
    marker = source.marker
    if isinstance(marker, Input):
        if marker.key is None:
            return _validated(source, context.input_data, "the task context")
        label = f"the task context, key {marker.key!r},"
        if marker.key not in context.input_data:
            return _default(source, f"{label} is missing")
        return _validated(source, context.input_data[marker.key], label)
    if isinstance(marker, Config):
        label = f"handler.initialization key {marker.key!r}"
        if marker.key not in context.step_config:
            return _default(source, f"{label} is missing in the template")
        return _validated(source, context.step_config[marker.key], label)
    if isinstance(marker, BatchResults):
        label = f"the results of {marker.key!r}"
        found = batch_results(context, marker.key)
        try:
            return _validated(source, found, label)
        except BadInput:
            if found and all(_wrapped(item) for item in found):
                return _validated(source, [item["result"] for item in found], label)
            raise
    assert isinstance(marker, Result)
    label = f"the result of step {marker.key!r}"
    if marker.key not in context.dependency_results:
        return _default(source, f"{label} does not exist (is it an ancestor of this step?)")
    value = context.get_dependency_result(marker.key)
    try:
        return _validated(source, value, label)
    except BadInput:
        # A result that is not an object is stored as {"result": value}; see outcome.as_result.
        if _wrapped(value):
            return _validated(source, value["result"], label)
        raise


def _wrapped(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"result"}


def _default(source: Source, problem: str) -> Any:
    if source.required:
        raise BadInput(problem)
    return source.default


def _validated(source: Source, value: Any, label: str) -> Any:
    try:
        return source.adapter.validate_python(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise BadInput(outcomes.validation_text(label, details)) from error


class _Analyzer(Batchable, StepHandler):
    """Core's own helpers make the wire shape of a batch outcome."""

    handler_name = "tasker_contrib.analyzer"

    def call(self, context: StepContext) -> StepHandlerResult:
        raise TypeError("no handler of its own: only the helpers are used")


class _Decider(DecisionHandler):
    """Core's own helpers make the wire shape of a decision."""

    handler_name = "tasker_contrib.decider"

    def call(self, context: StepContext) -> StepHandlerResult:
        raise TypeError("no handler of its own: only the helpers are used")


def _outcome(handler: Handler, value: Any) -> StepOutcome:
    """Check a returned value against the kind and the annotation of the handler."""
    if isinstance(value, StepHandlerResult):
        return outcomes.from_core_result(value)
    if handler.kind == "decision":
        return _decision(value)
    if handler.kind == "batch_analyzer":
        return _batches(handler, value)
    if isinstance(value, Checkpoint):
        if handler.kind != "batch_worker":
            return outcomes.failed(
                "only a @batch_worker may return a Checkpoint", outcomes.VALIDATION, retryable=False
            )
        data = CheckpointData(value.cursor, value.items_processed, value.accumulated)
        return StepOutcome(checkpoint=data)
    output = handler.signature.output
    if output is None:
        return outcomes.success(value)
    try:
        checked = output.validate_python(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return outcomes.failed(
            outcomes.validation_text("the handler's own result", details),
            outcomes.VALIDATION,
            retryable=False,
        )
    return outcomes.success(output.dump_python(checked, mode="json"))


def _decision(value: Any) -> StepOutcome:
    if not isinstance(value, Decision):
        return outcomes.failed(
            f"a decision handler returns Decision.route(…) or Decision.skip(…), not {value!r}",
            outcomes.VALIDATION,
            retryable=False,
        )
    outcome = value.outcome
    decider = _Decider()
    if outcome.decision_type == DecisionType.CREATE_STEPS:
        result = decider.decision_success(
            outcome.next_step_names, routing_context=outcome.routing_context
        )
    else:
        result = decider.skip_branches(
            reason=outcome.reason or "no branches", routing_context=outcome.routing_context
        )
    return outcomes.from_core_result(result)


def _batches(handler: Handler, value: Any) -> StepOutcome:
    if not isinstance(value, BatchConfig):
        return outcomes.failed(
            f"a batch analyzer returns BatchConfig(total_items=…, batch_size=…), not {value!r}",
            outcomes.VALIDATION,
            retryable=False,
        )
    if value.total_items < 0 or value.batch_size < 1:
        return outcomes.failed(
            f"BatchConfig(total_items={value.total_items}, batch_size={value.batch_size}): "
            "total_items must be 0 or more and batch_size 1 or more",
            outcomes.VALIDATION,
            retryable=False,
        )
    analyzer = _Analyzer()
    outcome = analyzer.create_batch_outcome(
        total_items=value.total_items,
        batch_size=value.batch_size,
        batch_metadata=value.metadata or {},
    )
    result = analyzer.batch_analyzer_success(
        outcome, worker_template_name=handler.options["worker"]
    )
    return outcomes.from_core_result(result)
