"""The child processes of a supervisor, and their output."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO

_LAST_LINES = 20


@dataclass
class Child:
    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    immediate_failures: int = 0
    restart_at: float | None = None
    stopping: bool = False
    stop_before: float | None = None
    respawn: bool = False
    pumps: list[threading.Thread] = field(default_factory=list)
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_LINES))


def copy_output(child: Child, pipe: IO[bytes] | None, sink: IO[str]) -> None:
    """Copy a child's output line by line, each with its name in front."""
    if pipe is None:
        return
    with pipe:
        for raw in pipe:
            line = raw.decode(errors="replace").rstrip("\n")
            child.last_lines.append(line)
            # The reader of our output may be gone; the child must not block on a full pipe.
            with contextlib.suppress(OSError, ValueError):
                sink.write(f"{child.name} | {line}\n")
                sink.flush()


def describe(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def log_to_stderr(message: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"tasker | {message}\n")
        sys.stderr.flush()
