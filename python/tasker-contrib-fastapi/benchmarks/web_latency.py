"""Latency of a trivial route: no steps, worker inside the web process, worker apart.

Run it with ``cargo xtask bench fastapi``, which prepares the environment and the local stack.
Prints one JSON line per case: milliseconds at the median and the 99th percentile, and the ratio of
the latter to the case without steps.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx

from tasker_contrib_fastapi.testing import start_stack

SECONDS = 10.0
TASKS_PER_SECOND = 10.0
REQUESTS_PER_SECOND = 100.0
PATIENCE = 60.0

TEMPLATE = """\
name: busy
namespace_name: bench
version: 1.0.0
steps:
  - {name: first, handler: {callable: bench.rows}}
  - {name: second, handler: {callable: bench.rows}, dependencies: [first]}
  - {name: third, handler: {callable: bench.rows}, dependencies: [second]}
"""

APP = """\
import json

import tasker_contrib_fastapi as tasker
from fastapi import FastAPI


@tasker.step_handler("bench.rows")
def rows() -> int:
    rows = [{"number": number, "name": str(number) * 3} for number in range(20_000)]
    return len(json.loads(json.dumps(rows)))


app = FastAPI(lifespan=tasker.lifespan())


@app.get("/trivial")
async def trivial() -> int:
    return 1
"""


def main() -> None:
    """Measure the three cases on one stack."""
    with tempfile.TemporaryDirectory() as folder, start_stack() as stack:
        app = Path(folder)
        (app / "config/tasks").mkdir(parents=True)
        (app / "config/tasks/busy.yaml").write_text(TEMPLATE)
        (app / "main.py").write_text(APP)
        env = {**os.environ, **stack.env, "TASKER_HANDLERS": "main", "TASKER_DRAIN_TIMEOUT": "0"}
        idle: float | None = None
        for case in ("no steps", "worker embedded", "worker apart"):
            with contextlib.ExitStack() as processes:
                web_env = env
                if case == "worker apart":
                    web_env = {**env, "TASKER_MODE": "client"}
                    worker = ["tasker_contrib_fastapi.worker", "main:app"]
                    processes.enter_context(process(app, env, worker, "is ready"))
                web = ["uvicorn", "main:app", "--port", "0"]
                match = processes.enter_context(
                    process(app, web_env, web, r"running on (http://\S+)")
                )
                tasks = None if case == "no steps" else stack.orchestration_url
                latencies = asyncio.run(measure(f"{match.group(1)}/trivial", tasks))
            p99 = statistics.quantiles(latencies, n=100)[98]
            idle = idle or p99
            result = {
                "case": case,
                "requests": len(latencies),
                "p50_ms": round(statistics.median(latencies), 1),
                "p99_ms": round(p99, 1),
                "p99_ratio_to_no_steps": round(p99 / idle, 1),
            }
            print(json.dumps(result), flush=True)


@contextlib.contextmanager
def process(
    folder: Path, env: dict[str, str], module: list[str], ready: str
) -> Iterator[re.Match[str]]:
    """Run a Python module until the end of the block; yields the match of its ready line."""
    log = folder / f"{module[0]}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", *module], cwd=folder, env=env, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not (match := re.search(ready, log.read_text())):
            if child.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{' '.join(module)} is not ready:\n{log.read_text()}")
            time.sleep(0.01)
        yield match
    finally:
        child.terminate()
        child.wait(PATIENCE)
        log.unlink()


async def measure(url: str, tasks: str | None) -> list[float]:
    """Milliseconds of each request, sent one after the other while tasks are created."""
    latencies: list[float] = []
    async with httpx.AsyncClient(timeout=PATIENCE) as client, load(tasks):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            begun = time.perf_counter()
            (await client.get(url)).raise_for_status()
            latencies.append((time.perf_counter() - begun) * 1000)
            await asyncio.sleep(1 / REQUESTS_PER_SECOND)
    return latencies


@contextlib.asynccontextmanager
async def load(tasks: str | None) -> AsyncIterator[None]:
    """Create tasks at a steady rate, if there is a server to create them on."""
    if tasks is None:
        yield
        return

    async def create() -> None:
        async with httpx.AsyncClient(base_url=tasks, timeout=PATIENCE) as client:
            while True:
                body = {
                    "name": "busy",
                    "namespace": "bench",
                    "version": "1.0.0",
                    "context": {"nonce": str(uuid.uuid4())},
                    "initiator": "benchmark",
                    "source_system": "benchmark",
                    "reason": "load",
                }
                (await client.post("/v1/tasks", json=body)).raise_for_status()
                await asyncio.sleep(1 / TASKS_PER_SECOND)

    creator = asyncio.create_task(create())
    try:
        yield
    finally:
        creator.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await creator


if __name__ == "__main__":
    main()
