"""The calls for operators, written once for both clients."""

from __future__ import annotations

import getpass
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from ..errors import TaskerNotFound
from .calls import Call, Send, steps, uuid_of
from .models import StepInfo, Task
from .records import (
    Bottlenecks,
    DeadLetter,
    DeadLetterStats,
    Investigation,
    Performance,
    Record,
    Resolution,
    StaleTask,
    StepAudit,
    TaskSummary,
    TemplateDetail,
    TemplateInfo,
)

TaskRef = Task | UUID | str
StepRef = StepInfo | UUID | str

R = TypeVar("R", bound=Record)


def get_step(task: TaskRef, step: StepRef) -> Call[StepInfo]:
    """One step."""
    path = yield from _path(task, step)
    return StepInfo.model_validate((yield Send("get_step", "GET", path)))


def retry_step(task: TaskRef, step: StepRef, reason: str, by: str | None) -> Call[StepInfo]:
    """Let a step in `error` run again."""
    body = {"action_type": "reset_for_retry", "reason": reason, "reset_by": by or whoami()}
    return (yield from _patch_step("retry_step", task, step, body))


def resolve_step(task: TaskRef, step: StepRef, reason: str, by: str | None) -> Call[StepInfo]:
    """Count a step as done, without a result."""
    body = {"action_type": "resolve_manually", "reason": reason, "resolved_by": by or whoami()}
    return (yield from _patch_step("resolve_step", task, step, body))


def complete_step(
    task: TaskRef, step: StepRef, result: dict[str, Any], reason: str, by: str | None
) -> Call[StepInfo]:
    """Count a step as done, with a result."""
    body = {
        "action_type": "complete_manually",
        "completion_data": {"result": result},
        "reason": reason,
        "completed_by": by or whoami(),
    }
    return (yield from _patch_step("complete_step", task, step, body))


def step_audit(task: TaskRef, step: StepRef) -> Call[list[StepAudit]]:
    """The executions of a step."""
    path = yield from _path(task, step)
    return (yield from _list("step_audit", f"{path}/audit", StepAudit))


def task_summary(task: TaskRef) -> Call[TaskSummary]:
    """A task without contexts and results."""
    return (yield from _one("task_summary", f"/v1/tasks/{uuid_of(task)}/summary", TaskSummary))


def list_templates(namespace: str | None) -> Call[list[TemplateInfo]]:
    """Templates that workers have registered."""
    params: dict[str, str | int] = {} if namespace is None else {"namespace": namespace}
    answer = yield Send("list_templates", "GET", "/v1/templates", params=params or None)
    return [TemplateInfo.model_validate(template) for template in answer["templates"]]


def get_template(namespace: str, name: str, version: str) -> Call[TemplateDetail]:
    """One registered template."""
    path = "/".join(quote(part, safe="") for part in (namespace, name, version))
    return (yield from _one("get_template", f"/v1/templates/{path}", TemplateDetail))


def performance(hours: int) -> Call[Performance]:
    """Counts and durations of the last hours."""
    path = "/v1/analytics/performance"
    return (yield from _one("performance", path, Performance, hours=hours))


def bottlenecks(limit: int, min_executions: int) -> Call[Bottlenecks]:
    """What takes longest."""
    params = {"limit": limit, "min_executions": min_executions}
    return (yield from _one("bottlenecks", "/v1/analytics/bottlenecks", Bottlenecks, **params))


def dead_letters(resolution: Resolution | None, limit: int, offset: int) -> Call[list[DeadLetter]]:
    """Read the dead letter queue."""
    params: dict[str, str | int] = {"limit": limit, "offset": offset}
    if resolution is not None:
        params["resolution_status"] = resolution
    return (yield from _list("dead_letters", "/v1/dlq", DeadLetter, **params))


def dead_letter(task: TaskRef) -> Call[DeadLetter]:
    """The newest entry of a task."""
    return (yield from _one("dead_letter", f"/v1/dlq/task/{uuid_of(task)}", DeadLetter))


def update_dead_letter(
    entry: DeadLetter | UUID | str, resolution: Resolution, notes: str | None, by: str | None
) -> Call[None]:
    """Say what became of an entry."""
    uuid = uuid_of(entry.dlq_entry_uuid if isinstance(entry, DeadLetter) else entry)
    body = {"resolution_status": resolution, "resolved_by": by or whoami()}
    if notes is not None:
        body["resolution_notes"] = notes
    yield Send("update_dead_letter", "PATCH", f"/v1/dlq/entry/{uuid}", json=body)


def dead_letter_stats() -> Call[list[DeadLetterStats]]:
    """Counts by reason."""
    return (yield from _list("dead_letter_stats", "/v1/dlq/stats", DeadLetterStats))


def investigation_queue(limit: int) -> Call[list[Investigation]]:
    """Dead letters by priority."""
    path = "/v1/dlq/investigation-queue"
    return (yield from _list("investigation_queue", path, Investigation, limit=limit))


def stale_tasks(limit: int) -> Call[list[StaleTask]]:
    """Tasks by the time in their state."""
    return (yield from _list("stale_tasks", "/v1/dlq/staleness", StaleTask, limit=limit))


def whoami() -> str:
    """The user of this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "unknown"


def _one(operation: str, path: str, record: type[R], **params: str | int) -> Call[R]:
    return record.model_validate((yield Send(operation, "GET", path, params=params or None)))


def _list(operation: str, path: str, record: type[R], **params: str | int) -> Call[list[R]]:
    answer = yield Send(operation, "GET", path, params=params or None)
    return [record.model_validate(entry) for entry in answer]


def _patch_step(
    operation: str, task: TaskRef, step: StepRef, body: dict[str, Any]
) -> Call[StepInfo]:
    path = yield from _path(task, step)
    return StepInfo.model_validate((yield Send(operation, "PATCH", path, json=body)))


def _path(task: TaskRef, step: StepRef) -> Call[str]:
    """Of a step that is named in one of three ways; a name is looked up."""
    if isinstance(step, StepInfo):
        return f"/v1/tasks/{step.task_uuid}/workflow_steps/{step.step_uuid}"
    try:
        uuid = str(UUID(str(step)))
    except ValueError:
        found = yield from steps(task)
        named = [one.step_uuid for one in found if one.name == step]
        if not named:
            names = ", ".join(other.name for other in found) or "none"
            raise TaskerNotFound(f"the task has no step {step!r}; its steps: {names}") from None
        [uuid] = named
    return f"/v1/tasks/{uuid_of(task)}/workflow_steps/{uuid}"
