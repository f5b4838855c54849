"""One worker process: `manage.py tasker worker-process`, started by `tasker worker`."""

from __future__ import annotations

import asyncio

from django.db import connections
from tasker_contrib._internal import process, runtime
from tasker_contrib._internal.health_server import HealthServer
from tasker_contrib._internal.process import ProcessOptions, StopRequest
from tasker_contrib._internal.state import TaskerState
from tasker_contrib.errors import TaskerConfigError
from tasker_contrib.settings import TaskerSettings

from .conf import SETTING, tasker_settings
from .discovery import handler_modules
from .mode import logged_decision, this_is_a_worker
from .operations import asynchronous
from .signals import SignalThread
from .steps import app_context

__all__ = ["run"]


def run(options: ProcessOptions) -> int:
    """Run steps until a stop is asked for; returns the exit code."""
    this_is_a_worker()
    # What setup left open belongs to the main thread, which runs no steps.
    connections.close_all()
    return process.run(options, lambda stop, health: serve(options, stop, health))


def worker_settings() -> TaskerSettings:
    """The settings, with the handlers of all apps.

    Raises:
        TaskerConfigError: they are wrong, or have no database.
    """
    settings = tasker_settings()
    if "common.database.url" not in settings.core_values():
        raise TaskerConfigError(
            f'{SETTING}["DATABASE"]["URL"] is not set, and a worker needs it: '
            "postgresql://user:password@host:port/database of Tasker (or set DATABASE_URL)"
        )
    return settings.model_copy(update={"handlers": handler_modules()})


async def serve(
    options: ProcessOptions, stop: StopRequest, health: HealthServer | None = None
) -> None:
    """Start the worker, wait for the stop, drain."""
    logged_decision()
    settings = worker_settings()
    signals = SignalThread()
    signals.start()
    try:
        async with asynchronous(settings) as client:
            loop = asyncio.get_running_loop()
            worker = runtime.acquire(settings, loop=loop, standalone=True)
            worker.add_app(app_context())
            try:
                state = TaskerState("worker", settings, client, worker)
                await process.until_stopped(state, stop, options.drain_timeout, health)
            finally:
                # In a thread: the loop must go on while the last steps end.
                await asyncio.to_thread(runtime.release, worker)
    finally:
        signals.stop()
