"""The clients, with what an operator does to tasks that failed."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Coroutine
from typing import Any, Literal, TypeVar
from uuid import UUID

from asgiref.sync import async_to_sync
from pydantic import BaseModel, ConfigDict
from tasker_contrib.client import StepInfo, Task, TaskerClient, TaskPage
from tasker_contrib.errors import TaskerNotFound, TaskerValidationError
from tasker_contrib.settings import TaskerSettings
from typing_extensions import Self

__all__ = ["AsyncClient", "Client", "DeadLetter"]

TaskRef = Task | UUID | str
T = TypeVar("T")
Resolution = Literal["Pending", "ManuallyResolved", "PermanentlyFailed", "Cancelled"]


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


class AsyncClient(TaskerClient):
    """The shared client, with `retry_step`, `resolve_step` and `dead_letters`."""

    async def retry_step(
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
        return await self._patch_step(
            "retry_step",
            task,
            step,
            {"action_type": "reset_for_retry", "reason": reason, "reset_by": by or whoami()},
        )

    async def resolve_step(
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
        if result is None:
            body = {"action_type": "resolve_manually", "reason": reason}
            body["resolved_by"] = by or whoami()
            return await self._patch_step("resolve_step", task, step, body)
        return await self._patch_step(
            "resolve_step",
            task,
            step,
            {
                "action_type": "complete_manually",
                "completion_data": {"result": result},
                "reason": reason,
                "completed_by": by or whoami(),
            },
        )

    async def dead_letters(
        self, *, resolution: Resolution | None = None, limit: int = 50
    ) -> list[DeadLetter]:
        """The dead letter queue, newest first.

        Args:
            resolution: only entries with this status.
            limit: how many.
        """
        params: dict[str, str | int] = {"limit": limit}
        if resolution is not None:
            params["resolution_status"] = resolution
        answer = await self._call("dead_letters", "GET", "/v1/dlq", params=params)
        return [DeadLetter.model_validate(entry) for entry in answer]

    async def _patch_step(
        self, operation: str, task: TaskRef, step: StepInfo | str, body: dict[str, Any]
    ) -> StepInfo:
        found = step if isinstance(step, StepInfo) else await self._find_step(task, step)
        path = f"/v1/tasks/{found.task_uuid}/workflow_steps/{found.step_uuid}"
        answer = await self._call(operation, "PATCH", path, json=body)
        return StepInfo.model_validate(answer)

    async def _find_step(self, task: TaskRef, step: str) -> StepInfo:
        steps = await self.steps(task)
        for found in steps:
            if step in (found.name, found.step_uuid):
                return found
        names = ", ".join(other.name for other in steps) or "none"
        raise TaskerNotFound(f"the task has no step {step!r}; its steps: {names}")


class Client:
    """The same calls for synchronous code; safe to share between threads."""

    def __init__(self, make: Callable[[], AsyncClient]) -> None:
        self._make = make

    @classmethod
    def from_settings(cls, settings: TaskerSettings, **defaults: Any) -> Self:
        """A client with the settings of a project."""
        return cls(lambda: AsyncClient.from_settings(settings, **defaults))

    def _run(self, call: Callable[[AsyncClient], Coroutine[Any, Any, T]]) -> T:
        async def once() -> T:
            async with self._make() as client:
                return await call(client)

        return async_to_sync(once)()

    def create_task(self, name: str, context: Any = None, **options: Any) -> Task:
        """See `AsyncClient`."""
        return self._run(lambda client: client.create_task(name, context, **options))

    def get_task(self, task: TaskRef) -> Task:
        """See `AsyncClient`."""
        return self._run(lambda client: client.get_task(task))

    def list_tasks(self, **options: Any) -> TaskPage:
        """See `AsyncClient`."""
        return self._run(lambda client: client.list_tasks(**options))

    def cancel_task(self, task: TaskRef) -> Task:
        """See `AsyncClient`."""
        return self._run(lambda client: client.cancel_task(task))

    def steps(self, task: TaskRef) -> list[StepInfo]:
        """See `AsyncClient`."""
        return self._run(lambda client: client.steps(task))

    def wait(self, task: TaskRef, **options: Any) -> Task:
        """See `AsyncClient`."""
        return self._run(lambda client: client.wait(task, **options))

    def health(self) -> bool:
        """See `AsyncClient`."""
        return self._run(lambda client: client.health())

    def retry_step(self, task: TaskRef, step: StepInfo | str, **options: Any) -> StepInfo:
        """See `AsyncClient`."""
        return self._run(lambda client: client.retry_step(task, step, **options))

    def resolve_step(self, task: TaskRef, step: StepInfo | str, **options: Any) -> StepInfo:
        """See `AsyncClient`."""
        return self._run(lambda client: client.resolve_step(task, step, **options))

    def dead_letters(self, **options: Any) -> list[DeadLetter]:
        """See `AsyncClient`."""
        return self._run(lambda client: client.dead_letters(**options))


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
