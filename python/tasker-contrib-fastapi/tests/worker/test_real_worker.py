"""`tasker worker` on a real stack: the in-memory runs agree with the server, and nothing is lost.

One worker serves all tests of this module, because Core needs up to ten seconds to stop one.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Iterator

import psutil
import pytest

from tasker_contrib_fastapi.client import StepInfo, Task
from tasker_contrib_fastapi.testing import TaskerStack, run_workflow
from tests.support import eventually, free_port
from tests.testing.scripted import CASES, load_case, scripted
from tests.worker.project import SERVER_CASES, Project, end, own_names

pytestmark = pytest.mark.xdist_group("real_worker")


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, tasker_stack: TaskerStack
) -> Iterator[Project]:
    project = Project(
        tmp_path_factory.mktemp("real"),
        tasker_stack,
        # The only worker of its namespaces, so the fast way is right.
        TASKER_WORKER__DELIVERY="Hybrid",
    )
    project.health_port = free_port()
    process = project.process = project.start("--health-port", str(project.health_port))
    eventually(
        lambda: "is ready" in project.log.read_text() or process.poll() is not None,
        timeout=60,
        what="the worker is ready",
    )
    assert process.poll() is None, project.log.read_text()
    yield project
    end(process)


async def run_all(stack: TaskerStack) -> dict[str, tuple[Task, list[StepInfo]]]:
    async with stack.client() as client:

        async def one(name: str) -> tuple[Task, list[StepInfo]]:
            context = load_case(CASES / f"{name}.yaml")["context"]
            task = await client.create_task(name, context, namespace="cases")
            task = await client.wait(task, timeout=60)
            return task, await client.steps(task)

        # One after the other: the order of steps of several tasks is nobody's promise.
        return {name: await one(name) for name in SERVER_CASES}


@pytest.fixture(scope="module")
def on_server(
    project: Project, tasker_stack: TaskerStack
) -> dict[str, tuple[Task, list[StepInfo]]]:
    return asyncio.run(run_all(tasker_stack))


@pytest.mark.parametrize("name", SERVER_CASES)
def test_memory_and_server_agree(
    name: str, on_server: dict[str, tuple[Task, list[StepInfo]]]
) -> None:
    case = load_case(CASES / f"{name}.yaml")
    handlers = {f"{name}.{key}": scripted(script) for key, script in case["handlers"].items()}
    run = run_workflow(own_names(name), case["context"], handlers)

    task, steps = on_server[name]
    failed = {"blocked_by_failures", "error"}
    assert task.status == run.status or {task.status, run.status} <= failed
    theirs = {step.name: step for step in steps}
    assert theirs.keys() == run.steps.keys()
    for step in run.steps.values():
        their = theirs[step.name]
        assert their.current_state == step.state, step.name
        assert (their.attempts or 0) == step.attempts, step.name
        if step.result is not None:
            assert (their.results or {})["result"] == step.result, step.name


def test_a_hung_handler_makes_the_process_unready_and_is_named(
    project: Project, tasker_stack: TaskerStack
) -> None:
    assert project.health("/ready").status_code == 200

    async def create() -> Task:
        async with tasker_stack.client() as client:
            return await client.wait(
                await client.create_task("hang", {}, namespace="slow"), timeout=60
            )

    assert asyncio.run(create()).status in {"blocked_by_failures", "error"}
    ready = project.health("/ready")
    assert ready.status_code == 503
    [failed] = [c for c in ready.json()["components"] if c["status"] == "failed"]
    assert failed["name"] == "dispatcher"
    assert "slow.wait" in failed["detail"]
    metrics = project.health("/metrics").text
    assert "tasker_contrib_handlers_hung 1.0" in metrics
    assert "tasker_contrib_worker_draining 0.0" in metrics
    assert re.search(r"^tasker_contrib_handlers_capacity [1-9]", metrics, re.MULTILINE)
    project.go()
    eventually(lambda: project.health("/ready").status_code == 200, what="it is ready again")
    project.close_gate()


def test_a_killed_child_comes_back_and_a_stop_loses_nothing(
    project: Project, tasker_stack: TaskerStack
) -> None:
    """The last test of this module: it ends the worker."""
    process = project.process
    [first] = psutil.Process(process.pid).children()
    first.kill()
    eventually(
        lambda: project.log.read_text().count("is ready") == 2, timeout=60, what="ready again"
    )

    async def create() -> str:
        async with tasker_stack.client() as client:
            return (await client.create_task("slow", {}, namespace="slow")).task_uuid

    task_uuid = asyncio.run(create())
    started = eventually(project.started, timeout=30, what="the slow step begins")
    [second] = psutil.Process(process.pid).children()
    assert set(started.values()) == {second.pid}
    assert second.pid != first.pid
    process.send_signal(signal.SIGTERM)
    eventually(lambda: "worker draining" in project.log.read_text(), what="the drain begins")
    ready = project.health("/ready")
    assert ready.status_code == 503
    assert {"name": "worker", "status": "failed", "detail": "draining"} in ready.json()[
        "components"
    ]
    assert "tasker_contrib_worker_draining 1.0" in project.health("/metrics").text
    project.go()
    assert process.wait(60) == 0, project.log.read_text()
    assert not second.is_running()

    async def state() -> dict[str, str]:
        async with tasker_stack.client() as client:
            return {step.name: step.current_state for step in await client.steps(task_uuid)}

    states = asyncio.run(state())
    assert states["wait"] == "complete", "the step in flight was finished, not cut"
    assert states["after"] in ("complete", "enqueued", "pending"), "or left to the next worker"
    assert re.search(r"0 steps cut", project.log.read_text())
