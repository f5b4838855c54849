"""What the server says to operators. Fields that are not listed here are kept."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Resolution = Literal["Pending", "ManuallyResolved", "PermanentlyFailed", "Cancelled"]


class Record(BaseModel):
    """An answer of the server."""

    model_config = ConfigDict(extra="allow", frozen=True)


class DeadLetter(Record):
    """An entry of the dead letter queue: a task that stopped moving, and was given up.

    Attributes:
        original_state: of the task, when it was put here.
        dlq_reason: such as `StalenessTimeout`.
        resolution_status: `Pending` until somebody looked at it.
    """

    dlq_entry_uuid: str
    task_uuid: str
    original_state: str
    dlq_reason: str
    resolution_status: str
    dlq_timestamp: str | None = None


class DeadLetterStats(Record):
    """How many tasks were given up for one reason."""

    dlq_reason: str
    total_entries: int
    pending: int = 0


class Investigation(Record):
    """A dead letter that nobody has looked at, with its priority."""

    dlq_entry_uuid: str
    task_uuid: str
    original_state: str
    dlq_reason: str
    minutes_in_dlq: float = 0.0
    priority_score: float = 0.0


class StaleTask(Record):
    """A task and how long it has been in its state.

    Attributes:
        health_status: `healthy`, `warning` or `stale`.
    """

    task_uuid: str
    namespace_name: str
    task_name: str
    current_state: str
    health_status: str
    time_in_state_minutes: float = 0.0


class StepAudit(Record):
    """One execution of a step."""

    audit_uuid: str
    step_name: str
    to_state: str
    from_state: str | None = None
    success: bool
    execution_time_ms: int | None = None
    recorded_at: str | None = None


class TaskSummary(Record):
    """A task without contexts and results, for pages that anybody may see."""

    task: dict[str, Any]
    template: dict[str, Any]
    steps: list[dict[str, Any]]
    dlq: dict[str, Any]


class TemplateInfo(Record):
    """A template that workers have registered."""

    name: str
    namespace: str
    version: str
    description: str | None = None
    step_count: int | None = None


class TemplateDetail(Record):
    """A registered template with its steps."""

    name: str
    namespace: str
    version: str
    configuration: Any = None
    steps: list[dict[str, Any]]


class Performance(Record):
    """Counts and durations of the last hours."""

    total_tasks: int
    completion_rate: float
    error_rate: float


class Bottlenecks(Record):
    """Steps and tasks that take longest."""

    slow_steps: list[dict[str, Any]]
    slow_tasks: list[dict[str, Any]]
    recommendations: list[str]
