"""Resolves `Depends` parameters of handlers with FastAPI's own solver.

A handler has no request, so the solver gets a synthetic one: `request.app` and `request.state` are
the application's; headers, query and path parameters and a body do not exist, and a dependency
that asks for a required one makes the step fail for good.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import HTTPException, Request, params
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant, solve_dependencies
from tasker_contrib._internal.injection import (
    DependencyProblem,
    Injection,
    register_injector,
)


class _Overrides:
    """The shape that FastAPI looks for on an application."""

    def __init__(self, overrides: Mapping[Callable[..., Any], Callable[..., Any]]) -> None:
        self.dependency_overrides = dict(overrides)


#: Refusals that another try may not meet.
_MAY_PASS = frozenset({408, 425, 429})

_dependants: WeakKeyDictionary[Callable[..., Any], Dependant] = WeakKeyDictionary()


class DependsInjector:
    """Claims `Depends` (and `Security`, which is one)."""

    def claims(self, marker: object) -> bool:
        return isinstance(marker, params.Depends)

    async def solve(self, injection: Injection, stack: AsyncExitStack) -> dict[str, Any]:
        dependant = _dependants.get(injection.fn)
        if dependant is None:
            dependant = get_dependant(path="/", call=_carrier(injection.parameters))
            _dependants[injection.fn] = dependant
        app = injection.app
        try:
            solved = await solve_dependencies(
                request=Request(_scope(injection, stack)),
                dependant=dependant,
                dependency_overrides_provider=(
                    app.app if app.overrides is None else _Overrides(app.overrides)
                ),
                async_exit_stack=stack,
                embed_body_fields=False,
            )
        except HTTPException as refusal:
            if refusal.status_code >= 500 or refusal.status_code in _MAY_PASS:
                raise
            raise DependencyProblem(
                f"a dependency of handler {injection.handler!r} answered "
                f"{refusal.status_code}: {refusal.detail}"
            ) from refusal
        if solved.errors:
            paths = ", ".join(".".join(str(part) for part in e["loc"]) for e in solved.errors)
            raise DependencyProblem(
                f"a dependency of handler {injection.handler!r} needs {paths} from an HTTP "
                "request, and a step has none"
            )
        return solved.values


_injector = DependsInjector()


def register() -> None:
    """Let handlers have `Depends` parameters."""
    register_injector(_injector)


def _scope(injection: Injection, stack: AsyncExitStack) -> dict[str, Any]:
    """The request that FastAPI's solver sees."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "server": None,
        "client": None,
        "path": f"/{injection.handler}",
        "raw_path": f"/{injection.handler}".encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "path_params": {},
        "state": dict(injection.app.state),
        "tasker_step": injection.context,
        # Where FastAPI (0.118 and newer) puts the exits of generator dependencies.
        "fastapi_inner_astack": stack,
        "fastapi_function_astack": stack,
        "fastapi_middleware_astack": stack,
    }
    if injection.app.app is not None:
        scope["app"] = injection.app.app
    return scope


def _carrier(signature: inspect.Signature) -> Callable[..., Any]:
    """A function with just the `Depends` parameters, for FastAPI to analyse."""

    def carrier(**_: Any) -> None: ...

    carrier.__signature__ = signature  # type: ignore[attr-defined]
    return carrier
