"""The health server of a worker process, without a worker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import httpx
import pytest

from tasker_contrib import TaskerSettings
from tasker_contrib._internal import health_server
from tasker_contrib._internal.health_server import HealthServer, PortTaken
from tasker_contrib._internal.state import TaskerState
from tasker_contrib.client import TaskerClient


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


def test_a_taken_port_has_a_message(server: HealthServer) -> None:
    taken = rf"cannot listen on 127\.0\.0\.1:{server.port} for health checks: .* in use"
    with pytest.raises(PortTaken, match=taken):
        HealthServer("127.0.0.1", server.port)
