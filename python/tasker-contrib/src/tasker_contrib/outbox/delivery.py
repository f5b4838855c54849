"""Creates the task of one row, and says what becomes of the row."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass

from ..client import SyncTaskerClient, Task
from ..errors import (
    TaskerBackpressure,
    TaskerClientError,
    TaskerConflict,
    TaskerNotFound,
    TaskerPermissionError,
    TaskerServerError,
    TaskerUnavailable,
)
from .rows import OutboxRow

logger = logging.getLogger("tasker_contrib.outbox")

LONGEST_WAIT = 60.0
#: A worker that registers the template may start after the application, and Core answers 404 while
#: its database is away, too. With the waits between them these are about a quarter of an hour.
NOT_FOUND_ATTEMPTS = 20


@dataclass(frozen=True)
class Created:
    """The task exists; None when it is another's, and the row is content with that."""

    task: Task | None


@dataclass(frozen=True)
class Later:
    """The row has to wait."""

    seconds: float
    error: str


@dataclass(frozen=True)
class Pause:
    """All rows have to wait: the server is away, overloaded, or refuses our credentials."""

    seconds: float
    error: str


@dataclass(frozen=True)
class Dead:
    """The server will never take this row as it is."""

    error: str


Outcome = Created | Later | Pause | Dead


def backoff(failures: int) -> float:
    """Seconds to wait after a number of failures; spread, so that relays do not meet again."""
    wait: float = min(2.0 ** min(failures - 1, 10), LONGEST_WAIT)
    return wait * random.uniform(0.5, 1.0)


def deliver(client: SyncTaskerClient, row: OutboxRow) -> Outcome:
    """Create the task of a row, unless an earlier try did."""
    try:
        return _create(client, row)
    except (TaskerUnavailable, TaskerBackpressure, TaskerPermissionError) as error:
        asked = error.retry_after if isinstance(error, TaskerBackpressure) else None
        return Pause(max(asked or 0.0, backoff(row.attempts + 1)), str(error))
    except TaskerServerError as error:
        return Later(backoff(row.attempts + 1), str(error))
    except TaskerNotFound as error:
        if row.attempts + 1 >= NOT_FOUND_ATTEMPTS:
            return Dead(f"{error} ({NOT_FOUND_ATTEMPTS} tries)")
        return Later(backoff(row.attempts + 1), str(error))
    except TaskerClientError as error:
        return Dead(str(error))
    except Exception as error:
        # Perhaps of a newer version of the application: another relay may understand the row.
        logger.exception("%s cannot be relayed", row)
        return Later(backoff(row.attempts + 1), f"{type(error).__name__}: {error}")


def _create(client: SyncTaskerClient, row: OutboxRow) -> Outcome:
    options = dict(row.options)
    ignores = options.pop("on_conflict", "dead") == "ignore"
    try:
        task = client.create_task(
            row.name,
            row.context,
            namespace=row.namespace,
            version=row.version,
            correlation_id=row.correlation_id,
            idempotent=not ignores,
            **options,
        )
    except TaskerConflict as conflict:
        if ignores:
            return Created(None)
        return Dead(f"{conflict}. It cannot be told whether this row created it; {_FIX}")
    if task.correlation_id == str(row.correlation_id):
        return Created(task)
    if ignores:
        return Created(None)
    return Dead(
        f"task {task.task_uuid} has the same template and the same context, and was created by "
        f"somebody else; {_FIX}"
    )


_FIX = (
    "discard the row if that task will do. To run it again, put something unique into the context; "
    "on_conflict='ignore' is content with the other task"
)
