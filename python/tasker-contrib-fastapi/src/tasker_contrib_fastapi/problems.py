"""Errors of the client as RFC 9457 problem responses."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from tasker_contrib.errors import TaskerBackpressure, TaskerClientError, TaskerValidationError

__all__ = ["ProblemRoute", "install_problem_handlers", "problem_response"]

_TYPE = "tag:tasker-contrib,2026:problem/"


def problem_response(error: TaskerClientError, instance: str | None = None) -> JSONResponse:
    """The `application/problem+json` answer for an error.

    Args:
        error: the error.
        instance: the path of the request.
    """
    kind = type(error).__name__.removeprefix("Tasker")
    body: dict[str, Any] = {
        "type": _TYPE + "".join(f"-{c.lower()}" if c.isupper() else c for c in kind).lstrip("-"),
        "title": error.title,
        "status": error.status,
        "detail": str(error),
    }
    if instance is not None:
        body["instance"] = instance
    if error.code is not None:
        body["code"] = error.code
    if isinstance(error, TaskerValidationError) and error.errors:
        body["errors"] = error.errors
    headers = {}
    if isinstance(error, TaskerBackpressure) and error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    return JSONResponse(
        body, status_code=error.status, headers=headers, media_type="application/problem+json"
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Answer `TaskerClientError`s that leave any route of the app as problem+json.

    Call it where the app is made. (A lifespan starts too late to add error handlers; the routes of
    `router` do not need this.)

    Example:
        ```python
        app = FastAPI(lifespan=tasker.lifespan())
        tasker.install_problem_handlers(app)
        ```
    """

    async def handle(request: Request, error: Exception) -> Response:
        assert isinstance(error, TaskerClientError)
        return problem_response(error, request.url.path)

    app.add_exception_handler(TaskerClientError, handle)


class ProblemRoute(APIRoute):
    """A route that answers `TaskerClientError`s as problem+json by itself."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler."""
        handler = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except TaskerClientError as error:
                return problem_response(error, request.url.path)

        return guarded
