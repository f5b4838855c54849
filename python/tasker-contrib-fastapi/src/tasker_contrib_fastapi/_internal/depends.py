"""Resolves `Depends` parameters of handlers with FastAPI's own solver.

A handler has no request, so the solver gets a synthetic one: `request.app` and `request.state` are
the application's; headers, query and path parameters and a body do not exist, and a dependency
that asks for a required one makes the step fail for good.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant, solve_dependencies
from tasker_core import StepContext

from .registry import Handler


@dataclass(frozen=True)
class AppContext:
    """The application side of a step.

    Attributes:
        app: the FastAPI application; its `dependency_overrides` apply. None outside an app.
        state: what the lifespan yielded; becomes `request.state`.
        overrides: used instead of the app's `dependency_overrides` when there is no app (tests).
    """

    app: Any = None
    state: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[Callable[..., Any], Callable[..., Any]] | None = None


class DependencyProblem(Exception):
    """A dependency asks for something that only an HTTP request has."""


class _Overrides:
    """The shape that FastAPI looks for on an application."""

    def __init__(self, overrides: Mapping[Callable[..., Any], Callable[..., Any]]) -> None:
        self.dependency_overrides = dict(overrides)


_dependants: WeakKeyDictionary[Callable[..., Any], Dependant] = WeakKeyDictionary()


async def solve(
    handler: Handler,
    signature: inspect.Signature,
    context: StepContext,
    app: AppContext,
    stack: AsyncExitStack,
) -> dict[str, Any]:
    """Return the values of all `Depends` parameters; generators are closed with `stack`."""
    dependant = _dependants.get(handler.fn)
    if dependant is None:
        dependant = get_dependant(path="/", call=_carrier(signature))
        _dependants[handler.fn] = dependant
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "server": None,
        "client": None,
        "path": f"/{handler.name}",
        "raw_path": f"/{handler.name}".encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "path_params": {},
        "state": dict(app.state),
        "tasker_step": context,
        # Where FastAPI (0.118 and newer) puts the exits of generator dependencies.
        "fastapi_inner_astack": stack,
        "fastapi_function_astack": stack,
        "fastapi_middleware_astack": stack,
    }
    if app.app is not None:
        scope["app"] = app.app
    provider = app.app if app.overrides is None else _Overrides(app.overrides)
    solved = await solve_dependencies(
        request=Request(scope),
        dependant=dependant,
        dependency_overrides_provider=provider,
        async_exit_stack=stack,
        embed_body_fields=False,
    )
    if solved.errors:
        paths = ", ".join(".".join(str(part) for part in e["loc"]) for e in solved.errors)
        raise DependencyProblem(
            f"a dependency of handler {handler.name!r} needs {paths} from an HTTP request, "
            "and a step has none"
        )
    return solved.values


def _carrier(signature: inspect.Signature) -> Callable[..., Any]:
    """A function with just the `Depends` parameters, for FastAPI to analyse."""

    def carrier(**_: Any) -> None: ...

    carrier.__signature__ = signature  # type: ignore[attr-defined]
    return carrier
