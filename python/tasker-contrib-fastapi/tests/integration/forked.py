"""Run by test_lifecycle: a process with a native worker forks."""

from __future__ import annotations

import os
import traceback

import app  # noqa: F401 - registers the handlers
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tasker_contrib._internal import native, runtime

import tasker_contrib_fastapi as tasker
from tasker_contrib_fastapi import TaskerSettings

settings = TaskerSettings(drain_timeout=0)
parent = runtime.acquire(TaskerSettings(drain_timeout=0))
child = os.fork()
if child == 0:
    code = 1
    try:
        assert runtime.current() is None
        assert not native.is_running()
        assert runtime.release(parent) is None  # must not stop the parent's worker
        forked = FastAPI(lifespan=tasker.lifespan(settings))
        forked.include_router(tasker.router(), prefix="/tasker")
        with TestClient(forked) as client:  # decides for client
            components = client.get("/tasker/ready").json()["components"]
            assert components[0] == {"name": "worker", "status": "off", "detail": "mode client"}
        try:
            runtime.acquire(TaskerSettings(drain_timeout=0))
        except tasker.TaskerStartError as error:
            print("child refused:", error, flush=True)
            code = 0
    except BaseException:
        traceback.print_exc()
    os._exit(code)
_, status = os.waitpid(child, 0)
print("child:", os.waitstatus_to_exitcode(status), flush=True)
assert native.is_running()
assert parent.health()["dispatcher"][0]
runtime.release(parent)
print("ok")
