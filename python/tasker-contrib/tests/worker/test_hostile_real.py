"""The hostile handlers in a real worker, with the real server: each task ends with the reason."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from tasker_contrib import SyncTaskerClient
from tasker_contrib.testing import TaskerStack
from tests.hostile import HOSTILE

KINDS = [
    "nul_value",
    "nul_key",
    "deep",
    "large",
    "base_exception",
    "no_text",
    "nul_text",
    "metadata",
]
ROOT = Path(__file__).parents[2]

HANDLERS = """
from typing import Annotated, Any
from tasker_contrib import Result, step_handler
from tests.hostile import HOSTILE, nested

for kind, (function, _) in HOSTILE.items():
    def handler(function=function):
        return function()
    handler.__signature__ = __import__("inspect").Signature()
    step_handler(f"hostile.{kind}")(handler)

@step_handler("hostile.deepest")
def deepest():
    return nested(99)

@step_handler("hostile.reader")
def reader(deep: Annotated[dict[str, Any], Result("deepest")]) -> dict[str, bool]:
    return {"same": deep == nested(99)}
"""
WORKER = """
import sys
from tasker_contrib import TaskerSettings
from tasker_contrib._internal import metrics, runtime

worker = runtime.acquire(TaskerSettings(mode="worker", handlers=["app_handlers"]))
print("ready", flush=True)
sys.stdin.read()
runtime.release(worker)
sys.stdout.write(metrics.render().decode())
"""


def template(name: str, *steps: str) -> str:
    listed = [
        {
            "name": step,
            "handler": {"callable": f"hostile.{step}"},
            "dependencies": list(steps[:number]),
            "retry": {"retryable": True, "max_attempts": 1},
        }
        for number, step in enumerate(steps)
    ]
    head = {"name": name, "namespace_name": "hostile", "version": "1.0.0"}
    return yaml.safe_dump({**head, "steps": listed}, sort_keys=False)


def test_every_task_ends(tasker_stack: TaskerStack, tmp_path: Path) -> None:
    (tmp_path / "config/tasks").mkdir(parents=True)
    (tmp_path / "app_handlers.py").write_text(HANDLERS)
    for kind in HOSTILE:
        (tmp_path / f"config/tasks/{kind}.yaml").write_text(template(kind, kind))
    (tmp_path / "config/tasks/deepest.yaml").write_text(template("deepest", "deepest", "reader"))
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{tmp_path}:{ROOT}", **tasker_stack.env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with SyncTaskerClient(tasker_stack.orchestration_url) as client:
            made = {kind: client.create_task(kind, {}, namespace="hostile") for kind in KINDS}
            good = client.create_task("deepest", {}, namespace="hostile")
            for kind, task in made.items():
                ended = client.wait(task, timeout=60)
                [step] = client.steps(task)
                assert not ended.succeeded, kind
                assert step.error is not None
                assert HOSTILE[kind][1] in step.error["message"], kind
            assert client.wait(good, timeout=60).succeeded
            steps = {step.name: step for step in client.steps(good)}
            assert steps["reader"].result == {"same": True}
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    for kind in KINDS:
        assert f'executions_total{{handler="hostile.{kind}",outcome=' in output, kind
