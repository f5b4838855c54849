"""How steps reach workers: time of a task, steps a second, and steps that ran twice.

Run it with ``cargo xtask bench delivery``, which prepares the environment and the local stack.
Prints one JSON line per case: a way of delivery with a number of worker processes. Each handler
appends its step to a file of its process, so a step that ran twice is seen whoever ran it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from tasker_contrib_fastapi.client import Task, TaskerClient
from tasker_contrib_fastapi.testing import TaskerStack, start_stack

STEPS = 3
TOGETHER = 8
PATIENCE = 120.0
# Longer than any run; a task that takes so long is lost.
FOREVER = 3600.0

TEMPLATE = """\
name: three
namespace_name: bench
version: 1.0.0
steps:
  - {name: first, handler: {callable: bench.note}}
  - {name: second, handler: {callable: bench.note}, dependencies: [first]}
  - {name: third, handler: {callable: bench.note}, dependencies: [second]}
"""

APP = """\
import os
import pathlib

import tasker_contrib_fastapi as tasker
from fastapi import FastAPI

RUNS = pathlib.Path(os.environ["BENCH_RUNS"])


@tasker.step_handler("bench.note")
async def note(context: tasker.StepContext) -> None:
    with (RUNS / str(os.getpid())).open("a") as runs:
        runs.write(f"{context.step_uuid}\\n")


app = FastAPI(lifespan=tasker.lifespan())
"""


def main() -> None:
    """Measure every case on one stack."""
    options = parse()
    with tempfile.TemporaryDirectory() as folder, start_stack() as stack:
        app = Path(folder)
        (app / "config/tasks").mkdir(parents=True)
        (app / "config/tasks/three.yaml").write_text(TEMPLATE)
        (app / "main.py").write_text(APP)
        for delivery in options.delivery:
            for processes in options.processes:
                result = case(app, stack, delivery, processes, options)
                print(json.dumps(result), flush=True)


def parse() -> argparse.Namespace:
    """What is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delivery", nargs="+", default=["PollingOnly", "Hybrid"])
    parser.add_argument("--processes", nargs="+", type=int, default=[1, 2, 4])
    parser.add_argument("--alone", type=int, default=20, help="tasks one after the other")
    parser.add_argument("--tasks", type=int, default=80, help="tasks, eight of them at a time")
    return parser.parse_args()


def case(
    app: Path, stack: TaskerStack, delivery: str, processes: int, options: argparse.Namespace
) -> dict[str, object]:
    """One way of delivery with so many worker processes."""
    runs = app / f"{delivery}-{processes}"
    runs.mkdir()
    env = {
        **os.environ,
        **stack.env,
        "TASKER_HANDLERS": "main",
        "TASKER_WORKER__DELIVERY": delivery,
        "BENCH_RUNS": str(runs),
    }
    with workers(app, env, processes):
        alone, steps_a_second = asyncio.run(measure(stack, options))
    ran = Counter(step for file in runs.iterdir() for step in file.read_text().split())
    return {
        "case": f"{delivery}, {processes} processes",
        "task_p50_ms": round(statistics.median(alone)),
        "task_max_ms": round(max(alone)),
        "steps_per_second": round(steps_a_second, 1),
        "steps": len(ran),
        "ran_twice": sum(count > 1 for count in ran.values()),
    }


async def measure(stack: TaskerStack, options: argparse.Namespace) -> tuple[list[float], float]:
    """Milliseconds of each task that is alone, and steps a second of eight tasks at a time."""
    async with stack.client() as client:
        await run(client)
        alone = [await run(client) for _ in range(options.alone)]
        slots = asyncio.Semaphore(TOGETHER)

        async def one() -> None:
            async with slots:
                await run(client)

        begun = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(options.tasks)))
        return alone, STEPS * options.tasks / (time.perf_counter() - begun)


async def run(client: TaskerClient) -> float:
    """Run a task to its end: its milliseconds, by the server's clock."""
    created = await client.create_task("three", {"number": str(uuid4())}, namespace="bench")
    task = await client.wait(created, timeout=FOREVER)
    if task.status != "complete":
        raise SystemExit(f"task {task.task_uuid} is {task.status}")
    return milliseconds(task)


def milliseconds(task: Task) -> float:
    """From the creation of a task to its end."""
    if task.created_at is None or task.completed_at is None:
        raise SystemExit(f"task {task.task_uuid} has no times")
    return (task.completed_at - task.created_at).total_seconds() * 1000


@contextlib.contextmanager
def workers(folder: Path, env: dict[str, str], processes: int) -> Iterator[None]:
    """Run so many worker processes until the end of the block."""
    log = folder / "worker.log"
    command = ["worker", "main:app", "--processes", str(processes)]
    start = "from tasker_contrib_fastapi.cli import main; main()"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-c", start, *command],
            cwd=folder,
            env=env,
            stdout=output,
            stderr=output,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while log.read_text().count("is ready") < processes:
            if child.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the workers are not ready:\n{log.read_text()}")
            time.sleep(0.01)
        yield
    finally:
        child.terminate()
        child.wait(PATIENCE)
        log.unlink()


if __name__ == "__main__":
    main()
