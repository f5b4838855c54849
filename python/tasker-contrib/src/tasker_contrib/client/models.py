"""What the server says of tasks and steps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

#: States in which nothing more happens by itself.
END_STATES = frozenset(
    {"complete", "error", "cancelled", "resolved_manually", "blocked_by_failures"}
)


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
