"""The calls for operators, blocking."""

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
from .transport import BlockingTransport


class Operations:
    """What operators ask and do; `SyncTaskerClient` has these calls."""

    _transport: BlockingTransport

    def get_step(self, task: TaskRef, step: StepRef) -> StepInfo:
        """Return one step; see `TaskerClient.get_step`."""
        return self._transport.run(operations.get_step(task, step))

    def retry_step(
        self, task: TaskRef, step: StepRef, *, reason: str, by: str | None = None
    ) -> StepInfo:
        """Let a step in `error` run again; see `TaskerClient.retry_step`."""
        return self._transport.run(operations.retry_step(task, step, reason, by))

    def resolve_step(
        self, task: TaskRef, step: StepRef, *, reason: str, by: str | None = None
    ) -> StepInfo:
        """Count a step as done by hand; see `TaskerClient.resolve_step`."""
        return self._transport.run(operations.resolve_step(task, step, reason, by))

    def complete_step(
        self,
        task: TaskRef,
        step: StepRef,
        result: dict[str, Any],
        *,
        reason: str,
        by: str | None = None,
    ) -> StepInfo:
        """Count a step as done by hand, with a result; see `TaskerClient.complete_step`."""
        return self._transport.run(operations.complete_step(task, step, result, reason, by))

    def step_audit(self, task: TaskRef, step: StepRef) -> list[StepAudit]:
        """Return the executions of a step, with their results; see `TaskerClient.step_audit`."""
        return self._transport.run(operations.step_audit(task, step))

    def task_summary(self, task: TaskRef) -> TaskSummary:
        """Return a task without contexts and results; see `TaskerClient.task_summary`."""
        return self._transport.run(operations.task_summary(task))

    def list_templates(self, namespace: str | None = None) -> list[TemplateInfo]:
        """Return the templates that workers have registered, of one namespace or of all."""
        return self._transport.run(operations.list_templates(namespace))

    def get_template(self, namespace: str, name: str, version: str) -> TemplateDetail:
        """Return a registered template; see `TaskerClient.get_template`."""
        return self._transport.run(operations.get_template(namespace, name, version))

    def performance(self, *, hours: int = 24) -> Performance:
        """Return counts and durations of the last hours."""
        return self._transport.run(operations.performance(hours))

    def bottlenecks(self, *, limit: int = 10, min_executions: int = 5) -> Bottlenecks:
        """Return the steps and tasks that take longest; see `TaskerClient.bottlenecks`."""
        return self._transport.run(operations.bottlenecks(limit, min_executions))

    def dead_letters(
        self, *, resolution: Resolution | None = None, limit: int = 50, offset: int = 0
    ) -> list[DeadLetter]:
        """Return the dead letter queue; see `TaskerClient.dead_letters`."""
        return self._transport.run(operations.dead_letters(resolution, limit, offset))

    def dead_letter(self, task: TaskRef) -> DeadLetter:
        """Return the newest dead letter of a task; see `TaskerClient.dead_letter`."""
        return self._transport.run(operations.dead_letter(task))

    def update_dead_letter(
        self,
        entry: DeadLetter | UUID | str,
        *,
        resolution: Resolution,
        notes: str | None = None,
        by: str | None = None,
    ) -> None:
        """Say what became of a dead letter; see `TaskerClient.update_dead_letter`."""
        self._transport.run(operations.update_dead_letter(entry, resolution, notes, by))

    def dead_letter_stats(self) -> list[DeadLetterStats]:
        """Return how many tasks were given up, by reason."""
        return self._transport.run(operations.dead_letter_stats())

    def investigation_queue(self, *, limit: int = 100) -> list[Investigation]:
        """Return the dead letters that nobody has looked at, the most urgent first."""
        return self._transport.run(operations.investigation_queue(limit))

    def stale_tasks(self, *, limit: int = 100) -> list[StaleTask]:
        """Return tasks by how long they have been in their state."""
        return self._transport.run(operations.stale_tasks(limit))
