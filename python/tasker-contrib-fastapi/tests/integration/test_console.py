"""What somebody sees who starts a new project with plain uvicorn."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tasker_contrib_fastapi.cli import project
from tasker_contrib_fastapi.testing import TaskerStack

from ..support import eventually, free_port
from .support import App, Place, start

UVICORN = ("uvicorn", "app.main:app", "--port", "0")
CLIENT = "tasker: client (no database.url: DATABASE_URL is not set"


@dataclass
class NewProject(Place):
    """What `tasker init` makes, started without any variable of ours."""

    def env(self, **more: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **more}


@pytest.fixture
def shop(tmp_path: Path) -> NewProject:
    for file in project.files(tmp_path / "shop"):
        path = tmp_path / "shop" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
    return NewProject("shop", tmp_path / "shop", TaskerStack("", "", "", tmp_path))


def lines(app: App) -> list[str]:
    return [line for line in app.lines if "tasker: " in line]


@contextlib.contextmanager
def started(shop: NewProject, *options: str, **env: str) -> Iterator[App]:
    with start(shop, (*UVICORN, *options), **env) as app:
        app.wait_for("Application startup complete")
        yield app


@pytest.mark.parametrize("options", [(), ("--log-level", "debug"), ("--no-use-colors",)])
def test_the_start_line_is_visible_in_uvicorns_format(
    shop: NewProject, options: tuple[str, ...]
) -> None:
    with started(shop, *options) as app:
        assert lines(app) == [f"INFO:     {CLIENT})\n"]


def test_below_gunicorn_the_line_is_in_its_format(shop: NewProject) -> None:
    command = ("gunicorn", "app.main:app", "-k", "uvicorn.workers.UvicornWorker")
    with start(shop, (*command, "-b", "127.0.0.1:0")) as app:
        app.wait_for("Application startup complete")
        (line,) = lines(app)
        assert re.fullmatch(rf"\[.+\] \[\d+\] \[INFO\] {re.escape(CLIENT)}\)\n", line)


def test_a_forgotten_env_file_is_named(shop: NewProject) -> None:
    (shop.folder / ".env").write_text((shop.folder / ".env.example").read_text())
    with started(shop) as app:
        assert lines(app) == [f"INFO:     {CLIENT}; .env has it: start with --env-file .env)\n"]


def test_uvicorns_level_counts(shop: NewProject) -> None:
    port = str(free_port())
    with start(shop, (*UVICORN[:-1], port, "--log-level", "warning")) as app:
        eventually(lambda: _answers(f"http://127.0.0.1:{port}/tasker/live"))
        app.stop()
        assert lines(app) == []


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def test_a_level_that_the_app_sets_counts(shop: NewProject) -> None:
    main = shop.folder / "app/main.py"
    main.write_text("import logging\nlogging.basicConfig(level='WARNING')\n" + main.read_text())
    with started(shop) as app:
        assert lines(app) == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_app_that_configures_logging_gets_each_line_once(shop: NewProject, when: str) -> None:
    main = shop.folder / "app/main.py"
    call = "import logging\nlogging.basicConfig(level='INFO', format='MINE %(message)s')\n"
    if when == "before":
        main.write_text(call + main.read_text())
    else:
        # In a dependency of the lifespan: our line is out already.
        main.write_text(
            main.read_text()
            + "\n\n@app.get('/configure')\nasync def configure() -> None:\n"
            + "".join(f"    {line}\n" for line in call.splitlines())
            + "    logging.getLogger('tasker_contrib').warning('tasker: later')\n"
            + "    logging.getLogger('tasker_contrib').info('tasker: more')\n"
        )
    with started(shop) as app:
        if when == "before":
            assert lines(app) == [f"MINE {CLIENT})\n"]
            return
        assert app.get("/configure").status_code == 200
        app.wait_for("tasker: more")
        assert lines(app)[1:] == ["MINE tasker: later\n", "MINE tasker: more\n"]


def test_a_logging_configuration_of_uvicorn_is_left_alone(shop: NewProject) -> None:
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"mine": {"format": "MINE %(message)s"}},
        "handlers": {"mine": {"class": "logging.StreamHandler", "formatter": "mine"}},
        "root": {"level": "INFO", "handlers": ["mine"]},
    }
    (shop.folder / "log.json").write_text(json.dumps(config))
    with started(shop, "--log-config", "log.json") as app:
        assert lines(app) == [f"MINE {CLIENT})\n"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            (":tasker@", ":s3cret@"),
            'password authentication failed for user "tasker" (database {place}); '
            "correct the user or the password in DATABASE_URL",
        ),
        (
            ("/tasker", "/nowhere"),
            'database "nowhere" does not exist (database {place}); '
            "create it, or correct the name in DATABASE_URL",
        ),
    ],
)
def test_a_database_that_refuses_is_one_line(
    shop: NewProject, tasker_stack: TaskerStack, wrong: tuple[str, str], message: str
) -> None:
    head, found, tail = tasker_stack.database_url.rpartition(wrong[0])
    assert found
    url = head + wrong[1] + tail
    with start(shop, UVICORN, DATABASE_URL=url) as app:
        assert app.process.wait(30) not in (0, None)
        assert app.reader is not None
        app.reader.join(10)
    place = url.rpartition("@")[2]
    expected = f"ERROR:    the worker cannot start: {message.format(place=place)}\n"
    assert [line for line in app.lines if re.search("error|cannot|failed for", line, re.I)] == [
        expected,
        "ERROR:    Application startup failed. Exiting.\n",
    ], app.log
    assert "s3cret" not in app.log


def test_an_unused_handler_does_not_stop_the_start(
    shop: NewProject, tasker_stack: TaskerStack
) -> None:
    (shop.folder / "app/handlers/pay.py").write_text(
        "from tasker_contrib_fastapi import step_handler\n\n\n"
        "@step_handler('shop.pay')\ndef pay() -> None: ...\n"
    )
    with started(shop, **tasker_stack.env) as app:
        assert [line for line in app.lines if "shop.pay" in line] == [
            "WARNING:  handler 'shop.pay' never runs: no step of a template has "
            "`handler: {callable: shop.pay}`\n"
        ]
        assert lines(app) == [
            "INFO:     tasker: worker (a database and task templates are configured)\n"
        ]
