"""The only place that talks to Tasker: creates a task, looks at one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import tasker_contrib_django as tasker

NAMESPACE = "approvals"
VERSION = "1.0.0"

# If a worker dies, its step stays `in_progress`; if a result is lost, its step stays in one of the
# others. Results also wait there while the server is busy, so these get more time.
PATIENCE = {
    "in_progress": 1,
    "enqueued_for_orchestration": 10,
    "enqueued_as_error_for_orchestration": 10,
}


class Unavailable(Exception):
    """Tasker cannot be asked at the moment, or does not know the template yet."""


@dataclass(frozen=True)
class Step:
    name: str
    state: str
    since: datetime | None

    def stands_still(self, now: datetime, patience: timedelta) -> bool:
        """Whether it has been in a state that it should leave by itself for too long."""
        times = PATIENCE.get(self.state)
        return bool(times and self.since and self.since + times * patience < now)


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
