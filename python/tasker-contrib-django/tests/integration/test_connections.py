"""A step leaves no connection behind, whatever CONN_MAX_AGE says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tasker_contrib.testing import TaskerStack

from ..support import environment
from .many_steps import ALIASES, CONCURRENCY

pytestmark = pytest.mark.xdist_group("stack")

# One for each thread that runs plain handlers, and one for the thread of async ones.
LARGEST = len(ALIASES) * (CONCURRENCY + 1)


def run(stack: TaskerStack, age: int | None, steps: int = 1000) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("many_steps.py"))],
        env=environment(**stack.env, CONN_MAX_AGE=json.dumps(age), STEPS=str(steps)),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_without_persistent_connections_none_is_left(tasker_stack: TaskerStack) -> None:
    found = run(tasker_stack, 0)
    assert found["most"] <= LARGEST
    assert found["after"] == 0
    # DEBUG's list of queries begins anew with each step; async ones share a thread and its list.
    assert found["queries"] <= CONCURRENCY


def test_persistent_connections_are_used_again(tasker_stack: TaskerStack) -> None:
    found = run(tasker_stack, None)
    assert found["most"] <= LARGEST
    assert found["after"] <= LARGEST
