"""The client for blocking code, such as Django's views."""

from __future__ import annotations

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
from .base import INITIATOR, SOURCE_SYSTEM, arguments_from
from .models import StepInfo, Task, TaskPage
from .schemas import Schemas
from .sync_operations import Operations
from .transport import BlockingTransport, options, proxy_problem


class SyncTaskerClient(Operations):
    """The calls of `TaskerClient`, blocking. Use it with `with`, or call `close`.

    Several threads may use one client. Arguments, results and errors are those of `TaskerClient`;
    `on_progress` of `wait` must be a plain function.

    Example:
        ```python
        with SyncTaskerClient("http://127.0.0.1:8080") as client:
            task = client.create_task("ship", {"order_id": 7}, namespace="shop")
        ```
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
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = auth_headers(token, api_key, api_key_header)
        try:
            http = httpx.Client(**options(base_url, headers, timeout, transport))
        except (ImportError, ValueError) as problem:
            raise proxy_problem(problem) from problem
        self._transport = BlockingTransport(http, base_url, max_retries, max_concurrency)
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def with_timeout(self, seconds: float) -> Self:
        """This client with another timeout; see `TaskerClient.with_timeout`."""
        other = copy.copy(self)
        other._transport = self._transport.with_timeout(seconds)
        return other

    def close(self) -> None:
        """Close the connections."""
        self._transport.http.close()

    def create_task(
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
        """Create a task; see `TaskerClient.create_task`."""
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
        return self._transport.run(call)

    def get_task(self, task: Task | UUID | str) -> Task:
        """Return a task's present state."""
        return self._transport.run(calls.get_task(task))

    def list_tasks(
        self,
        *,
        namespace: str | None = None,
        status: str | None = None,
        initiator: str | None = None,
        page: int = 1,
        per_page: int = 25,
    ) -> TaskPage:
        """Return a page of tasks, the newest first; see `TaskerClient.list_tasks`."""
        call = calls.list_tasks(namespace, status, initiator, page, per_page)
        return self._transport.run(call)

    def cancel_task(self, task: Task | UUID | str) -> Task:
        """Cancel a task; see `TaskerClient.cancel_task`."""
        return self._transport.run(calls.cancel_task(task))

    def steps(self, task: Task | UUID | str) -> list[StepInfo]:
        """Return the steps of a task with their results."""
        return self._transport.run(calls.steps(task))

    def wait(
        self,
        task: Task | UUID | str,
        *,
        timeout: float = 60.0,
        on_progress: Callable[[Task], Any] | None = None,
    ) -> Task:
        """Block until a task has ended; see `TaskerClient.wait`."""
        return self._transport.run(calls.wait(task, timeout, on_progress))

    def health(self) -> bool:
        """Whether the server answers; never raises."""
        try:
            response = self._transport.http.get("/health", timeout=2.0)
        except httpx.HTTPError:
            return False
        return response.status_code == 200
