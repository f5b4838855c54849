"""Generated workflows run to their end on a real PostgreSQL and a real server, in a worker of their own."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tasker_contrib_fastapi.testing import TaskerStack

ROOT = Path(__file__).parents[1]
TASKS = ROOT / "config" / "tasks"
TEMPLATES = sorted([*TASKS.glob("*_workflow.yaml"), *TASKS.glob("while.yaml")])
LONGEST = 60.0


def module(template: Path) -> str:
    """The module with the handlers of a template: the one of the same name, `while_` for `while`."""
    names = (f"{template.stem}.py", f"{template.stem}_.py")
    [file] = (file for name in names for file in (ROOT / "app").rglob(name))
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)


@pytest.fixture(scope="module")
def worker(tasker_stack: TaskerStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`tasker worker` with the handlers and templates of all workflows; yields its log."""
    folder = tmp_path_factory.mktemp("worker")
    for template in TEMPLATES:
        shutil.copy(template, folder)
    log = folder / "worker.log"
    env = {
        **os.environ,
        **tasker_stack.env,
        "TASKER_TEMPLATES": str(folder),
        "TASKER_HANDLERS": ",".join(module(template) for template in TEMPLATES),
        # The only worker of its namespaces, so the fast way is right.
        "TASKER_WORKER__DELIVERY": "Hybrid",
        "TASKER_DRAIN_TIMEOUT": "0",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["tasker", "worker", "app.main:app"],
            cwd=ROOT,
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + LONGEST
        while "is ready" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield log
    finally:
        # Nothing is in flight, and Core takes five to ten seconds for a stop that asks.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def run(stack: TaskerStack, template: Path) -> tuple[str, dict[str, tuple[str, object]]]:
    """The end state of a task, and state and result of each step."""
    what = yaml.safe_load(template.read_text())
    async with stack.client() as client:
        context = {"reference": "A-1"}
        task = await client.create_task(what["name"], context, namespace=what["namespace_name"])
        task = await client.wait(task, timeout=LONGEST)
        steps = await client.steps(task)
    return task.status, {
        step.name: (step.current_state, (step.results or {}).get("result")) for step in steps
    }


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_it_runs_to_complete(template: Path, worker: Path, tasker_stack: TaskerStack) -> None:
    status, steps = asyncio.run(run(tasker_stack, template))
    assert status == "complete", worker.read_text()
    names = {step["name"] for step in yaml.safe_load(template.read_text())["steps"]}
    assert steps == {name: ("complete", {"reference": "A-1"}) for name in names}
