"""An async client of the orchestration server's REST API. Needs no native worker.

Core's own `TaskerClient` works only where a worker runs, and stops the whole interpreter during
each call; this one is for request handlers.

Example:
    ```python
    @app.post("/orders")
    async def order(body: Order, tasks: TaskerClientDep) -> dict[str, str]:
        task = await tasks.create_task("ship", body, namespace="shop")
        return {"task_uuid": task.task_uuid}
    ```
"""

from __future__ import annotations

import asyncio
import inspect
import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import jsonschema
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import to_jsonable_python
from typing_extensions import Self

from ._internal import metrics
from ._internal.http import retry_after as parse_retry_after
from ._internal.names import did_you_mean
from .errors import (
    TaskerBackpressure,
    TaskerClientError,
    TaskerConflict,
    TaskerNotFound,
    TaskerPermissionError,
    TaskerServerError,
    TaskerTimeout,
    TaskerUnavailable,
    TaskerValidationError,
)
from .settings import TaskerSettings
from .templates import load_templates

__all__ = ["END_STATES", "StepInfo", "Task", "TaskPage", "TaskerClient"]

#: States in which nothing more happens by itself.
END_STATES = frozenset(
    {"complete", "error", "cancelled", "resolved_manually", "blocked_by_failures"}
)

#: The words of the server's list, which knows two.
_LISTED = {"complete": "completed", "incomplete": "pending"}

_RETRY_STATUS = frozenset({502, 503, 504})
_LONGEST_RETRY_WAIT = 5.0
_SEARCH_PAGES = 20


class Task(BaseModel):
    """A task as the server describes it; fields that are not listed here are kept.

    The server's answers differ in their words for the same thing; here they are one: `complete`
    (its lists say `completed`), `step_uuid` of a step (`workflow_step_uuid` after a creation).

    Attributes:
        status: the task's state, such as `steps_in_process`, `blocked_by_failures` or `complete`.
        completed_at: when the task became `complete`; None in other states.
        recommended_action: what moves the task on, such as `handle_failures`; None when it is
            `complete`.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    task_uuid: str
    name: str
    namespace: str
    version: str
    status: str
    created_at: datetime | None = None
    completed_at: datetime | None = None
    context: dict[str, Any] = {}
    correlation_id: str | None = None
    total_steps: int = 0
    completed_steps: int = 0
    failed_steps: int = 0
    in_progress_steps: int = 0
    execution_status: str | None = None
    recommended_action: str | None = None
    completion_percentage: float = 0.0

    @model_validator(mode="before")
    @classmethod
    def _in_one_vocabulary(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        task = dict(data)
        if task.get("status") == "completed":
            task["status"] = "complete"
        if task.get("status") == "complete":
            # The server never fills it in. It writes to a task for the last time to complete it.
            task["completed_at"] = task.get("completed_at") or task.get("updated_at")
            task["recommended_action"] = None
        if isinstance(task.get("steps"), list):
            task["steps"] = [_with_step_uuid(step) for step in task["steps"]]
        return task

    @property
    def ended(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.status in END_STATES

    @property
    def succeeded(self) -> bool:
        """Whether all steps are complete."""
        return self.status == "complete"


def _with_step_uuid(step: Any) -> Any:
    if not isinstance(step, Mapping) or "workflow_step_uuid" not in step:
        return step
    rest = {name: value for name, value in step.items() if name != "workflow_step_uuid"}
    return {"step_uuid": step["workflow_step_uuid"], **rest}


class StepInfo(BaseModel):
    """A step of a task as the server describes it.

    Attributes:
        current_state: such as `in_progress`, `waiting_for_retry` or `complete`.
        attempts: executions so far.
        results: what the last execution left: `result`, `error`, `metadata`, …; None before it.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    step_uuid: str
    task_uuid: str
    name: str
    current_state: str
    attempts: int = 0
    max_attempts: int | None = None
    created_at: datetime | None = None
    last_attempted_at: datetime | None = None
    completed_at: datetime | None = None
    results: dict[str, Any] | None = None

    @property
    def result(self) -> Any:
        """The handler's result; None without one."""
        return (self.results or {}).get("result")

    @property
    def error(self) -> dict[str, Any] | None:
        """`message`, `error_type`, `retryable`, … of the last failure; None without one."""
        return (self.results or {}).get("error")


