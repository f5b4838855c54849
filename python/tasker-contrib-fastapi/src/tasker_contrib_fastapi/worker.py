"""One worker process: ``python -m tasker_contrib_fastapi.worker app.main:app``.

``tasker worker`` starts and supervises these; see ``_internal/supervisor.py``. The process runs
the app's own lifespan, so that handlers find everything it sets up, but serves none of its routes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import faulthandler
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from tasker_contrib_fastapi._internal.health_server import HealthServer, PortTaken
from tasker_contrib_fastapi._internal.mode import STANDALONE_VARIABLE
from tasker_contrib_fastapi._internal.supervisor import EXIT_UNUSABLE, die_with_parent
from tasker_contrib_fastapi.cli.errors import CliProblem, UsageProblem
from tasker_contrib_fastapi.cli.target import import_app
from tasker_contrib_fastapi.errors import TaskerConfigError, TaskerContribError

# What a stop takes beside the drain: Core's own stop blocks for up to ten seconds, and the last
# answers get five to reach the server.
STOP_MARGIN_SECONDS = 25.0

logger = logging.getLogger("tasker_contrib_fastapi")


class StopRequest:
    """Set by a signal or by the end of the supervisor, at any moment and from any thread."""

    def __init__(self) -> None:
        # Not an Event: a second signal would deadlock in the lock that `set` holds for the first.
        self._asked = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event: asyncio.Event | None = None

    def ask(self, *_: object) -> None:
        """Ask for the stop; again makes no difference (service managers signal each process)."""
        self._asked = True
        loop, event = self._loop, self._event
        if loop is not None and event is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                loop.call_soon_threadsafe(event.set)

    async def wait(self) -> None:
        """Wait until a stop is asked for."""
        self._event = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if not self._asked:
            await self._event.wait()


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
        runtime = tasker.runtime
        if drain_timeout is not None:
            update = {"drain_timeout": drain_timeout}
            runtime.settings = runtime.settings.model_copy(update=update)
        if health is not None:
            health.started(tasker, asyncio.get_running_loop())
        logger.info("worker process %d is ready", os.getpid())
        await stop.wait()
        # From outside the interpreter: a handler stuck in native code would hold it for ever.
        faulthandler.dump_traceback_later(
            runtime.settings.drain_timeout + STOP_MARGIN_SECONDS, exit=True
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one worker process.

    Returns:
        0 after a stop that was asked for, 1 when it failed, 2 when it can never start as it is
        configured.
    """
    parser = argparse.ArgumentParser(prog="python -m tasker_contrib_fastapi.worker")
    parser.add_argument("target", help="MODULE:APP")
    parser.add_argument("--parent-pid", type=int, help="end when this process ends")
    parser.add_argument("--drain-timeout", type=float, help="seconds")
    parser.add_argument("--health-host", default="127.0.0.1", help="address of --health-port")
    parser.add_argument("--health-port", type=int, help="serve /live, /ready and /metrics")
    options = parser.parse_args(arguments)

    stop = StopRequest()
    # The host of the worker is this process, so signals are its business, from the first moment:
    # a SIGTERM while Core starts must end in a drain too.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop.ask)
    if options.parent_pid is not None:
        die_with_parent(options.parent_pid, stop.ask)
    os.environ[STANDALONE_VARIABLE] = "1"
    # The command says what this process is; the variable may say what the web process is.
    os.environ["TASKER_MODE"] = "worker"
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format="%(levelname)-7s %(name)s: %(message)s")
    try:
        with contextlib.ExitStack() as stack:
            health = None
            if options.health_port is not None:
                health = HealthServer(options.health_host, options.health_port)
                stack.callback(health.close)
                logger.info("health checks on http://%s:%d", options.health_host, health.port)
            app = import_app(options.target)
            asyncio.run(serve(app, stop, options.drain_timeout, health))
    except CliProblem as problem:
        print(f"error: {problem.render()}", file=sys.stderr, flush=True)
        return problem.exit_code
    except (TaskerConfigError, PortTaken) as problem:
        print(f"error: {problem}", file=sys.stderr, flush=True)
        return EXIT_UNUSABLE
    except TaskerContribError as problem:
        print(f"error: {problem}", file=sys.stderr, flush=True)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
