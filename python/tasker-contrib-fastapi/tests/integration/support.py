"""Starts the app of the integration tests as a user would, in a process of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tasker_contrib_fastapi.testing import TaskerStack

from ..support import eventually
from .templates import write_templates

HERE = Path(__file__).parent
_numbers = itertools.count(1)


@dataclass
class Place:
    """A namespace, its templates and a folder: what one test has for itself."""

    ns: str
    folder: Path
    stack: TaskerStack

    def env(self, **more: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "NS": self.ns,
            "WORK": str(self.folder),
            "TASKER_TEMPLATES": str(self.folder / "tasks"),
            "TASKER_HANDLERS": "app",
            # app.py imports Core before our package, which cannot quieten it any more then.
            "LOG_LEVEL": "error",
            "TASKER_DATABASE__MIN_CONNECTIONS": "1",
            "TASKER_DATABASE__POOL_SIZE": "5",
            "PYTHONPATH": str(HERE),
            "PYTHONUNBUFFERED": "1",
            **self.stack.env,
            **more,
        }


def new_place(stack: TaskerStack, folder: Path) -> Place:
    ns = f"it_{uuid.uuid4().hex[:8]}"
    write_templates(folder / "tasks", ns)
    return Place(ns, folder, stack)


@dataclass
class App:
    """A running app."""

    place: Place
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    reader: threading.Thread | None = None

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def wait_for(self, pattern: str, timeout: float = 60.0, count: int = 1) -> list[str]:
        """Wait until the log matches `count` times."""

        def look() -> list[str]:
            found = re.findall(pattern, self.log)
            if len(found) < count and self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}:\n{self.log}")
            return found if len(found) >= count else []

        return eventually(look, timeout=timeout, what=f"{pattern!r} in:\n{self.log}")

    @property
    def url(self) -> str:
        return self.wait_for(r"(http://127\.0\.0\.1:\d+)")[-1]

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=10)

    def create(self, name: str, **context: Any) -> str:
        context.setdefault("n", 1)
        context["nonce"] = next(_numbers)
        body = {"name": name, "namespace": self.place.ns, "context": context}
        answer = httpx.post(self.url + "/tasker/tasks", json=body, timeout=10)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["task_uuid"])

    def task(self, uuid: str) -> dict[str, Any]:
        answer = self.get(f"/tasker/tasks/{uuid}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ended(self, uuid: str, timeout: float = 90.0) -> dict[str, Any]:
        ends = {"complete", "error", "blocked_by_failures", "cancelled"}

        def look() -> dict[str, Any] | None:
            task = self.task(uuid)
            return task if task["status"] in ends else None

        found = eventually(look, timeout=timeout, what=f"the end of {uuid}:\n{self.log}")
        assert found is not None
        return found

    def stop(self, timeout: float = 90.0) -> int:
        """SIGTERM; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        if self.reader is not None:
            self.reader.join(10)  # the last lines are still in the pipe
        return code


@contextlib.contextmanager
def start(
    place: Place,
    command: Sequence[str] = ("uvicorn", "app:app", "--port", "0"),
    *,
    cwd: Path | None = None,
    **env: str,
) -> Iterator[App]:
    """Run a Python module; stop it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env=place.env(**env),
        cwd=cwd or place.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    app = App(place, process)

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            app.lines.append(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    app.reader = reader
    try:
        yield app
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join(5)


def by_name(task: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in task["steps"]}
