"""Runs the project's manage.py as a user would, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

ROOT = Path(__file__).parents[1]
PROJECT = Path(__file__).parent / "project"
MANAGE = PROJECT / "manage.py"


def eventually(check: Callable[[], T], *, timeout: float = 60.0, what: str = "") -> T:
    """Call `check` until it returns something true; return that."""
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what or check}")
        time.sleep(0.02)


def program(name: str) -> str:
    """A program of this environment, such as gunicorn."""
    return str(Path(sys.executable).with_name(name))


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


def manage(
    *words: str, cwd: Path | None = None, script: Path = MANAGE, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, str(script), *words],
        env=environment(**env),
        cwd=cwd or script.parent,
        capture_output=True,
        text=True,
        timeout=600,
    )


def own_environment(patch: pytest.MonkeyPatch) -> None:
    """Take the settings of the developer's shell away."""
    for name in list(os.environ):
        if name.startswith("TASKER_") and not name.startswith("TASKER_DEV_"):
            patch.delenv(name)
    patch.delenv("DATABASE_URL", raising=False)


@dataclass
class Running:
    """A command that runs until it is stopped."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    reader: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def wait_for(self, pattern: str, *, count: int = 1, timeout: float = 60.0) -> list[str]:
        """Wait until the output matches `count` times."""

        def look() -> list[str]:
            found = re.findall(pattern, self.log)
            if len(found) < count and self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}:\n{self.log}")
            return found if len(found) >= count else []

        return eventually(look, timeout=timeout, what=f"{pattern!r} in:\n{self.log}")

    def stop(self, timeout: float = 60.0) -> int:
        """SIGTERM; returns the exit code, with the whole output in `log`."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        self.reader.join(timeout)
        return code


@contextlib.contextmanager
def running(
    *words: str, cwd: Path | None = None, script: Path = MANAGE, **env: str
) -> Iterator[Running]:
    """Run a command of manage.py; end it at the end, whatever happened."""
    with serving(str(script), *words, cwd=cwd or script.parent, **env) as found:
        yield found


@contextlib.contextmanager
def serving(*words: str, cwd: Path, **env: str) -> Iterator[Running]:
    """Run a program that is written in Python in the same way."""
    process = subprocess.Popen(
        [sys.executable, *words],
        env=environment(**env),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    found = Running(process)
    try:
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        found.reader.join(5)
