"""Decorators that turn functions into step handlers with typed inputs and results.

Example:
    ```python
    from typing import Annotated
    from pydantic import BaseModel
    from tasker_contrib import Input, Result, step_handler

    class Order(BaseModel):
        order_id: int

    @step_handler("shop.validate")
    async def validate(order: Annotated[Order, Input()]) -> Order:
        return order
    ```

The functions stay plain functions: call them in tests with plain arguments.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ._internal.current import step_context_var
from ._internal.lazy import attributes
from ._internal.markers import BatchResults, Config, IdempotencyKey, Input, Result
from ._internal.registry import Handler, registry
from ._internal.signature import analyse
from .batches import BatchContext, Checkpoint

if TYPE_CHECKING:
    from tasker_core import StepContext
    from tasker_core.step_handler.functional import BatchConfig, Decision

__all__ = [
    "BatchConfig",
    "BatchContext",
    "BatchResults",
    "Checkpoint",
    "Config",
    "Decision",
    "IdempotencyKey",
    "Input",
    "Result",
    "StepContext",
    "api_handler",
    "batch_analyzer",
    "batch_worker",
    "current_step",
    "decision_handler",
    "step_handler",
]

F = TypeVar("F", bound=Callable[..., Any])

if not TYPE_CHECKING:
    _functional = "tasker_core.step_handler.functional"
    __getattr__ = attributes(
        __name__,
        {"StepContext": "tasker_core", "BatchConfig": _functional, "Decision": _functional},
    )


def current_step() -> StepContext:
    """Return the context of the step being executed; usable in `Depends(current_step)`.

    Raises:
        RuntimeError: not called from a step handler or one of its dependencies.
    """
    context = step_context_var.get()
    if context is None:
        raise RuntimeError("current_step() is for step handlers and their dependencies")
    return context


def step_handler(name: str) -> Callable[[F], F]:
    """Register a function as the handler that templates call `name`.

    Args:
        name: exactly the `handler.callable` of the template.

    Raises:
        TypeError: a parameter of the function has no source; the message names it.

    Example:
        ```python
        @step_handler("etl.extract_csv")
        def extract(job: Annotated[Job, Input()]) -> Extracted: ...
        ```
    """
    return _decorator(name, "step")


def decision_handler(name: str) -> Callable[[F], F]:
    """Register a function that chooses which steps run next.

    The function returns `Decision.route(["step"], key=value)` or `Decision.skip("why")`.

    Args:
        name: exactly the `handler.callable` of the template's `type: decision` step.

    Raises:
        TypeError: as for `step_handler`.
    """
    return _decorator(name, "decision")


def batch_analyzer(name: str, *, worker: str) -> Callable[[F], F]:
    """Register a function that says how much work there is and how to cut it.

    The function returns `BatchConfig(total_items=…, batch_size=…)`; zero items run no worker.

    Args:
        name: exactly the `handler.callable` of the template's `type: batchable` step.
        worker: the name of the `type: batch_worker` step.

    Raises:
        TypeError: as for `step_handler`.
    """
    return _decorator(name, "batch_analyzer", {"worker": worker})


def batch_worker(name: str) -> Callable[[F], F]:
    """Register a function that processes one batch; a `BatchContext` parameter has the range.

    It is not called for the placeholder that Core runs when there is nothing to do. It may return
    a `Checkpoint` to store its progress and be called again.

    Args:
        name: exactly the `handler.callable` of the template's `type: batch_worker` step.

    Raises:
        TypeError: as for `step_handler`.
    """
    return _decorator(name, "batch_worker")


def api_handler(
    name: str,
    *,
    base_url: str = "",
    timeout: float = 30.0,
    headers: Mapping[str, str] | None = None,
) -> Callable[[F], F]:
    """Register a function that calls an HTTP API through a client it gets as a parameter.

    The parameter is typed `httpx.AsyncClient` (async functions) or `httpx.Client`. Errors that
    the client raises are classified: 408, 425, 429, 5xx and lost connections are retried (after
    `Retry-After`, if the server sent it), other 4xx are permanent.

    Args:
        name: exactly the `handler.callable` of the template.
        base_url: joined with relative URLs.
        timeout: seconds, for each request.
        headers: sent with each request.

    Raises:
        TypeError: as for `step_handler`.

    Example:
        ```python
        @api_handler("shop.rate", base_url="https://rates.example.com")
        async def rate(api: httpx.AsyncClient) -> Rate:
            response = await api.get("/eur")
            response.raise_for_status()
            return Rate.model_validate(response.json())
        ```
    """
    options = {"base_url": base_url, "timeout": timeout, "headers": dict(headers or {})}
    return _decorator(name, "api", options)


def _must_be_a_function(name: str, fn: Any) -> None:
    if not inspect.isroutine(fn) or inspect.ismethod(fn) or not hasattr(fn, "__dict__"):
        raise TypeError(
            f"handler {name!r}: {fn!r} is not a function; decorate a `def` or an `async def` "
            "that calls it"
        )


def _decorator(name: str, kind: str, options: dict[str, Any] | None = None) -> Callable[[F], F]:
    if not isinstance(name, str) or not name.strip():
        raise TypeError("a handler needs the name that the task template calls it by")

    def register(fn: F) -> F:
        _must_be_a_function(name, fn)
        # Names local to the scope of the decorated function, as pydantic resolves them.
        localns = dict(sys._getframe(1).f_locals)
        signature = analyse(fn, name, kind=kind, localns=localns)
        handler = Handler(name=name, fn=fn, kind=kind, signature=signature, options=options or {})
        registry.add(handler)
        fn.__tasker_handler__ = handler  # type: ignore[attr-defined]
        return fn

    return register
