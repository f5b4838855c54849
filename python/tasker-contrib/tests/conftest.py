from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tasker_contrib import TaskerEvent, subscribe
from tasker_contrib._internal._contract import EVENT_DATA
from tasker_contrib._internal.registry import registry


@pytest.fixture
def clean_registry() -> Iterator[None]:
    """An empty registry of handlers for this test."""
    saved = registry.snapshot()
    registry.restore(({}, {}))
    yield
    registry.restore(saved)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Settings of the developer's shell must not reach the tests."""
    for name in list(os.environ):
        if name.startswith("TASKER_") and not name.startswith("TASKER_DEV_"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.fixture(autouse=True)
def _events_carry_what_the_table_says() -> Iterator[None]:
    """Every event of every test has the data that the contract table promises, and no other."""
    wrong: list[TaskerEvent] = []

    def compare(event: TaskerEvent) -> None:
        if set(event.data) != set(EVENT_DATA[event.name]):
            wrong.append(event)

    unsubscribe = subscribe("*", compare)
    yield
    unsubscribe()
    assert wrong == []
