"""The seams for a web framework: values that it gives to handlers, and what it does around a step.

A framework package registers an `Injector` when it is imported, and passes an `AppContext` to the
runtime. Without either, handlers have Tasker's own parameters only.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .threads import RunSync

if TYPE_CHECKING:
    from tasker_core import StepContext


Around = Callable[["StepContext"], AbstractContextManager[Any]]
AsyncAround = Callable[["StepContext"], AbstractAsyncContextManager[Any]]


@dataclass(frozen=True)
class AppContext:
    """The application side of a step.

    Attributes:
        app: the application object; None outside an app.
        state: what the application left for its requests.
        overrides: used instead of the app's own overrides of dependencies when there is no app
            (tests).
        around_step: entered around a synchronous handler, in the handler's thread.
        around_async_step: entered around an asynchronous handler, on its event loop.
        run_sync: calls a synchronous handler; in a thread of the worker when left out.
        refuse: says why a result must not be stored; None when it may.
    """

    app: Any = None
    state: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[Callable[..., Any], Callable[..., Any]] | None = None
    around_step: Around | None = None
    around_async_step: AsyncAround | None = None
    run_sync: RunSync | None = None
    refuse: Callable[[Any], str | None] | None = None


@dataclass(frozen=True)
class Injection:
    """The parameters of one handler that a framework has to fill.

    Attributes:
        handler: the handler's name.
        fn: the handler's function.
        parameters: those that the injector claimed.
        context: Core's step context.
        app: the application side.
    """

    handler: str
    fn: Callable[..., Any]
    parameters: inspect.Signature
    context: StepContext
    app: AppContext


class DependencyProblem(Exception):
    """A dependency can never be had in a step; the step fails for good with this message."""


class Injector(Protocol):
    """Fills parameters by a framework's own rules, such as FastAPI's `Depends`."""

    def claims(self, marker: object) -> bool:
        """Whether something in an annotation, or a default, says that this injector fills it."""
        ...

    async def solve(self, injection: Injection, stack: AsyncExitStack) -> dict[str, Any]:
        """Return the values by name; what has to be closed is pushed on `stack`.

        Raises:
            DependencyProblem: a value cannot be had in a step at all.
        """
        ...


_injectors: list[Injector] = []


def register_injector(injector: Injector) -> None:
    """Let an injector claim the parameters of handlers that are decorated from now on."""
    _injectors.append(injector)


def injector_of(marker: object) -> Injector | None:
    """The injector that claims a marker; None if nobody does."""
    return next((injector for injector in _injectors if injector.claims(marker)), None)
