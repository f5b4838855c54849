"""The worker process and its command, where no stack is needed: what stops them, and --reload."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import eventually

MAIN = "from tasker_contrib_fastapi.cli import main; main()"
COMMAND = [sys.executable, "-c", MAIN, "worker", "main:app"]

PLAIN = "from fastapi import FastAPI\napp = FastAPI()\n"
DATABASE = """
import tasker_contrib_fastapi as tasker
from fastapi import FastAPI

settings = tasker.TaskerSettings(database={"url": "postgresql://u:p@127.0.0.1:1/d"})
app = FastAPI(lifespan=tasker.lifespan(settings))
"""

CLIENT = """
import tasker_contrib_fastapi as tasker
from fastapi import FastAPI
from tasker_contrib_fastapi import TaskerSettings

app = FastAPI(lifespan=tasker.lifespan(TaskerSettings(mode="client")))
"""
LIFESPAN = """
import tasker_contrib_fastapi as tasker
from fastapi import FastAPI

app = FastAPI(lifespan=tasker.lifespan())
"""


def worker(folder: Path, *options: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tasker_contrib_fastapi.worker", "main:app", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        (PLAIN, 2, "the app has no Tasker"),
        (CLIENT, 2, "the app's settings say mode='client', so it starts no worker"),
        (LIFESPAN, 2, "database.url is not set, and a worker needs it"),
        (DATABASE, 2, "template directory 'config/tasks' does not exist"),
        ("app = 3", 2, "int is not a FastAPI application"),
        ("import gone_for_ever", 1, "importing 'main' failed: ModuleNotFoundError"),
    ],
)
def test_apps_without_a_worker(tmp_path: Path, source: str, code: int, message: str) -> None:
    (tmp_path / "main.py").write_text(source)
    exit_code, errors = worker(tmp_path)
    assert exit_code == code, errors
    assert message in errors
    assert "Traceback" not in errors


def test_a_database_that_is_away_is_said_at_once_and_waited_for(tmp_path: Path) -> None:
    """The supervisor gives up on a process that fails at once, and a database may come back."""
    (tmp_path / "main.py").write_text(DATABASE.replace('"}', '", "connect_timeout": 1}'))
    (tmp_path / "config/tasks").mkdir(parents=True)
    code, errors = worker(tmp_path)
    assert code == 1
    said, failed = (line for line in errors.splitlines() if "connection refused" in line)
    assert said.endswith("(trying for 1 s)")
    assert failed.startswith("error: the worker cannot start: connection refused at 127.0.0.1:1 (")


def test_an_exception_of_the_app_shows_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "from contextlib import asynccontextmanager\n"
        "from fastapi import FastAPI\n"
        "@asynccontextmanager\n"
        "async def lifespan(app):\n"
        "    raise RuntimeError('the pool is empty')\n"
        "    yield\n"
        "app = FastAPI(lifespan=lifespan)\n"
    )
    code, errors = worker(tmp_path)
    assert code == 1
    assert 'main.py", line 5' in errors
    assert "RuntimeError: the pool is empty" in errors


def test_each_process_needs_a_health_port(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(CLIENT)
    done = subprocess.run(
        [*COMMAND, "--processes", "3", "--health-port", "65534"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "--health-port 65534 leaves no port for process 3" in done.stderr


def test_a_process_whose_port_is_taken_does_not_try_again(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(CLIENT)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, errors = worker(tmp_path, "--health-port", str(taken.getsockname()[1]))
    assert code == 2, errors
    assert "give another --health-port" in errors
    assert "Traceback" not in errors


def test_the_command_gives_up_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(CLIENT)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from tasker_contrib_fastapi.cli import main; main()",
            "worker",
            "main:app",
            "--processes",
            "2",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    # Whoever comes first ends the other one.
    assert "worker-1 |" in done.stderr or "worker-2 |" in done.stderr
    assert "Giving up. Its last output:" in done.stderr
    assert "fix: leave `mode` out of the code" in done.stderr


def test_reload_notices_a_change_and_a_repaired_app(tmp_path: Path) -> None:
    main = tmp_path / "main.py"
    main.write_text("raise OSError('broken on purpose')\n")
    log = tmp_path / "out.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from tasker_contrib_fastapi.cli import main; main()",
                "worker",
                "main:app",
                "--reload",
            ],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
        )
    try:
        waiting = "waiting for a file to change"
        eventually(lambda: log.read_text().count(waiting) == 1, timeout=60, what="it waits")
        assert "OSError: broken on purpose" in log.read_text()
        main.write_text(PLAIN)
        eventually(lambda: log.read_text().count(waiting) == 2, timeout=60, what="it tried again")
        assert "tasker | main.py changed: restarting" in log.read_text()
        assert "the app has no Tasker" in log.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
