"""The only place that talks to Tasker: creates a task, looks at one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import tasker_contrib_django as tasker

NAMESPACE = "approvals"
VERSION = "1.0.0"

# A step in these states has been taken by a worker, or its result is on its way. If the worker
# dies, or the result is lost, it stays so.
TAKEN = {"in_progress", "enqueued_for_orchestration", "enqueued_as_error_for_orchestration"}


class Unavailable(Exception):
    """Tasker cannot be asked at the moment, or does not know the template yet."""


@dataclass(frozen=True)
class Step:
    name: str
    state: str
    since: datetime | None

    @property
    def taken(self) -> bool:
        return self.state in TAKEN


@dataclass(frozen=True)
class Task:
    status: str
    ended: bool
    steps: list[Step]


def create(template: str, context: dict[str, Any]) -> UUID:
    """Create a task; the same context again is the same task."""
    try:
        task = tasker.client.create_task(
            template, context, namespace=NAMESPACE, version=VERSION, idempotent=True
        )
    except tasker.TaskerContribError as why:
        raise Unavailable(str(why)) from why
    return UUID(task.task_uuid)


def look(uuid: UUID) -> Task | None:
    """A task as it is now, or None if there is none.

    Raises:
        Unavailable: Tasker does not answer.
    """
    try:
        task = tasker.client.get_task(uuid)
        steps = tasker.client.steps(uuid)
    except tasker.TaskerNotFound:
        return None
    except tasker.TaskerContribError as why:
        raise Unavailable(str(why)) from why
    return Task(
        task.status,
        task.ended,
        [
            Step(step.name, step.current_state, step.last_attempted_at or step.created_at)
            for step in steps
        ],
    )
