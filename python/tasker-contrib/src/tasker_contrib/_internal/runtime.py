"""The worker of a process: started once, shared by all apps in it, drained by the last one.

There is one native worker per process, so there is one `Runtime`. Apps (or several test clients of
one app) take a lease; the last lease to be given back stops the worker.
"""

from __future__ import annotations

import asyncio
import os
import threading

from ..client import TaskerClient
from ..errors import TaskerStartError
from ..settings import TaskerSettings
from .ending import StopReport
from .worker import MakeClient, Runtime

__all__ = ["Runtime", "StopReport", "acquire", "current", "release"]

_current: Runtime | None = None
_lock = threading.Lock()


def current() -> Runtime | None:
    """The runtime of this process; None in a forked child of its process."""
    runtime = _current
    return runtime if runtime is not None and runtime.pid == os.getpid() else None


def acquire(
    settings: TaskerSettings,
    *,
    loop: asyncio.AbstractEventLoop | None = None,
    standalone: bool = False,
    make_client: MakeClient = TaskerClient.from_settings,
) -> Runtime:
    """Start the worker, or share the one that runs. Blocks while Core starts.

    Args:
        settings: of the app.
        loop: run async handlers there instead of on a loop thread of the worker.
        standalone: the process does nothing else.
        make_client: makes the client that handlers get.

    Raises:
        TaskerConfigError, TaskerStartError: see `Runtime.start`.
        TaskerStartError: the worker runs already, with other settings.
    """
    global _current
    with _lock:
        runtime = current()
        if runtime is not None:
            names = runtime.settings.differences(settings)
            if names:
                raise TaskerStartError(
                    "the worker of this process was started with other settings: "
                    f"{', '.join(names)}. Give both apps the same TaskerSettings, or run the "
                    "second one with mode='client'"
                )
            runtime.leases += 1
            return runtime
        runtime = Runtime(settings, standalone=standalone, make_client=make_client)
        runtime.start(loop)
        runtime.leases = 1
        _current = runtime
        return runtime


def release(runtime: Runtime) -> StopReport | None:
    """Give a lease back; the last one stops the worker. Blocks while it drains."""
    global _current
    if runtime.pid != os.getpid():
        return None  # a forked child must not touch the parent's worker
    with _lock:
        runtime.leases -= 1
        if runtime.leases > 0:
            return None
        try:
            return runtime.stop()
        finally:
            _current = None


def _after_fork_in_child() -> None:
    global _lock, _current
    _lock = threading.Lock()
    _current = None


os.register_at_fork(after_in_child=_after_fork_in_child)
