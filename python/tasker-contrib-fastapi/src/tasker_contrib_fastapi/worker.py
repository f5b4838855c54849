"""One worker process: ``python -m tasker_contrib_fastapi.worker app.main:app``.

``tasker worker`` starts and supervises these. The process runs the app's own lifespan, so that
handlers find everything it sets up, but serves none of its routes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

from tasker_contrib._internal import process
from tasker_contrib._internal.health_server import HealthServer
from tasker_contrib._internal.process import ProcessOptions, StopRequest
from tasker_contrib.cli.errors import UsageProblem
from tasker_contrib.cli.target import import_app


async def serve(
    app: Any,
    stop: StopRequest,
    drain_timeout: float | None = None,
    health: HealthServer | None = None,
) -> None:
    """Run the app's lifespan with a worker in it until ``stop``.

    Args:
        app: the FastAPI object.
        stop: ends it.
        drain_timeout: seconds; instead of what the settings say.
        health: is told when the worker runs.

    Raises:
        UsageProblem: the app starts no worker.
        TaskerContribError: the worker cannot start.
    """
    router = getattr(app, "router", None)
    lifespan = getattr(router, "lifespan_context", None)
    if lifespan is None:
        raise UsageProblem(
            f"{type(app).__name__} is not a FastAPI application", fix="name the FastAPI object"
        )
    async with lifespan(app) as state:
        tasker = (state or {}).get("tasker")
        if tasker is None:
            raise UsageProblem(
                "the app has no Tasker", fix="make it with FastAPI(lifespan=tasker.lifespan())"
            )
        if tasker.runtime is None:
            raise UsageProblem(
                f"the app's settings say mode='{tasker.mode}', so it starts no worker",
                fix="leave `mode` out of the code and set TASKER_MODE for the web process instead",
            )
        await process.until_stopped(tasker, stop, drain_timeout, health)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one worker process.

    Returns:
        0 after a stop that was asked for, 1 when it failed, 2 when it can never start as it is
        configured.
    """
    parser = argparse.ArgumentParser(prog="python -m tasker_contrib_fastapi.worker")
    parser.add_argument("target", help="MODULE:APP")
    ProcessOptions.add_arguments(parser)
    parsed = parser.parse_args(arguments)

    def run(stop: StopRequest, health: HealthServer | None) -> Coroutine[Any, Any, None]:
        # The app is imported before there is an event loop, as a server does it.
        return serve(import_app(parsed.target), stop, parsed.drain_timeout, health)

    return process.run(ProcessOptions.of(parsed), run)


if __name__ == "__main__":
    sys.exit(main())
