from __future__ import annotations

from collections.abc import Iterator

import pytest
from tasker_contrib._internal.registry import registry

from tasker_contrib_django import conf
from tasker_contrib_django.client import clients

from .support import own_environment


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings of the developer's shell must not reach the tests, nor those of another test."""
    own_environment(monkeypatch)
    conf.forget()
    clients.reset()
    yield
    conf.forget()
    clients.reset()


@pytest.fixture
def clean_registry() -> Iterator[None]:
    """An empty registry of handlers for this test."""
    saved = registry.snapshot()
    registry.restore(({}, {}))
    yield
    registry.restore(saved)
