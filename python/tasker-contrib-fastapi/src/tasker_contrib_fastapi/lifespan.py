"""The lifespan that starts and stops Tasker with an app.

Example:
    ```python
    import tasker_contrib_fastapi as tasker
    from fastapi import FastAPI

    app = FastAPI(lifespan=tasker.lifespan())
    ```
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection
from tasker_contrib._internal import native
from tasker_contrib._internal.console import log_to_server_if_unconfigured
from tasker_contrib._internal.injection import AppContext
from tasker_contrib._internal.mode import decision
from tasker_contrib._internal.state import TaskerState
from tasker_contrib.client import TaskerClient
from tasker_contrib.errors import TaskerConfigError, TaskerContribError
from tasker_contrib.settings import TaskerSettings

from ._internal import depends
from ._internal.startup_report import without_traceback

__all__ = ["TaskerClientDep", "TaskerState", "get_client", "lifespan"]

logger = logging.getLogger("tasker_contrib")

# Handlers may have `Depends` parameters as soon as this package is imported.
depends.register()

Lifespan = Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any] | None]]


def lifespan(
    settings: TaskerSettings | None = None, *, wrap: Lifespan | None = None
) -> Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, Any]]]:
    """Return a lifespan for `FastAPI(lifespan=…)`.

    It starts after the startup of `wrap` and drains before its teardown, so handlers may use what
    `wrap` sets up. The state that `wrap` yields is kept; `tasker` is added. A start that fails
    stops the app.

    Args:
        settings: read from the environment and `tasker.toml` when the app starts, if not given.
        wrap: the app's own lifespan.

    Example:
        ```python
        @asynccontextmanager
        async def resources(app: FastAPI) -> AsyncIterator[dict[str, object]]:
            async with create_pool() as pool:
                yield {"pool": pool}

        app = FastAPI(lifespan=tasker.lifespan(wrap=resources))
        ```
    """

    @asynccontextmanager
    async def tasker_lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with AsyncExitStack() as stack:
            state: dict[str, Any] = {}
            if wrap is not None:
                yielded: Mapping[str, Any] | None = await stack.enter_async_context(wrap(app))
                state.update(yielded or {})
            try:
                state["tasker"] = await _enter(app, settings or TaskerSettings(), state, stack)
            except TaskerContribError as error:
                without_traceback(error)
                raise
            yield state

    return tasker_lifespan


async def _enter(
    app: FastAPI, settings: TaskerSettings, state: Mapping[str, Any], stack: AsyncExitStack
) -> TaskerState:
    decided = decision(settings, forked_from=native.forked_from())
    mode, facts = decided.mode, decided.facts
    log_to_server_if_unconfigured()
    logger.info("tasker: %s (%s)", mode, decided.reason)
    if mode == "off":
        return TaskerState(mode, settings, None, None)
    client = await stack.enter_async_context(_client(settings))
    if mode == "client":
        return TaskerState(mode, settings, client, None)

    if not facts.database_configured:
        raise TaskerConfigError(
            "database.url is not set, and a worker needs it: export "
            "DATABASE_URL=postgresql://user:password@host:port/database"
        )

    # Here, because it needs Core's native library, and the other modes do not.
    from tasker_contrib._internal import runtime

    # In a process of its own the handlers share the app's loop, so that what the lifespan made
    # (pools, sessions) works in them. In a web process they have a loop thread of their own.
    loop = asyncio.get_running_loop() if facts.standalone else None
    # In steps `tasker` is what the worker has: the app's client belongs to the app's loop.
    context = AppContext(app=app, state={**state, "tasker": None})
    worker = runtime.acquire(
        settings, loop=loop, standalone=facts.standalone, make_client=_client, app=context
    )
    tasker_state = TaskerState(mode, settings, client, worker)

    async def leave() -> None:
        # In a thread: the app's loop must go on while the last steps end.
        await asyncio.to_thread(runtime.release, worker)
        worker.remove_app(context)

    stack.push_async_callback(leave)
    return tasker_state


def _client(settings: TaskerSettings) -> TaskerClient:
    return TaskerClient.from_settings(
        settings, initiator="tasker-contrib-fastapi", source_system="fastapi"
    )


async def get_client(connection: HTTPConnection) -> TaskerClient:
    """Dependency: the client of the app; in handlers, the worker's.

    Raises:
        TaskerContribError: the app has no Tasker lifespan, or the mode is off.
    """
    state = getattr(connection.state, "tasker", None)
    if state is None:
        raise TaskerContribError(
            "this app has no Tasker: make it with FastAPI(lifespan=tasker.lifespan()) "
            "(a TestClient starts the lifespan only when used with `with`)"
        )
    if state.client is None:
        raise TaskerContribError("tasker mode is 'off' in this process: there is no client")
    client: TaskerClient = state.client
    return client


TaskerClientDep = Annotated[TaskerClient, Depends(get_client)]
