"""Whether this process can do its part."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from tasker_contrib._internal import readiness as shared
from tasker_contrib._internal.state import TaskerState
from tasker_contrib.errors import TaskerContribError

from .conf import tasker_settings
from .mode import decision
from .operations import asynchronous


def readiness() -> tuple[int, dict[str, Any]]:
    """Status and body of `ready`, for a process that runs no steps.

    A project whose tests, or whose setting, say "off" is ready: nothing in it waits for Tasker.
    """
    try:
        settings, mode = tasker_settings(), decision().mode
    except TaskerContribError as error:
        return 503, shared.not_ready(str(error))
    if mode == "off":
        return async_to_sync(shared.readiness)(TaskerState(mode, settings, None, None))

    async def ask() -> tuple[int, dict[str, Any]]:
        async with asynchronous(settings) as client:
            return await shared.readiness(TaskerState(mode, settings, client, None))

    return async_to_sync(ask)()