class TaskPage(BaseModel):
    """One page of a list of tasks."""

    tasks: list[Task]
    page: int
    per_page: int
    total: int
    has_next: bool


class TaskerClient:
    """Calls the orchestration server. Use it with `async with`, or call `aclose`.

    One client belongs to one event loop. In an app, take it from `TaskerClientDep`.

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
        initiator: str = "tasker-contrib",
        source_system: str = "python",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = auth_headers(token, api_key, api_key_header)
        self._http = httpx.AsyncClient(
            base_url=base_url, headers=headers, timeout=timeout, transport=transport
        )
        self._base_url = base_url
        self._max_retries = max_retries
        self._slots = asyncio.Semaphore(max_concurrency)
        self._templates = templates
        self._initiator = initiator
        self._source_system = source_system
        self._schemas: dict[tuple[str, str, str], Mapping[str, Any] | None] | None = None

    @classmethod
    def from_settings(
        cls,
        settings: TaskerSettings,
        *,
        initiator: str = "tasker-contrib",
        source_system: str = "python",
    ) -> Self:
        """A client with the settings of an app."""
        orchestration = settings.orchestration
        token, key = orchestration.token, orchestration.api_key
        retries, timeout_ms = orchestration.max_retries, orchestration.timeout_ms
        return cls(
            settings.orchestration_url,
            token=token.get_secret_value() if token else None,
            api_key=key.get_secret_value() if key else None,
            api_key_header=orchestration.api_key_header,
            timeout=30.0 if timeout_ms is None else timeout_ms / 1000,
            max_retries=3 if retries is None else retries,
            max_concurrency=orchestration.max_concurrency,
            templates=settings.templates,
            initiator=initiator,
            source_system=source_system,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    # --- tasks --------------------------------------------------------------------------------

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
        payload = _context(context)
        self._check_schema(namespace, name, version, payload)
        body: dict[str, Any] = {
            "name": name,
            "namespace": namespace,
            "version": version,
            "context": payload,
            "initiator": initiator or self._initiator,
            "source_system": source_system or self._source_system,
            "reason": reason,
        }
        optional = {
            "priority": priority,
            "tags": tags,
            "correlation_id": str(correlation_id) if correlation_id else None,
            "parent_correlation_id": str(parent_correlation_id) if parent_correlation_id else None,
        }
        body |= {key: value for key, value in optional.items() if value is not None}
        lost_answers: list[bool] = []
        try:
            answer = await self._call(
                "create_task", "POST", "/v1/tasks", json=body, lost=lost_answers
            )
        except TaskerConflict as conflict:
            # A repetition after a lost answer meets the task that the first try created.
            if not (idempotent or lost_answers):
                raise
            existing = await self._find(name, namespace, version, payload)
            if existing is None:
                raise TaskerConflict(
                    f"task {namespace}/{name} {version} exists with this context, but is not "
                    f"among the newest {_SEARCH_PAGES * 100} tasks of the namespace",
                    code=conflict.code,
                ) from conflict
            return existing
        except TaskerNotFound as missing:
            raise TaskerNotFound(
                f"template {namespace}/{name} {version} is not registered: a worker registers its "
                f"templates when it starts{self._template_hint(namespace, name, version)}",
                code=missing.code,
            ) from missing
        return Task.model_validate(answer)

    async def get_task(self, task: Task | UUID | str) -> Task:
        """Return a task's present state.

        Raises:
            TaskerNotFound: no such task.
            TaskerValidationError: not a UUID.
        """
        answer = await self._call("get_task", "GET", f"/v1/tasks/{_uuid(task)}")
        return Task.model_validate(answer)

    async def list_tasks(
        self,
        *,
        namespace: str | None = None,
        status: str | None = None,
        page: int = 1,
        per_page: int = 25,
    ) -> TaskPage:
        """Return a page of tasks, the newest first.

        The server's lists do not have the state of a task that is not complete: each of these is
        asked for.

        Args:
            namespace: only of this namespace.
            status: `complete`, or `incomplete` for the tasks in all other states.
            page: from 1.
            per_page: 1 to 100.

        Raises:
            TaskerValidationError: another status, or a page out of range.
        """
        found = await self._list(namespace, status, page, per_page)
        tasks = await asyncio.gather(*(self._with_state(task) for task in found.tasks))
        return found.model_copy(update={"tasks": tasks})

    async def _with_state(self, task: Task) -> Task:
        if task.status == "complete":
            return task
        try:
            current = await self.get_task(task)
        except TaskerNotFound:
            return task  # deleted since
        return Task.model_validate({**current.model_dump(), "steps": []})  # as the others

    async def _list(
        self, namespace: str | None, status: str | None, page: int, per_page: int
    ) -> TaskPage:
        if status is not None and status not in _LISTED:
            raise TaskerValidationError(
                f"status must be 'complete' or 'incomplete', not {status!r}"
            )
        if not 1 <= per_page <= 100 or page < 1:
            raise TaskerValidationError("per_page must be 1 to 100, page 1 or more")
        params: dict[str, str | int] = {"page": page, "per_page": per_page}
        if namespace is not None:
            params["namespace"] = namespace
        if status is not None:
            params["status"] = _LISTED[status]
        answer = await self._call("list_tasks", "GET", "/v1/tasks", params=params)
        pagination = answer.get("pagination") or {}
        return TaskPage(
            tasks=answer.get("tasks") or [],
            page=pagination.get("page", page),
            per_page=pagination.get("per_page", per_page),
            total=pagination.get("total_count", 0),
            has_next=bool(pagination.get("has_next")),
        )

    async def cancel_task(self, task: Task | UUID | str) -> Task:
        """Cancel a task; steps that run are not interrupted.

        Raises:
            TaskerNotFound: no such task.
            TaskerValidationError: it has ended already.
        """
        await self._call("cancel_task", "DELETE", f"/v1/tasks/{_uuid(task)}")
        return await self.get_task(task)

    async def steps(self, task: Task | UUID | str) -> list[StepInfo]:
        """Return the steps of a task with their results.

        Raises:
            TaskerNotFound: no such task.
        """
        answer = await self._call("steps", "GET", f"/v1/tasks/{_uuid(task)}/workflow_steps")
        return [StepInfo.model_validate(item) for item in answer]

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

        Raises:
            TaskerTimeout: it has not ended in time (it goes on).
            TaskerNotFound: no such task.
        """
        end = time.monotonic() + timeout
        pause = 0.05
        seen: tuple[Any, ...] | None = None
        while True:
            current = await self.get_task(task)
            state = (
                current.status,
                current.total_steps,
                current.completed_steps,
                current.failed_steps,
                current.in_progress_steps,
            )
            if state != seen:
                seen, pause = state, 0.05
                if on_progress is not None:
                    called = on_progress(current)
                    if inspect.isawaitable(called):
                        await called
            if current.ended:
                return current
            left = end - time.monotonic()
            if left <= 0:
                raise TaskerTimeout(
                    f"task {current.task_uuid} is still {current.status!r} after {timeout:g} s "
                    f"({current.completed_steps} of {current.total_steps} steps complete)"
                )
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 1.5, 2.0)

    async def health(self) -> bool:
        """Whether the server answers; never raises."""
        try:
            response = await self._http.get("/health", timeout=2.0)
        except httpx.HTTPError:
            return False
        return response.status_code == 200

    # --- details ------------------------------------------------------------------------------

    async def _find(
        self, name: str, namespace: str, version: str, context: dict[str, Any]
    ) -> Task | None:
        for page in range(1, _SEARCH_PAGES + 1):
            found = await self._list(namespace, None, page, 100)
            for task in found.tasks:
                if (task.name, task.version, task.context) == (name, version, context):
                    return await self.get_task(task)
            if not found.has_next:
                break
        return None

    async def _call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        lost: list[bool] | None = None,
    ) -> Any:
        try:
            async with self._slots:
                answer = await self._repeat(method, path, params, json, lost)
        except TaskerClientError as error:
            metrics.client_requests.labels(operation, type(error).__name__).inc()
            raise
        metrics.client_requests.labels(operation, "ok").inc()
        return answer

    async def _repeat(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        json: Any,
        lost: list[bool] | None,
    ) -> Any:
        attempt = 0
        while True:
            wait = min(0.2 * 2**attempt, _LONGEST_RETRY_WAIT) * random.uniform(0.75, 1.25)
            error: TaskerClientError
            try:
                response = await self._http.request(method, path, params=params, json=json)
            except httpx.TransportError as problem:
                if lost is not None and not isinstance(
                    problem, (httpx.ConnectError, httpx.ConnectTimeout)
                ):
                    lost.append(True)
                error = TaskerUnavailable(
                    f"the orchestration server at {self._base_url} cannot be reached: "
                    f"{type(problem).__name__} {problem}".rstrip(". ")
                    + "; is it running, and is orchestration.url (TASKER_ORCHESTRATION_URL) right?"
                )
            else:
                if response.is_success:
                    return response.json()
                error = _error(response)
                if lost is not None and response.status_code == 500:
                    # The server answers this when creations exhaust its pool; whether this one
                    # was stored is unknown. The context tells: trying again is safe.
                    lost.append(True)
                elif response.status_code not in _RETRY_STATUS:
                    raise error
                asked = error.retry_after if isinstance(error, TaskerBackpressure) else None
                if asked is not None:
                    if asked > _LONGEST_RETRY_WAIT:
                        raise error
                    wait = asked
            if attempt >= self._max_retries:
                raise error
            attempt += 1
            await asyncio.sleep(wait)

    def _check_schema(
        self, namespace: str, name: str, version: str, context: dict[str, Any]
    ) -> None:
        schema = self._local().get((namespace, name, version))
        if schema is None:
            return
        validator = jsonschema.Draft202012Validator(schema)
        errors = sorted(validator.iter_errors(context), key=lambda e: list(map(str, e.path)))
        if errors:
            texts = [
                f"{'.'.join(map(str, error.path)) or '(context)'}: {error.message}"
                for error in errors
            ]
            raise TaskerValidationError(
                f"the context does not match the input_schema of {namespace}/{name} {version}: "
                + "; ".join(texts),
                code="INPUT_SCHEMA",
                errors=texts,
            )

    def _local(self) -> dict[tuple[str, str, str], Mapping[str, Any] | None]:
        if self._schemas is None:
            self._schemas = {}
            if self._templates is not None and self._templates.is_dir():
                for template in load_templates(self._templates).templates:
                    key = (template.namespace, template.name, template.version)
                    self._schemas[key] = template.input_schema
        return self._schemas

    def _template_hint(self, namespace: str, name: str, version: str) -> str:
        known = [" ".join(("/".join(key[:2]), key[2])) for key in self._local()]
        wanted = f"{namespace}/{name} {version}"
        if wanted in known:
            return "; it is in the template directory: is a worker running?"
        return did_you_mean(wanted, known)


