"""Runs one handler once."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import BaseModel
from tasker_core import StepContext, StepHandler

from .._internal import outcome as outcomes
from .._internal.injection import AppContext
from .._internal.invoke import Callee, invoke
from .._internal.outcome import StepOutcome
from ..batches import Checkpoint
from .context import Cursor, step_context

T = TypeVar("T")
Overrides = Mapping[Callable[..., Any], Callable[..., Any]]


@dataclass(frozen=True)
class StepResult:
    """What one execution of a handler ended with.

    Attributes:
        outcome: ``complete``, ``failed``, or ``checkpoint`` (a batch worker wants to go on).
        result: The result as it is stored, or None.
        error: The message of a failure, or None.
        error_type: ``permanent_error``, ``retryable_error``, ``validation_error``, … or None.
        retryable: Whether Core would try again; False unless it failed.
        retry_after: Seconds the handler asked to wait before the next attempt, or None.
        checkpoint: The progress to store, when ``outcome`` is ``checkpoint``.
        metadata: What is stored beside the result.
    """

    outcome: Literal["complete", "failed", "checkpoint"]
    result: dict[str, Any] | None = None
    error: str | None = None
    error_type: str | None = None
    retryable: bool = False
    retry_after: float | None = None
    checkpoint: Checkpoint | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


def run_step(
    handler: Callable[..., Any],
    step: StepContext | None = None,
    *,
    context: Mapping[str, Any] | BaseModel | None = None,
    results: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    attempts: int = 0,
    max_attempts: int = 3,
    cursor: Cursor | None = None,
    no_op: bool = False,
    checkpoint: Checkpoint | Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
    app: Any = None,
    overrides: Overrides | None = None,
) -> StepResult:
    """Run a handler once, exactly as the worker would: inputs validated, exceptions classified.

    It is synchronous, also for async handlers, and may be called from a running event loop (the
    handler then runs in a loop of its own in another thread). The template's ``timeout_seconds``
    does not apply.

    Args:
        handler: A decorated function, one of Core's DSL functions or handler classes, or any
            function that takes the ``StepContext`` and returns the result.
        step: A context from ``step_context``; otherwise one is built from the other arguments,
            which mean the same as there.
        context: The task context.
        results: Results of ancestor steps by step name.
        config: ``handler.initialization`` of the template.
        attempts: Attempts before this one.
        max_attempts: Attempts allowed in all.
        cursor: The range of a batch worker.
        no_op: The placeholder of a batch without items.
        checkpoint: What the last execution of this batch worker stored.
        idempotency_key: The step's UUID; a new one when left out.
        app: The application whose dependencies and overrides apply.
        overrides: ``{dependency: replacement}`` when there is no ``app``.

    Returns:
        The outcome. An exception of the handler is in it, never raised.

    Raises:
        TypeError: ``handler`` is not callable, or a value cannot be written as JSON.

    Example:
        >>> run_step(lambda context: {"seen": context.get_input("x")}, context={"x": 1}).result
        {'seen': 1}
    """
    if step is None:
        step = step_context(
            handler,
            context=context,
            results=results,
            config=config,
            attempts=attempts,
            max_attempts=max_attempts,
            cursor=cursor,
            no_op=no_op,
            checkpoint=checkpoint,
            idempotency_key=idempotency_key,
        )
    return run_coroutine(arun_step(handler, step, app=app, overrides=overrides))


async def arun_step(
    handler: Callable[..., Any],
    step: StepContext | None = None,
    *,
    app: Any = None,
    overrides: Overrides | None = None,
    **options: Any,
) -> StepResult:
    """``run_step`` for a test that is ``async``: the handler runs in the loop of the test.

    Args:
        handler: As for ``run_step``.
        step: As for ``run_step``.
        app: As for ``run_step``; or an ``AppContext`` of a framework's package.
        overrides: As for ``run_step``.
        options: What else ``run_step`` takes; goes to ``step_context``.

    Returns:
        The outcome.
    """
    if step is None:
        step = step_context(handler, **options)
    return as_step_result(await call(handler, step, application(app, overrides)))


def application(app: Any, overrides: Overrides | None) -> AppContext:
    """The application side of a step, as a framework's package or a test gives it."""
    return app if isinstance(app, AppContext) else AppContext(app=app, overrides=overrides)


async def call(handler: Callable[..., Any], step: StepContext, app: AppContext) -> StepOutcome:
    """Call a handler of any style."""
    callee = _callee(handler, step)
    try:
        return await invoke(callee, step, app=app)
    except asyncio.CancelledError:
        return outcomes.failed("the handler was cancelled", retryable=True)


def _callee(handler: Callable[..., Any], step: StepContext) -> Callee:
    ours = getattr(handler, "__tasker_handler__", None)
    if ours is not None:
        return Callee(ours.name, ours=ours)
    core = getattr(handler, "_handler_class", handler)
    if isinstance(core, type) and issubclass(core, StepHandler):
        core = core()
    if isinstance(core, StepHandler):
        return Callee(core.name, core=core)
    if not callable(handler):
        raise TypeError(f"not a handler: {handler!r}")
    return Callee(step.handler_name, core=_PlainFunction(handler))


class _PlainFunction(StepHandler):
    """Lets a test pass any function of the context as a handler."""

    handler_name = "plain_function"

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self._function = function

    def call(self, context: StepContext) -> Any:
        """Call the function; ``invoke`` awaits what it returns, if need be."""
        return self._function(context)


def as_step_result(outcome: StepOutcome) -> StepResult:
    """Translate the internal outcome into the public one."""
    if outcome.failure is not None:
        return StepResult(
            outcome="failed",
            error=outcome.failure.message,
            error_type=outcome.failure.error_type,
            retryable=outcome.failure.retryable,
            retry_after=outcome.failure.retry_after,
            metadata=outcome.metadata,
        )
    if outcome.checkpoint is not None:
        data = outcome.checkpoint
        return StepResult(
            outcome="checkpoint",
            checkpoint=Checkpoint(data.cursor, data.items_processed, data.accumulated),
            metadata=outcome.metadata,
        )
    return StepResult(outcome="complete", result=outcome.result, metadata=outcome.metadata)


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run`` that also works inside a running loop, in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    values: list[T] = []
    errors: list[BaseException] = []
    surroundings = contextvars.copy_context()

    def target() -> None:
        try:
            values.append(surroundings.run(asyncio.run, coroutine))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=target, name="tasker-testing")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return values[0]


def not_found(name: str, known: list[str]) -> StepOutcome:
    """What Core answers for a callable that nobody registered, with a hint for the test."""
    listed = ", ".join(known) or "none"
    return outcomes.failed(
        f"no handler '{name}' is registered (registered: {listed}); import its module, or pass "
        f"handlers={{'{name}': …}}",
        outcomes.NOT_FOUND,
        retryable=False,
    )
