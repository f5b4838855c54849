"""Recovery is found by what it has left in a real database."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from tasker_contrib._internal import recovery
from tasker_contrib._internal.recovery import look_for_recovery
from tasker_contrib.testing import TaskerStack

pytestmark = pytest.mark.xdist_group("stack")


@pytest.fixture
def url(tasker_stack: TaskerStack) -> Iterator[str]:
    """A database of the same PostgreSQL that nobody looks after."""
    stack = tasker_stack.database_url
    with psycopg.connect(stack, autocommit=True) as connection:
        connection.execute("create database nobody")
        yield urlsplit(stack)._replace(path="/nobody").geturl()
        connection.execute("drop database nobody with (force)")


def test_it_works_on_the_local_stack(tasker_stack: TaskerStack) -> None:
    found = look_for_recovery(tasker_stack.database_url)
    assert found.works, found.text


def test_it_is_not_installed(url: str) -> None:
    found = look_for_recovery(url)
    assert found.works is False
    assert "is not installed in 127.0.0.1:" in found.text
    assert "`tasker-recovery install`" in found.text


def test_it_is_installed_and_does_not_run(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create schema tasker_contrib")
        connection.execute("create table tasker_contrib.watch (passed_at timestamptz)")
        found = look_for_recovery(url)
        assert (found.works, "looked at it last not yet" in found.text) == (False, True)
        age = f"interval '{recovery.STALE_SECONDS + 30} seconds'"
        connection.execute(f"insert into tasker_contrib.watch values (now() - {age})")
        found = look_for_recovery(url)
        assert found.works is False
        assert "start `tasker-recovery run`" in found.text


def test_what_cannot_be_asked_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look_for_recovery("postgresql://a:secret@127.0.0.1:9/t")
    assert found.works is None
    assert "secret" not in found.text
    monkeypatch.setattr(recovery, "_driver", lambda: None)
    assert look_for_recovery("postgresql://a@127.0.0.1/t").text.endswith("not installed here")