def auth_headers(token: str | None, api_key: str | None, header: str) -> dict[str, str]:
    """Headers that carry the credentials."""
    if token:
        return {"Authorization": f"Bearer {token}"}
    return {header: api_key} if api_key else {}


def _context(context: Mapping[str, Any] | BaseModel | None) -> dict[str, Any]:
    if context is None:
        return {}
    value = to_jsonable_python(context)
    if not isinstance(value, dict):
        raise TaskerValidationError("the context must be a JSON object")
    return value


def _uuid(task: Task | UUID | str) -> str:
    text = task.task_uuid if isinstance(task, Task) else str(task)
    try:
        return str(UUID(text))
    except ValueError:
        raise TaskerValidationError(f"{text!r} is not the UUID of a task") from None


def _error(response: httpx.Response) -> TaskerClientError:
    """The exception for an answer that is not a success."""
    code: str | None = None
    message = response.text.strip() or response.reason_phrase
    try:
        details = response.json()["error"]
        code, message = str(details["code"]), str(details["message"])
    except (ValueError, KeyError, TypeError):
        pass  # the server's own framework answers some errors as plain text
    message = f"{message[:500]} (HTTP {response.status_code})"
    status = response.status_code
    if status == 404:
        return TaskerNotFound(message, code=code)
    if status == 409:
        return TaskerConflict(message, code=code)
    if status in (401, 403):
        return TaskerPermissionError(message, code=code)
    if status == 503:
        after = parse_retry_after(response.headers.get("retry-after"))
        return TaskerBackpressure(message, code=code, retry_after=after)
    if status in (502, 504):
        return TaskerUnavailable(message, code=code)
    if status >= 500 or status == 408:
        return TaskerServerError(message, code=code)
    return TaskerValidationError(message, code=code)
