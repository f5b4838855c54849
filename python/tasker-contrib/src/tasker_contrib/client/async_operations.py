"""The calls for operators, asynchronous."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from . import operations
from .models import StepInfo
from .operations import StepRef, TaskRef
from .records import (
    Bottlenecks,
    DeadLetter,
    DeadLetterStats,
    Investigation,
    Performance,
    Resolution,
    StaleTask,
    StepAudit,
    TaskSummary,
    TemplateDetail,
    TemplateInfo,
)
from .transport import AsyncTransport


class AsyncOperations:
    """What operators ask and do; `TaskerClient` has these calls."""

    _transport: AsyncTransport

    async def get_step(self, task: TaskRef, step: StepRef) -> StepInfo:
        """Return one step.

        Args:
            task: the task or its UUID.
            step: the step, its name or its UUID.

        Raises:
            TaskerNotFound: no such task or step.
        """
        return await self._transport.run(operations.get_step(task, step))

    async def retry_step(
        self, task: TaskRef, step: StepRef, *, reason: str, by: str | None = None
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
        return await self._transport.run(operations.retry_step(task, step, reason, by))

    async def resolve_step(
        self, task: TaskRef, step: StepRef, *, reason: str, by: str | None = None
    ) -> StepInfo:
        """Count a step as done by hand. Later steps see no result of it.

        Args:
            task: the task or its UUID.
            step: the step, its name or its UUID.
            reason: for those who read the history.
            by: who says so; the user of this process when left out.

        Raises:
            TaskerNotFound: no such task or step.
            TaskerValidationError: the step is complete already.
        """
        return await self._transport.run(operations.resolve_step(task, step, reason, by))

    async def complete_step(
        self,
        task: TaskRef,
        step: StepRef,
        result: dict[str, Any],
        *,
        reason: str,
        by: str | None = None,
    ) -> StepInfo:
        """Count a step as done by hand, with the result that later steps see.

        Args:
            task: the task or its UUID.
            step: the step, its name or its UUID.
            result: what the handler would have returned.
            reason: for those who read the history.
            by: who says so; the user of this process when left out.

        Raises:
            TaskerNotFound: no such task or step.
            TaskerValidationError: the step is complete already.
        """
        return await self._transport.run(operations.complete_step(task, step, result, reason, by))

    async def step_audit(self, task: TaskRef, step: StepRef) -> list[StepAudit]:
        """Return the executions of a step, with their results.

        Raises:
            TaskerNotFound: no such task or step.
        """
        return await self._transport.run(operations.step_audit(task, step))

    async def task_summary(self, task: TaskRef) -> TaskSummary:
        """Return a task without contexts and results: what a page may show to anybody.

        Raises:
            TaskerNotFound: no such task.
        """
        return await self._transport.run(operations.task_summary(task))

    async def list_templates(self, namespace: str | None = None) -> list[TemplateInfo]:
        """Return the templates that workers have registered, of one namespace or of all."""
        return await self._transport.run(operations.list_templates(namespace))

    async def get_template(self, namespace: str, name: str, version: str) -> TemplateDetail:
        """Return a registered template.

        Raises:
            TaskerNotFound: no worker has registered it.
        """
        return await self._transport.run(operations.get_template(namespace, name, version))

    async def performance(self, *, hours: int = 24) -> Performance:
        """Return counts and durations of the last hours."""
        return await self._transport.run(operations.performance(hours))

    async def bottlenecks(self, *, limit: int = 10, min_executions: int = 5) -> Bottlenecks:
        """Return the steps and tasks that take longest.

        Args:
            limit: how many of each.
            min_executions: leave out what ran more rarely.
        """
        return await self._transport.run(operations.bottlenecks(limit, min_executions))

    async def dead_letters(
        self, *, resolution: Resolution | None = None, limit: int = 50, offset: int = 0
    ) -> list[DeadLetter]:
        """Return the dead letter queue.

        Args:
            resolution: only entries with this status.
            limit: how many.
            offset: how many to skip.
        """
        return await self._transport.run(operations.dead_letters(resolution, limit, offset))

    async def dead_letter(self, task: TaskRef) -> DeadLetter:
        """Return the newest entry of a task in the dead letter queue.

        Raises:
            TaskerNotFound: it was never given up.
        """
        return await self._transport.run(operations.dead_letter(task))

    async def update_dead_letter(
        self,
        entry: DeadLetter | UUID | str,
        *,
        resolution: Resolution,
        notes: str | None = None,
        by: str | None = None,
    ) -> None:
        """Say what became of an entry of the dead letter queue. The task stays as it is.

        Args:
            entry: the entry or its UUID.
            resolution: its new status.
            notes: for those who read it.
            by: who says so; the user of this process when left out.

        Raises:
            TaskerNotFound: no such entry.
        """
        await self._transport.run(operations.update_dead_letter(entry, resolution, notes, by))

    async def dead_letter_stats(self) -> list[DeadLetterStats]:
        """Return how many tasks were given up, by reason."""
        return await self._transport.run(operations.dead_letter_stats())

    async def investigation_queue(self, *, limit: int = 100) -> list[Investigation]:
        """Return the dead letters that nobody has looked at, the most urgent first."""
        return await self._transport.run(operations.investigation_queue(limit))

    async def stale_tasks(self, *, limit: int = 100) -> list[StaleTask]:
        """Return tasks by how long they have been in their state."""
        return await self._transport.run(operations.stale_tasks(limit))
