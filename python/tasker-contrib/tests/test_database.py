"""What a worker says when its database is not there."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import Any

import pytest

from tasker_contrib import TaskerSettings, TaskerStartError
from tasker_contrib._internal import database

from .support import free_port


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def url(port: int, host: str = "127.0.0.1") -> str:
    return f"postgresql://app:s3cret@{host}:{port}/app"


@pytest.mark.parametrize("how", ["option", "environment", "file", "core"])
def test_a_refused_connection_names_the_address_and_where_it_was_set(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    given: dict[str, Any] = {}
    where = "database.url"
    if how == "option":
        given = {"database": {"url": url(port)}}
    elif how == "environment":
        monkeypatch.setenv("DATABASE_URL", url(port))
        where = "DATABASE_URL"
    elif how == "file":
        (tmp_path / "tasker.toml").write_text(f'[database]\nurl = "{url(port)}"\n')
        where = "database.url in tasker.toml"
    else:
        given = {"core": {"common.pgmq_database.url": url(port)}}
        where = "common.pgmq_database.url"
    with pytest.raises(TaskerStartError) as caught:
        database.must_listen(TaskerSettings(**given))
    assert str(caught.value) == (
        f"the worker cannot start: connection refused at 127.0.0.1:{port} ({where}); "
        "is PostgreSQL running there? `tasker-dev up` starts one"
    )


def test_a_host_without_an_address() -> None:
    settings = TaskerSettings(database={"url": url(5432, "nobody.invalid")})
    with pytest.raises(TaskerStartError, match=r"'nobody.invalid' cannot be resolved \(database"):
        database.must_listen(settings)


def test_a_worker_process_waits_for_a_database_that_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        said: list[str] = []

        class Starts(logging.Handler):
            """Begins to listen when the problem has been said."""

            def emit(self, record: logging.LogRecord) -> None:
                said.append(record.getMessage())
                server.listen()

        handler = Starts()
        monkeypatch.setattr(database.logger, "handlers", [handler])
        settings = TaskerSettings(database={"url": url(port)})
        database.must_listen(settings, patience=60)
        server.settimeout(5)
        server.accept()[0].close()  # it has tried again
    assert said == [
        f"connection refused at 127.0.0.1:{port} (database.url); is PostgreSQL running there? "
        "`tasker-dev up` starts one (trying for 60 s)"
    ]


@pytest.mark.parametrize(
    ("core", "text"),
    [
        (
            "Bootstrap failed: Database error: Failed to create pool: error returned from "
            'database: password authentication failed for user "app"',
            'password authentication failed for user "app" (database 127.0.0.1:5432/app); '
            "correct the user or the password in database.url",
        ),
        (
            "Bootstrap failed: Database error: Failed to create pool: unexpected response",
            "unexpected response (database 127.0.0.1:5432/app)",
        ),
        ("Bootstrap failed: no templates", "no templates"),
    ],
)
def test_what_core_says_is_passed_on_without_its_layers(core: str, text: str) -> None:
    error = database.start_error(TaskerSettings(database={"url": url(5432)}), core)
    assert str(error) == f"the worker cannot start: {text}"
