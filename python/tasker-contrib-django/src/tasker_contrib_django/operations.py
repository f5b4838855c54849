"""The clients, with what an operator does to tasks that failed."""

from __future__ import annotations

import getpass
from typing import Any, Literal
from uuid import UUID

import httpx
from pydantic import BaseModel, ConfigDict
from tasker_contrib.client import StepInfo, SyncTaskerClient, Task, TaskerClient, calls
from tasker_contrib.client.base import arguments_from
from tasker_contrib.client.calls import Call, Send
from tasker_contrib.errors import TaskerNotFound, TaskerValidationError
from tasker_contrib.settings import TaskerSettings

__all__ = ["AsyncClient", "Client", "DeadLetter"]

TaskRef = Task | UUID | str
Resolution = Literal["Pending", "ManuallyResolved", "PermanentlyFailed", "Cancelled"]

INITIATOR = "tasker-contrib-django"
SOURCE_SYSTEM = "django"


class DeadLetter(BaseModel):
    """An entry of the dead letter queue: a task that stopped moving, and was given up.

    Attributes:
        original_state: of the task, when it was put here.
        dlq_reason: such as `StalenessTimeout`.
        resolution_status: `Pending` until somebody looked at it.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    dlq_entry_uuid: str
    task_uuid: str
    original_state: str
    dlq_reason: str
    resolution_status: str
    dlq_timestamp: str | None = None


class Client(SyncTaskerClient):
    """The shared blocking client, with `retry_step`, `resolve_step` and `dead_letters`."""

    def retry_step(
        self, task: TaskRef, step: StepInfo | str, *, reason: str, by: str | None = None
    ) -> StepInfo:
        """Let a step in `error` run again. Its attempts go on counting.

        The server only moves the step; the task goes on when `tasker-recovery` looks at it next.

        Args:
            task: the task or its UUID.
            step: the step, its name or its UUID.
            reason: for those who read the history.
            by: who asks for it; the user of this process when left out.

        Raises:
            TaskerNotFound: no such task or step.
            TaskerValidationError: the step is not in `error`.
        """
        return self._transport.run(retry_step(task, step, reason, by))

    def resolve_step(
        self,
        task: TaskRef,
        step: StepInfo | str,
        *,
        reason: str,
        by: str | None = None,
        result: dict[str, Any] | None = None,
    ) -> StepInfo:
        """Count a step as done by hand.

        Args:
            task: the task or its UUID.
            step: the step, its name or its UUID.
            reason: for those who read the history.
            by: who says so; the user of this process when left out.
            result: what later steps shall see as its result; without it they see none.

        Raises:
            TaskerNotFound: no such task or step.
            TaskerValidationError: the step is complete already.
        """
        return self._transport.run(resolve_step(task, step, reason, by, result))

    def dead_letters(
        self, *, resolution: Resolution | None = None, limit: int = 50
    ) -> list[DeadLetter]:
        """The dead letter queue.

        Args:
            resolution: only entries with this status.
            limit: how many.
        """
        return self._transport.run(dead_letters(resolution, limit))


class AsyncClient(TaskerClient):
    """The shared async client, with the same calls."""

    async def retry_step(
        self, task: TaskRef, step: StepInfo | str, *, reason: str, by: str | None = None
    ) -> StepInfo:
        """Let a step in `error` run again; see `Client.retry_step`."""
        return await self._transport.run(retry_step(task, step, reason, by))

    async def resolve_step(
        self,
        task: TaskRef,
        step: StepInfo | str,
        *,
        reason: str,
        by: str | None = None,
        result: dict[str, Any] | None = None,
    ) -> StepInfo:
        """Count a step as done by hand; see `Client.resolve_step`."""
        return await self._transport.run(resolve_step(task, step, reason, by, result))

    async def dead_letters(
        self, *, resolution: Resolution | None = None, limit: int = 50
    ) -> list[DeadLetter]:
        """The dead letter queue; see `Client.dead_letters`."""
        return await self._transport.run(dead_letters(resolution, limit))


def blocking(settings: TaskerSettings, transport: httpx.MockTransport | None = None) -> Client:
    """A blocking client with the settings of the project."""
    return Client(
        **arguments_from(settings),
        initiator=INITIATOR,
        source_system=SOURCE_SYSTEM,
        transport=transport,
    )


def asynchronous(
    settings: TaskerSettings, transport: httpx.MockTransport | None = None
) -> AsyncClient:
    """An async client with the settings of the project."""
    return AsyncClient(
        **arguments_from(settings),
        initiator=INITIATOR,
        source_system=SOURCE_SYSTEM,
        transport=transport,
    )


# --- the calls, written once for both clients -------------------------------------------------


def retry_step(task: TaskRef, step: StepInfo | str, reason: str, by: str | None) -> Call[StepInfo]:
    """Let a step in `error` run again."""
    body = {"action_type": "reset_for_retry", "reason": reason, "reset_by": by or whoami()}
    return (yield from _patch_step("retry_step", task, step, body))


def resolve_step(
    task: TaskRef,
    step: StepInfo | str,
    reason: str,
    by: str | None,
    result: dict[str, Any] | None,
) -> Call[StepInfo]:
    """Count a step as done by hand."""
    body: dict[str, Any] = {"action_type": "resolve_manually", "resolved_by": by or whoami()}
    if result is not None:
        body = {
            "action_type": "complete_manually",
            "completion_data": {"result": result},
            "completed_by": by or whoami(),
        }
    return (yield from _patch_step("resolve_step", task, step, {**body, "reason": reason}))


def dead_letters(resolution: Resolution | None, limit: int) -> Call[list[DeadLetter]]:
    """Read the dead letter queue."""
    params: dict[str, str | int] = {"limit": limit}
    if resolution is not None:
        params["resolution_status"] = resolution
    answer = yield Send("dead_letters", "GET", "/v1/dlq", params=params)
    return [DeadLetter.model_validate(entry) for entry in answer]


def _patch_step(
    operation: str, task: TaskRef, step: StepInfo | str, body: dict[str, Any]
) -> Call[StepInfo]:
    found = step if isinstance(step, StepInfo) else (yield from _find_step(task, step))
    path = f"/v1/tasks/{found.task_uuid}/workflow_steps/{found.step_uuid}"
    answer = yield Send(operation, "PATCH", path, json=body)
    return StepInfo.model_validate(answer)


def _find_step(task: TaskRef, step: str) -> Call[StepInfo]:
    steps = yield from calls.steps(task)
    for found in steps:
        if step in (found.name, found.step_uuid):
            return found
    names = ", ".join(other.name for other in steps) or "none"
    raise TaskerNotFound(f"the task has no step {step!r}; its steps: {names}")


def whoami() -> str:
    """The user of this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "unknown"


def uuid_of(task: str) -> str:
    """A task's UUID from a command line.

    Raises:
        TaskerValidationError: it is not one.
    """
    try:
        return str(UUID(task))
    except ValueError:
        raise TaskerValidationError(f"{task!r} is not the UUID of a task") from None
