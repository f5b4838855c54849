"""The calls of the client, written once for the async and the sync one.

A call is a generator. It yields what it wants done (`Send`, `Pause`, `Together`, `Notify`) and gets
the result back; `async_.py` and `sync.py` do it in their own way and decide nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel

from ..errors import (
    TaskerBackpressure,
    TaskerClientError,
    TaskerConflict,
    TaskerNotFound,
    TaskerServerError,
    TaskerTimeout,
    TaskerUnavailable,
    TaskerValidationError,
)
from .context import task_context
from .models import StepInfo, Task, TaskPage
from .schemas import Schemas

T = TypeVar("T")
Call = Generator["Effect", Any, T]

#: The words of the server's list, which knows two.
_LISTED = {"complete": "completed", "incomplete": "pending"}
_SEARCH_PAGES = 20
#: What passes by itself, when the server is started again.
_PASSING = (TaskerUnavailable, TaskerBackpressure, TaskerServerError)


@dataclass(frozen=True)
class Send:
    """A request; the answer is its JSON.

    Attributes:
        operation: the name of the call, for the metric.
        method: of HTTP.
        path: below the base URL.
        params: the query.
        json: the body.
        lost: gets an entry for each try of which it is unknown whether the server did it; None
            when a repetition does no harm.
    """

    operation: str
    method: str
    path: str
    params: Mapping[str, str | int] | None = None
    json: Any = None
    lost: list[bool] | None = None


@dataclass(frozen=True)
class Pause:
    """Wait for some seconds."""

    seconds: float


@dataclass(frozen=True)
class Notify:
    """Call a function of the user."""

    function: Callable[[Task], Any]
    task: Task


@dataclass(frozen=True)
class Together:
    """Several calls, at the same time if that can be; the answer is a list of their results."""

    calls: list[Call[Any]] = field(default_factory=list)


Effect = Send | Pause | Notify | Together


@dataclass(frozen=True)
class Origin:
    """Who creates tasks, unless a call says otherwise."""

    initiator: str
    source_system: str


def create_task(
    schemas: Schemas,
    origin: Origin,
    name: str,
    context: Mapping[str, Any] | BaseModel | None,
    *,
    namespace: str,
    version: str,
    idempotent: bool,
    initiator: str | None,
    source_system: str | None,
    reason: str,
    priority: int | None,
    tags: list[str] | None,
    correlation_id: UUID | str | None,
    parent_correlation_id: UUID | str | None,
) -> Call[Task]:
    """Create a task, or find the one that is there."""
    payload = task_context(context)
    schemas.check(namespace, name, version, payload)
    body: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "version": version,
        "context": payload,
        "initiator": initiator or origin.initiator,
        "source_system": source_system or origin.source_system,
        "reason": reason,
    }
    optional = {
        "priority": priority,
        "tags": tags,
        "correlation_id": str(correlation_id) if correlation_id else None,
        "parent_correlation_id": str(parent_correlation_id) if parent_correlation_id else None,
    }
    body |= {key: value for key, value in optional.items() if value is not None}
    lost: list[bool] = []
    try:
        answer = yield Send("create_task", "POST", "/v1/tasks", json=body, lost=lost)
    except TaskerConflict as conflict:
        # A repetition after a lost answer meets the task that the first try created.
        if not (idempotent or lost):
            raise
        existing = yield from _find(name, namespace, version, payload)
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
            f"templates when it starts{schemas.hint(namespace, name, version)}",
            code=missing.code,
        ) from missing
    return Task.model_validate(answer)


def get_task(task: Task | UUID | str) -> Call[Task]:
    """The present state of a task."""
    answer = yield Send("get_task", "GET", f"/v1/tasks/{uuid_of(task)}")
    return Task.model_validate(answer)


def list_tasks(
    namespace: str | None, status: str | None, initiator: str | None, page: int, per_page: int
) -> Call[TaskPage]:
    """A page of tasks; the state of each that is not complete is asked for."""
    found = yield from _list(namespace, status, initiator, page, per_page)
    tasks = yield Together([_with_state(task) for task in found.tasks])
    return found.model_copy(update={"tasks": tasks})


def cancel_task(task: Task | UUID | str) -> Call[Task]:
    """Cancel a task."""
    lost: list[bool] = []
    try:
        yield Send("cancel_task", "DELETE", f"/v1/tasks/{uuid_of(task)}", lost=lost)
    except TaskerValidationError:
        # A repetition after a lost answer meets the task that the first try cancelled.
        current = yield from get_task(task)
        if not lost or current.status != "cancelled":
            raise
        return current
    return (yield from get_task(task))


def steps(task: Task | UUID | str) -> Call[list[StepInfo]]:
    """The steps of a task."""
    answer = yield Send("steps", "GET", f"/v1/tasks/{uuid_of(task)}/workflow_steps")
    return [StepInfo.model_validate(item) for item in answer]


def wait(
    task: Task | UUID | str, timeout: float, on_progress: Callable[[Task], Any] | None
) -> Call[Task]:
    """Ask until a task has ended. A server that is away for a while is waited for."""
    end = time.monotonic() + timeout
    pause = 0.05
    seen: tuple[Any, ...] | None = None
    while True:
        current: Task | None = None
        problem: TaskerClientError | None = None
        try:
            current = yield from get_task(task)
        except _PASSING as passing:
            problem = passing
        if current is not None:
            state = _progress(current)
            if state != seen:
                seen, pause = state, 0.05
                if on_progress is not None:
                    yield Notify(on_progress, current)
            if current.ended:
                return current
        left = end - time.monotonic()
        if left <= 0:
            if problem is not None:
                raise problem
            assert current is not None
            raise TaskerTimeout(
                f"task {current.task_uuid} is still {current.status!r} after {timeout:g} s "
                f"({current.completed_steps} of {current.total_steps} steps complete)"
            )
        yield Pause(min(pause, left))
        pause = min(pause * 1.5, 2.0)


def _progress(task: Task) -> tuple[Any, ...]:
    return (
        task.status,
        task.total_steps,
        task.completed_steps,
        task.failed_steps,
        task.in_progress_steps,
    )


def _list(
    namespace: str | None, status: str | None, initiator: str | None, page: int, per_page: int
) -> Call[TaskPage]:
    if status is not None and status not in _LISTED:
        raise TaskerValidationError(f"status must be 'complete' or 'incomplete', not {status!r}")
    if not 1 <= per_page <= 100 or page < 1:
        raise TaskerValidationError("per_page must be 1 to 100, page 1 or more")
    params: dict[str, str | int] = {"page": page, "per_page": per_page}
    if namespace is not None:
        params["namespace"] = namespace
    if status is not None:
        params["status"] = _LISTED[status]
    if initiator is not None:
        params["initiator"] = initiator
    answer = yield Send("list_tasks", "GET", "/v1/tasks", params=params)
    pagination = answer.get("pagination") or {}
    return TaskPage(
        tasks=answer.get("tasks") or [],
        page=pagination.get("page", page),
        per_page=pagination.get("per_page", per_page),
        total=pagination.get("total_count", 0),
        has_next=bool(pagination.get("has_next")),
    )


def _with_state(task: Task) -> Call[Task]:
    if task.status == "complete":
        return task
    try:
        current = yield from get_task(task)
    except TaskerNotFound:
        return task  # deleted since
    return Task.model_validate({**current.model_dump(), "steps": []})  # as the others


def _find(name: str, namespace: str, version: str, context: dict[str, Any]) -> Call[Task | None]:
    for page in range(1, _SEARCH_PAGES + 1):
        found = yield from _list(namespace, None, None, page, 100)
        for task in found.tasks:
            if (task.name, task.version, task.context) == (name, version, context):
                return (yield from get_task(task))
        if not found.has_next:
            break
    return None


def uuid_of(task: Task | UUID | str) -> str:
    """The UUID of a task, as the server wants it.

    Raises:
        TaskerValidationError: it is not one.
    """
    text = task.task_uuid if isinstance(task, Task) else str(task)
    try:
        return str(UUID(text))
    except ValueError:
        raise TaskerValidationError(f"{text!r} is not the UUID of a task") from None
