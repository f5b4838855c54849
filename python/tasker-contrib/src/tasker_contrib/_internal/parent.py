"""A child process that ends with its parent."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable


def die_with_parent(parent_pid: int, on_orphaned: Callable[[], None]) -> None:
    """In a child: call ``on_orphaned`` once when the supervisor is gone, however it ended.

    Two ways, because neither is enough alone: on Linux the kernel sends SIGTERM when the parent
    dies, even to a process whose interpreter is stuck in a native call; everywhere, the pipe that
    the supervisor holds on our standard input ends.

    Args:
        parent_pid: The supervisor's process id, to notice that it died before this call.
        on_orphaned: Called from another thread.
    """
    if sys.platform == "linux":
        _ask_kernel_for_sigterm()
    # Programs that the app starts must not read from, or keep open, the supervisor's pipe.
    pipe = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(pipe, 1):
                pass
        on_orphaned()

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
    if os.getppid() != parent_pid:
        on_orphaned()


def _ask_kernel_for_sigterm() -> None:
    import ctypes

    pr_set_pdeathsig = 1
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(pr_set_pdeathsig, int(signal.SIGTERM), 0, 0, 0)
