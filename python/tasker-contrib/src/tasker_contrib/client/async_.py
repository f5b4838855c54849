"""The client for asynchronous code."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from pydantic import BaseModel
from typing_extensions import Self

from ..settings import TaskerSettings
from . import calls
from .answers import auth_headers
from .async_operations import AsyncOperations
from .base import INITIATOR, SOURCE_SYSTEM, arguments_from
from .models import StepInfo, Task, TaskPage
from .schemas import Schemas
from .transport import AsyncTransport, options, proxy_problem


class TaskerClient(AsyncOperations):
    """Calls the orchestration server. Use it with `async with`, or call `aclose`.

    One client belongs to one event loop. In an app, take it from the framework's package.

    Args:
        base_url: of the server, such as `http://127.0.0.1:8080`.
        token: bearer token.
        api_key: API key; sent in `api_key_header`.
        api_key_header: the header's name.
        timeout: seconds for one HTTP request.
        max_retries: repetitions when the server is away or overloaded.
        max_concurrency: requests in flight; more wait. The server's connection pool must be
            larger: it needs two connections for each task that is being created.
        templates: directory of task templates; `create_task` checks the context against
            `input_schema` for the templates found there (the server has the schemas, but never
            checks them and does not give them out).
        initiator: default initiator of tasks.
        source_system: default source system of tasks.
        transport: for tests.

    Raises:
        TaskerUnavailable: the environment names a proxy that cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        api_key: str | None = None,
        api_key_header: str = "X-API-Key",
        timeout: float = 30.0,
        max_retries: int = 3,
        max_concurrency: int = 16,
        templates: Path | None = None,
        initiator: str = INITIATOR,
        source_system: str = SOURCE_SYSTEM,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = auth_headers(token, api_key, api_key_header)
        try:
            http = httpx.AsyncClient(**options(base_url, headers, timeout, transport))
        except (ImportError, ValueError) as problem:
            raise proxy_problem(problem) from problem
        self._transport = AsyncTransport(http, base_url, max_retries, max_concurrency)
        self._origin = calls.Origin(initiator, source_system)
        self._schemas = Schemas(templates)

    @classmethod
    def from_settings(
        cls,
        settings: TaskerSettings,
        *,
        initiator: str = INITIATOR,
        source_system: str = SOURCE_SYSTEM,
    ) -> Self:
        """A client with the settings of an app."""
        arguments = arguments_from(settings)
        return cls(**arguments, initiator=initiator, source_system=source_system)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def with_timeout(self, seconds: float) -> Self:
        """This client, over the same connections, with another timeout for each request.

        Example:
            ```python
            task = await client.with_timeout(2.0).get_task(task_uuid)
            ```
        """
        other = copy.copy(self)
        other._transport = self._transport.with_timeout(seconds)
        return other

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.http.aclose()

    async def create_task(
        self,
        name: str,
        context: Mapping[str, Any] | BaseModel | None = None,
        *,
        namespace: str = "default",
        version: str = "1.0.0",
        idempotent: bool = False,
        initiator: str | None = None,
        source_system: str | None = None,
        reason: str = "requested by the application",
        priority: int | None = None,
        tags: list[str] | None = None,
        correlation_id: UUID | str | None = None,
        parent_correlation_id: UUID | str | None = None,
    ) -> Task:
        """Create a task.

        Tasker takes the same template with the same context only once, ever: put something unique
        into the context, or use `idempotent`.

        Args:
            name: the template's name.
            context: a JSON object or a pydantic model; the handlers' input.
            namespace: the template's namespace.
            version: the template's version, exactly.
            idempotent: return the existing task when there is one already.
            initiator: who asks for it.
            source_system: where the request comes from.
            reason: why, for people.
            priority: -100 to 100.
            tags: free words.
            correlation_id: to follow a request through systems; the server makes one.
            parent_correlation_id: of the request that led to this one.

        Returns:
            The new task, or the existing one.

        Raises:
            TaskerValidationError: the context does not match the template's `input_schema`.
            TaskerNotFound: no worker has registered this template with this version.
            TaskerConflict: it exists (not `idempotent`, or the existing one cannot be found).
            TaskerBackpressure, TaskerUnavailable: also after repetitions.
            TaskerClientError: other answers of the server.
        """
        if not self._schemas.is_loaded:
            await asyncio.to_thread(self._schemas.load)
        call = calls.create_task(
            self._schemas,
            self._origin,
            name,
            context,
            namespace=namespace,
            version=version,
            idempotent=idempotent,
            initiator=initiator,
            source_system=source_system,
            reason=reason,
            priority=priority,
            tags=tags,
            correlation_id=correlation_id,
            parent_correlation_id=parent_correlation_id,
        )
        return await self._transport.run(call)

    async def get_task(self, task: Task | UUID | str) -> Task:
        """Return a task's present state.

        Raises:
            TaskerNotFound: no such task.
            TaskerValidationError: not a UUID.
        """
        return await self._transport.run(calls.get_task(task))

    async def list_tasks(
        self,
        *,
        namespace: str | None = None,
        status: str | None = None,
        initiator: str | None = None,
        page: int = 1,
        per_page: int = 25,
    ) -> TaskPage:
        """Return a page of tasks, the newest first.

        The server's lists do not have the state of a task that is not complete: each of these is
        asked for.

        Args:
            namespace: only of this namespace.
            status: `complete`, or `incomplete` for the tasks in all other states.
            initiator: only those that this one created.
            page: from 1.
            per_page: 1 to 100.

        Raises:
            TaskerValidationError: another status, or a page out of range.
        """
        call = calls.list_tasks(namespace, status, initiator, page, per_page)
        return await self._transport.run(call)

    async def cancel_task(self, task: Task | UUID | str) -> Task:
        """Cancel a task; steps that run are not interrupted.

        Raises:
            TaskerNotFound: no such task.
            TaskerValidationError: it has ended already.
        """
        return await self._transport.run(calls.cancel_task(task))

    async def steps(self, task: Task | UUID | str) -> list[StepInfo]:
        """Return the steps of a task with their results.

        Raises:
            TaskerNotFound: no such task.
        """
        return await self._transport.run(calls.steps(task))

    async def wait(
        self,
        task: Task | UUID | str,
        *,
        timeout: float = 60.0,
        on_progress: Callable[[Task], Any] | None = None,
    ) -> Task:
        """Wait until a task has ended; see `END_STATES`.

        The server is asked often at first and after changes, up to every two seconds later.

        Args:
            task: the task or its UUID.
            timeout: seconds.
            on_progress: called with the task whenever its state or its counts changed; sync or
                async.

        Returns:
            The ended task. It may have failed: look at `succeeded`.

        A server that is away meanwhile is waited for, too.

        Raises:
            TaskerTimeout: it has not ended in time (it goes on).
            TaskerUnavailable: the server is still away when the time is over.
            TaskerNotFound: no such task.
        """
        return await self._transport.run(calls.wait(task, timeout, on_progress))

    async def health(self) -> bool:
        """Whether the server answers; never raises."""
        try:
            response = await self._transport.http.get("/health", timeout=2.0)
        except httpx.HTTPError:
            return False
        return response.status_code == 200
