"""The health server of a worker process, without a worker."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tasker_contrib_fastapi import TaskerSettings
from tasker_contrib_fastapi._internal import health_server
from tasker_contrib_fastapi._internal.health_server import HealthServer, PortTaken
from tasker_contrib_fastapi._internal.startup_report import without_traceback
from tasker_contrib_fastapi.client import TaskerClient
from tasker_contrib_fastapi.lifespan import TaskerState
from tests.worker.test_process import CLIENT, worker


@pytest.fixture
def server() -> Iterator[HealthServer]:
    server = HealthServer("127.0.0.1", 0)
    yield server
    server.close()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def get(server: HealthServer, path: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{server.port}{path}")


def state() -> TaskerState:
    settings = TaskerSettings(orchestration={"url": "http://127.0.0.1:9", "max_retries": 0})
    return TaskerState("client", settings, TaskerClient.from_settings(settings), None)


def test_before_the_worker_runs(server: HealthServer) -> None:
    assert get(server, "/live").json() == {"status": "alive"}
    ready = get(server, "/ready")
    assert ready.status_code == 503
    assert ready.json()["detail"] == "the worker is starting"
    assert "tasker_contrib_handlers_hung" in get(server, "/metrics").text
    assert get(server, "/else").status_code == 404
    assert httpx.head(f"http://127.0.0.1:{server.port}/live").text == ""


def test_components_are_those_of_the_router(
    server: HealthServer, loop: asyncio.AbstractEventLoop
) -> None:
    server.started(state(), loop)
    ready = get(server, "/ready?verbose")
    assert ready.status_code == 503
    components = {c["name"]: c for c in ready.json()["components"]}
    assert components["orchestration"]["status"] == "failed"
    assert components["worker"] == {"name": "worker", "status": "off", "detail": "mode client"}


def test_a_blocked_loop_is_told(
    server: HealthServer, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_server, "_LOOP_SECONDS", 0.1)
    server.started(state(), loop)
    release = threading.Event()
    loop.call_soon_threadsafe(release.wait)
    try:
        ready = get(server, "/ready")
    finally:
        release.set()
    assert ready.status_code == 503
    assert "the event loop is blocked" in ready.json()["detail"]
    assert get(server, "/live").status_code == 200


def test_an_ended_loop_is_told(server: HealthServer) -> None:
    ended = asyncio.new_event_loop()
    ended.close()
    server.started(state(), ended)
    assert get(server, "/ready").json()["detail"] == "the worker has stopped"


def test_a_taken_port_has_a_message_and_the_process_does_not_try_again(
    server: HealthServer, tmp_path: Path
) -> None:
    taken = rf"cannot listen on 127\.0\.0\.1:{server.port} for health checks: .* in use"
    with pytest.raises(PortTaken, match=taken):
        HealthServer("127.0.0.1", server.port)
    (tmp_path / "main.py").write_text(CLIENT)
    code, errors = worker(tmp_path, "--health-port", str(server.port))
    assert code == 2, errors
    assert "give another --health-port" in errors
    assert "Traceback" not in errors


def test_only_the_report_of_this_error_is_shortened(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("uvicorn.error")
    without_traceback(ValueError("pool is 0"))
    log.error("Traceback (most recent call last):\n  …\nValueError: pool is 1\n")
    log.error("Traceback (most recent call last):\n  …\nValueError: pool is 0\n")
    log.error("Traceback (most recent call last):\n  …\nValueError: pool is 0\n")
    texts = [record.getMessage() for record in caplog.records]
    assert [text.startswith("Traceback") for text in texts] == [True, False, True]
    assert texts[1] == "pool is 0"
