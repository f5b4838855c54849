"""The clients with the settings of the project."""

from __future__ import annotations

from uuid import UUID

import httpx
from tasker_contrib.client import SyncTaskerClient, TaskerClient
from tasker_contrib.client.base import arguments_from
from tasker_contrib.errors import TaskerValidationError
from tasker_contrib.settings import TaskerSettings

__all__ = ["AsyncClient", "Client"]

Client = SyncTaskerClient
AsyncClient = TaskerClient

INITIATOR = "tasker-contrib-django"
SOURCE_SYSTEM = "django"


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


def uuid_of(task: str) -> str:
    """A task's UUID from a command line.

    Raises:
        TaskerValidationError: it is not one.
    """
    try:
        return str(UUID(task))
    except ValueError:
        raise TaskerValidationError(f"{task!r} is not the UUID of a task") from None
