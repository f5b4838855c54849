"""The calls of the native library that are used, and nothing else; all of them through one lock.

Why the lock: every native call holds the GIL and takes one process-wide mutex. When the garbage
collector runs inside such a call and a finaliser lets the GIL go, another thread can enter a second
call and wait for the mutex with the GIL in its hand: a deadlock. A Python lock is waited for
without the GIL, so it cannot happen.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..errors import TaskerStartError
from .core_import import native_log_level

T = TypeVar("T")


class _Library:
    """The native library; imported when it is first used."""

    def __getattr__(self, name: str) -> Any:
        from tasker_core import _tasker_core

        return getattr(_tasker_core, name)


_native = _Library()

_lock = threading.Lock()
_booted_in: int | None = None
_forked_from: int | None = None


class ForkedProcess(TaskerStartError):
    """The native worker belongs to a parent process."""


class NativeWorker(Protocol):
    """What the dispatcher needs of the native library."""

    def poll(self) -> dict[str, Any] | None: ...
    def poll_domain_event(self) -> dict[str, Any] | None: ...
    def complete(self, event_id: str, completion: dict[str, Any]) -> bool: ...
    def checkpoint(self, event_id: str, data: dict[str, Any]) -> bool: ...


def _after_fork_in_child() -> None:
    global _lock, _booted_in, _forked_from
    # The lock may be held by a thread that does not exist in the child.
    _lock = threading.Lock()
    if _booted_in is not None:
        _forked_from, _booted_in = _booted_in, None


os.register_at_fork(after_in_child=_after_fork_in_child)


def forked_from() -> int | None:
    """Process id of the parent if that ran a native worker when this process was forked."""
    return _forked_from


def _call(function: Callable[[], T]) -> T:
    if _forked_from is not None:
        raise ForkedProcess(
            f"process {os.getpid()} was forked from {_forked_from}, which runs a native worker; "
            "its threads and connections do not exist here. Start workers after the fork "
            "(gunicorn without --preload) or as `tasker worker`"
        )
    with _lock:
        return function()


def is_running() -> bool:
    """Whether this process has a native worker (of whoever started it)."""
    return _forked_from is None and bool(_call(_native.is_worker_running))


def bootstrap(toml: str, templates: Path, log_level: str | None) -> str:
    """Start the native worker and return its id.

    The whole interpreter stands still meanwhile: 30 to 100 ms, and up to
    `database.connect_timeout` seconds when the database is away.

    Raises:
        TaskerStartError: with what Core said.
    """
    global _booted_in
    handle, name = tempfile.mkstemp(prefix="tasker-", suffix=".toml")  # mode 0600
    saved = {key: os.environ.get(key) for key in ("TASKER_CONFIG_PATH", "TASKER_TEMPLATE_PATH")}
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(toml)
        os.environ["TASKER_CONFIG_PATH"] = name
        os.environ["TASKER_TEMPLATE_PATH"] = str(templates.resolve())
        with native_log_level(log_level):
            result = _call(lambda: _native.bootstrap_worker(None))
    except RuntimeError as error:
        raise TaskerStartError(str(error)) from None
    finally:
        os.unlink(name)
        for key, value in saved.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
    if result.get("status") != "started":
        raise TaskerStartError(
            "a native worker that this package did not start runs in this process already "
            "(tasker_core.Worker.start or bootstrap_worker); remove that call"
        )
    _booted_in = os.getpid()
    return str(result.get("worker_id", ""))


def stop() -> None:
    """Stop the native worker at once; results that it has not sent yet would be lost."""
    global _booted_in
    _booted_in = None
    _call(_native.stop_worker)


def stop_claiming() -> None:
    """Let the worker claim no more steps; completions still work.

    The whole interpreter stands still for five to ten seconds: Core waits for its queue poll and
    for a channel that cannot close, and holds the GIL.
    """
    _call(_native.transition_to_graceful_shutdown)


def status() -> dict[str, Any]:
    """Core's status of the worker."""
    result: dict[str, Any] = _call(_native.get_worker_status)
    return result


def pending() -> int:
    """Steps handed to this process and not yet answered."""
    return int(_call(_native.get_ffi_dispatch_metrics).get("pending_count") or 0)


class Native:
    """The running native worker."""

    def poll(self) -> dict[str, Any] | None:
        """The next claimed step, or None."""
        result: dict[str, Any] | None = _call(_native.poll_step_events)
        return result

    def poll_domain_event(self) -> dict[str, Any] | None:
        """The next domain event that a step of this process published, or None."""
        result: dict[str, Any] | None = _call(_native.poll_in_process_events)
        return result

    def complete(self, event_id: str, completion: dict[str, Any]) -> bool:
        """Hand over the end of a step; False when Core does not know the event any more."""
        return bool(_call(lambda: _native.complete_step_event(event_id, completion)))

    def checkpoint(self, event_id: str, data: dict[str, Any]) -> bool:
        """Store a batch worker's progress; the step comes back as a new event."""
        return bool(_call(lambda: _native.checkpoint_yield_step_event(event_id, data)))
