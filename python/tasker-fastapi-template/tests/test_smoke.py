"""The application as it is deployed: a web process and a worker, on the real server."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.database import make_sessions
from app.users import SqlUsers, new_user
from tests.conftest import PASSWORD, ROOT
from tests.postgres import on_postgres

pytestmark = pytest.mark.stack

PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for(what: str, look: Callable[[], Any]) -> Any:
    """Look until there is something to see."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if seen := look():
            return seen
        time.sleep(0.1)
    pytest.fail(f"{what}: nothing within {PATIENCE:g} s")


@contextmanager
def process(
    environment: dict[str, str], log: Path, *command: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program of this environment, and see that it ends in order after SIGTERM."""
    program = Path(sys.executable).parent / command[0]
    with log.open("wb") as output:
        running = subprocess.Popen(
            [str(program), *command[1:]],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield running
        running.send_signal(signal.SIGTERM)
        # uvicorn stops in order, then lets the signal end it; process 1 of a container ends with 0.
        assert running.wait(PATIENCE) in (0, -signal.SIGTERM)
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()
        print(log.read_text())


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def api(environment: dict[str, str], tmp_path: Path) -> Iterator[httpx.Client]:
    web, worker = free_port(), free_port()
    serve = ["uvicorn", "app.main:app", "--port", str(web)]
    work = ["tasker", "worker", "app.main:app", "--health-port", str(worker)]
    url = f"http://127.0.0.1:{web}"
    with (
        process(environment, tmp_path / "worker.log", *work),
        process(environment, tmp_path / "web.log", *serve),
        httpx.Client(base_url=url, timeout=PATIENCE) as client,
    ):
        wait_for("the web process", lambda: is_ready(f"{url}/tasker"))
        wait_for("the worker", lambda: is_ready(f"http://127.0.0.1:{worker}"))
        yield client


def test_documents_are_published_with_and_without_a_person(
    api: httpx.Client, environment: dict[str, str]
) -> None:
    user = new_user("smoke@example.org", PASSWORD, is_reviewer=True)
    on_postgres(environment, lambda engine: SqlUsers(make_sessions(engine)).add(user))
    form = {"username": "smoke@example.org", "password": PASSWORD}
    token = api.post("/token", data=form).raise_for_status().json()["access_token"]
    api.headers["Authorization"] = f"Bearer {token}"

    def upload(content: str) -> str:
        answer = api.post(
            "/documents",
            files={"file": ("letter.txt", content)},
            headers={"Idempotency-Key": uuid4().hex},
        )
        return str(answer.raise_for_status().json()["id"])

    def becomes(document_id: str, status: str) -> None:
        def look() -> bool:
            found = api.get(f"/documents/{document_id}").raise_for_status().json()
            return bool(found["status"] == status)

        wait_for(f"status {status}", look)

    plain, doubtful = upload("a page of words\fand one more page"), upload("?")
    becomes(doubtful, "waiting_for_review")
    api.post(f"/documents/{doubtful}/review", json={"approved": True}).raise_for_status()
    becomes(doubtful, "published")
    becomes(plain, "published")
