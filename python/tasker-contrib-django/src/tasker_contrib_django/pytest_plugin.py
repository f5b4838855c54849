"""pytest plugin: the helpers as fixtures, for projects that use pytest-django.

Their names begin with `django_` because the plugin that all packages share has `run_step`, which
calls a handler in a thread of its own, outside of the transaction of the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture
def django_run_step() -> Callable[..., Any]:
    """Runs one handler once; see `tasker_contrib_django.testing.run_step`."""
    from tasker_contrib_django import testing

    return testing.run_step


@pytest.fixture
def django_run_workflow() -> Callable[..., Any]:
    """Runs a template in memory; see `tasker_contrib_django.testing.run_workflow`."""
    from tasker_contrib_django import testing

    return testing.run_workflow


@pytest.fixture
def fake_tasker() -> Iterator[Any]:
    """A `FakeTasker` in place of the server for this test."""
    from tasker_contrib_django import testing

    with testing.fake_tasker() as fake:
        yield fake


@pytest.fixture(scope="session")
def django_tasker_stack() -> Iterator[Any]:
    """A real server and a worker of this project; see `django_stack`."""
    from tasker_contrib_django import testing

    with testing.django_stack() as stack:
        yield stack
