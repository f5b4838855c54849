"""The lifespan and the router in processes that only create tasks (worker: tests/integration)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

import tasker_contrib_fastapi as tasker
from tasker_contrib_fastapi import TaskerClientDep, TaskerContribError, TaskerSettings

NOWHERE = {"orchestration": {"url": "http://127.0.0.1:9", "max_retries": 0}}


def make(settings: TaskerSettings | None = None, **options: Any) -> FastAPI:
    app = FastAPI(lifespan=tasker.lifespan(settings, **options))
    app.include_router(tasker.router(tasks=True), prefix="/tasker")
    tasker.install_problem_handlers(app)

    @app.get("/task/{uuid}")
    async def get(uuid: str, client: TaskerClientDep) -> str:
        return (await client.get_task(uuid)).status

    @app.get("/state")
    async def state(request: Request) -> dict[str, Any]:
        return {"mode": request.state.tasker.mode, "db": getattr(request.state, "db", None)}

    return app


def test_wraps_the_users_lifespan_and_merges_its_state(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    order: list[str] = []

    @asynccontextmanager
    async def mine(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        order.append("up")
        yield {"db": "pool"}
        order.append("down")

    @asynccontextmanager
    async def silent(app: FastAPI) -> AsyncIterator[None]:
        yield

    app = make(wrap=mine)
    for _ in range(2):  # several test clients of one app
        with TestClient(app) as client:
            assert client.get("/state").json() == {"mode": "client", "db": "pool"}
    assert order == ["up", "down"] * 2
    lines = [r.message for r in caplog.records if "tasker: " in r.message]
    assert len(lines) == 2
    assert "client" in lines[0]
    assert "pytest is running" in lines[0]
    with TestClient(make(wrap=silent)) as client:
        assert client.get("/state").json() == {"mode": "client", "db": None}


def test_problem_responses_on_own_and_foreign_routes() -> None:
    with TestClient(make(TaskerSettings(**NOWHERE))) as client:
        for path in ("/task/01a20b62-a65a-7d56-8f80-2c60f95d2b82", "/tasker/tasks"):
            answer = client.get(path)
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            body = answer.json()
            assert body["title"] == "Tasker is not reachable"
            assert body["type"].endswith("/unavailable")
            assert body["instance"] == path
        assert client.get("/task/nonsense").status_code == 422


def test_ready_names_the_failing_component_and_live_does_not_care() -> None:
    with TestClient(make(TaskerSettings(**NOWHERE))) as client:
        answer = client.get("/tasker/ready")
        assert answer.status_code == 503
        found = {c["name"]: c["status"] for c in answer.json()["components"]}
        assert found == {
            "worker": "off",
            "database": "off",
            "orchestration": "failed",
            "dispatcher": "off",
            "templates": "off",
        }
        assert client.get("/tasker/live").json() == {"status": "alive"}
        metrics = client.get("/tasker/metrics")
        assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "tasker_contrib_handlers_in_flight 0.0" in metrics.text


def test_off_has_no_client() -> None:
    with TestClient(make(TaskerSettings(mode="off"))) as client:
        with pytest.raises(TaskerContribError, match="mode is 'off'"):
            client.get("/task/x")
        assert client.get("/tasker/ready").status_code == 200


def test_without_lifespan_the_message_says_so() -> None:
    app = FastAPI()
    app.include_router(tasker.router(), prefix="/tasker")

    @app.get("/x")
    async def x(client: TaskerClientDep) -> None: ...

    client = TestClient(app)
    with pytest.raises(TaskerContribError, match="has no Tasker"):
        client.get("/x")
    assert client.get("/tasker/ready").status_code == 503


def test_wrong_settings_stop_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKER_DATABASE__POOL_SIZE", "0")
    with pytest.raises(tasker.TaskerConfigError, match="1 to 1000"), TestClient(make()):
        pass
