"""Run by test_lifecycle: several apps, test clients and starts in one process."""

from __future__ import annotations

import app as first
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tasker_contrib._internal import runtime

import tasker_contrib_fastapi as tasker
from tasker_contrib_fastapi import TaskerSettings, TaskerStartError

SAME = TaskerSettings(mode="worker", drain_timeout=0)
OTHER = TaskerSettings(mode="worker", drain_timeout=0, worker={"concurrency": 3})


def make(settings: TaskerSettings) -> FastAPI:
    app = FastAPI(lifespan=tasker.lifespan(settings))
    app.include_router(tasker.router(tasks=True), prefix="/tasker")
    return app


def worker_id() -> str:
    current = runtime.current()
    return current.worker_id if current else "none"


with TestClient(make(SAME)) as one:
    started = worker_id()
    with TestClient(make(SAME)) as two:
        assert worker_id() == started, "the second app shares the worker"
        assert one.get("/tasker/ready").status_code == 200
        assert two.get("/tasker/ready").status_code == 200
    assert worker_id() == started, "the worker outlives the second app"
    try:
        with TestClient(make(OTHER)):
            raise AssertionError("a second start with other settings must fail")
    except TaskerStartError as error:
        print("refused:", error)
    body = {"name": "dsl", "namespace": first.NS, "context": {"n": 1, "nonce": "two-apps"}}
    print("created:", one.post("/tasker/tasks", json=body).status_code)
assert worker_id() == "none"
with TestClient(make(OTHER)) as three:  # after the first one ended, other settings are fine
    assert worker_id() not in ("none", started)
    assert three.get("/tasker/ready").status_code == 200
print("ok")
