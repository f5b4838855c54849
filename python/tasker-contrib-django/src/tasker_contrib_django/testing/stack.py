"""A real PostgreSQL, server and worker, for the few tests that need them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.test import override_settings
from tasker_contrib.testing import StackError, TaskerStack, start_stack

from ..conf import SETTING, forget
from ..operations import Client, blocking

_READY = "is ready"
_STOP_SECONDS = 60.0


@dataclass
class DjangoStack:
    """A running stack with a worker of this project.

    Attributes:
        stack: PostgreSQL and the server.
        client: a client of that server.
        output: what the worker printed, line by line.
    """

    stack: TaskerStack
    client: Client
    output: list[str] = field(default_factory=list)


@contextmanager
def django_stack(
    manage: str | Path = "manage.py", *, arguments: Sequence[str] = (), timeout: float = 60.0
) -> Iterator[DjangoStack]:
    """Start `tasker-dev` and `manage.py tasker worker`, and stop both at the end.

    The worker is a process of its own: it sees what the test has committed to a database that both
    can reach, so use `TransactionTestCase` and hand it the test database, for example by an
    environment variable that the settings read.

    Args:
        manage: the project's manage.py.
        arguments: more of `tasker worker`.
        timeout: seconds until the worker must be ready.

    Raises:
        StackError: one of them did not start; the message has its output.
    """
    with start_stack() as stack, _pointing_at(stack):
        command = [sys.executable, str(manage), "tasker", "worker", "--no-reload", *arguments]
        worker = subprocess.Popen(
            command,
            env={**os.environ, **stack.env, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output: list[str] = []
            _wait_until_ready(worker, output, timeout)
            from ..conf import tasker_settings

            yield DjangoStack(stack, blocking(tasker_settings()), output)
        finally:
            worker.terminate()
            try:
                worker.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


@contextmanager
def _pointing_at(stack: TaskerStack) -> Iterator[None]:
    from django.conf import settings

    given = dict(getattr(settings, SETTING, {}))
    given["MODE"] = "client"
    given["ORCHESTRATION"] = {**given.get("ORCHESTRATION", {}), "URL": stack.orchestration_url}
    with override_settings(**{SETTING: given}):
        yield
    forget()


def _wait_until_ready(worker: subprocess.Popen[str], output: list[str], timeout: float) -> None:
    ready = threading.Event()

    def read() -> None:
        assert worker.stdout is not None
        for line in worker.stdout:
            output.append(line)
            if _READY in line:
                ready.set()
        ready.set()  # it ended

    threading.Thread(target=read, name="worker-output", daemon=True).start()
    came = ready.wait(timeout)
    if not came or not any(_READY in line for line in output):
        text = "".join(output[-40:]) or "(it printed nothing)"
        raise StackError(f"the worker was not ready within {timeout:g} s:\n{text}")
