"""pytest plugin: the helpers of this package as fixtures.

``step_context``, ``run_step`` and ``run_workflow`` are the functions of the same name.
``tasker_stack`` is a running ``tasker-dev``, one per test session; with pytest-xdist each worker
process has its own, so that tests of different workers cannot meet in one database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tasker_contrib import StepContext, testing


@pytest.fixture
def step_context() -> Callable[..., StepContext]:
    """Builds a ``StepContext``; see ``tasker_contrib.testing.step_context``."""
    from tasker_contrib.testing import step_context

    return step_context


@pytest.fixture
def run_step() -> Callable[..., testing.StepResult]:
    """Runs one handler once; see ``tasker_contrib.testing.run_step``."""
    from tasker_contrib.testing import run_step

    return run_step


@pytest.fixture
def run_workflow() -> Callable[..., testing.WorkflowRun]:
    """Runs a template in memory; see ``tasker_contrib.testing.run_workflow``."""
    from tasker_contrib.testing import run_workflow

    return run_workflow


@pytest.fixture(scope="session")
def tasker_stack() -> Iterator[testing.TaskerStack]:
    """A real PostgreSQL and orchestration server, thrown away at the end of the session.

    Raises:
        StackError: ``tasker-dev`` was not found or did not start; the message has the fix.
    """
    from tasker_contrib.testing.stack import start_stack

    with start_stack() as stack:
        yield stack
