"""Two workers on one namespace: a polled step goes to one of them, a notified one to both.

Recovery, which the stack runs, refuses the second claim of a step.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tasker_contrib_fastapi.client import StepInfo
from tasker_contrib_fastapi.testing import TaskerStack
from tests.support import eventually
from tests.worker.project import Project, end

TASKS = 12


@pytest.mark.parametrize("delivery", ["PollingOnly", "Hybrid"])
def test_each_step_runs_once_and_is_tried_once(
    delivery: str, tmp_path: Path, tasker_stack: TaskerStack
) -> None:
    project = Project(tmp_path, tasker_stack, TASKER_WORKER__DELIVERY=delivery)
    project.go()
    process = project.process = project.start("--processes", "2")
    try:
        eventually(
            lambda: project.log.read_text().count("is ready") == 2, timeout=60, what="both ready"
        )
        steps = asyncio.run(_run_all(tasker_stack, delivery))
    finally:
        end(process)
    # Recovery may give these workers a step that a worker of another test left behind.
    own = {step.step_uuid for step in steps}
    runs = Counter(path.name.partition(".")[0] for path in project.marks.glob("*.*"))
    runs = Counter({step: count for step, count in runs.items() if step in own})
    assert len(runs) == len(own) == 2 * TASKS
    assert {step: count for step, count in runs.items() if count > 1} == {}
    assert {step.name for step in steps if step.attempts != 1} == set()
    processes = {path.suffix for path in project.marks.glob("*.*")}
    # With notifications the faster one may take all.
    assert len(processes) == 2 or delivery == "Hybrid", "both workers had their share"


async def _run_all(stack: TaskerStack, delivery: str) -> list[StepInfo]:
    async with stack.client() as client:
        tasks = [
            await client.create_task(
                "slow", {"number": number, "delivery": delivery}, namespace="slow"
            )
            for number in range(TASKS)
        ]
        ended = [await client.wait(task, timeout=60) for task in tasks]
        assert {task.status for task in ended} == {"complete"}
        return [step for task in ended for step in await client.steps(task)]
