"""One worker process, whatever the framework: signals, health checks, exit codes.

A supervisor starts and watches these; see `supervisor.py`.
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
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from ..cli.errors import CliProblem
from ..errors import TaskerConfigError, TaskerContribError
from .health_server import HealthServer, PortTaken
from .mode import STANDALONE_VARIABLE
from .parent import die_with_parent
from .state import TaskerState
from .supervisor import EXIT_UNUSABLE

# What a stop takes beside the drain: Core's own stop blocks for up to ten seconds, and the last
# answers get five to reach the server.
STOP_MARGIN_SECONDS = 25.0

logger = logging.getLogger("tasker_contrib")


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


@dataclass(frozen=True)
class ProcessOptions:
    """How one worker process runs.

    Attributes:
        parent_pid: end when this process ends.
        drain_timeout: seconds; instead of what the settings say.
        health_host: address of `health_port`.
        health_port: serve /live, /ready and /metrics; None for no server.
    """

    parent_pid: int | None = None
    drain_timeout: float | None = None
    health_host: str = "127.0.0.1"
    health_port: int | None = None

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the options to a parser."""
        parser.add_argument("--parent-pid", type=int, help="end when this process ends")
        parser.add_argument("--drain-timeout", type=float, help="seconds")
        parser.add_argument("--health-host", default="127.0.0.1", help="address of --health-port")
        parser.add_argument("--health-port", type=int, help="serve /live, /ready and /metrics")

    @classmethod
    def of(cls, parsed: argparse.Namespace) -> ProcessOptions:
        """The options among parsed arguments."""
        return cls(parsed.parent_pid, parsed.drain_timeout, parsed.health_host, parsed.health_port)


Serve = Callable[[StopRequest, "HealthServer | None"], Coroutine[Any, Any, None]]


async def until_stopped(
    state: TaskerState,
    stop: StopRequest,
    drain_timeout: float | None = None,
    health: HealthServer | None = None,
) -> None:
    """Wait for the stop of a worker that runs. What comes after it must end soon.

    Args:
        state: of the app; it has a runtime.
        stop: ends it.
        drain_timeout: seconds; instead of what the settings say.
        health: is told that the worker runs.
    """
    runtime = state.runtime
    assert runtime is not None
    if drain_timeout is not None:
        update = {"drain_timeout": drain_timeout}
        runtime.settings = runtime.settings.model_copy(update=update)
    if health is not None:
        health.started(state, asyncio.get_running_loop())
    logger.info("worker process %d is ready", os.getpid())
    await stop.wait()
    # From outside the interpreter: a handler stuck in native code would hold it for ever.
    faulthandler.dump_traceback_later(
        runtime.settings.drain_timeout + STOP_MARGIN_SECONDS, exit=True
    )


def run(options: ProcessOptions, serve: Serve) -> int:
    """Run this process as a worker.

    Args:
        options: of the process.
        serve: runs until the stop; it gets the health server, too.

    Returns:
        0 after a stop that was asked for, 1 when it failed, 2 when it can never start as it is
        configured.
    """
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
            asyncio.run(serve(stop, health))
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
