"""A small app whose handlers are the scripts of the workflow cases, for tests on a real stack."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from tasker_contrib_fastapi.testing import TaskerStack
from tests.testing.scripted import CASES, load_case

MAIN = """
import tasker_contrib_fastapi as tasker
from fastapi import FastAPI

app = FastAPI(lifespan=tasker.lifespan())
"""

HANDLERS = """
import os
import pathlib
import threading

from tasker_core import StepHandler
from tests.testing.scripted import CASES, load_case, scripted
from tests.worker.project import SERVER_CASES
from tasker_contrib_fastapi import StepContext, step_handler

def _handler(name, script):
    run = scripted(script)
    return type("Scripted", (StepHandler,), {
        "handler_name": name, "call": lambda self, context: run(context)})

for _name in SERVER_CASES:
    _case = load_case(CASES / f"{_name}.yaml")
    for _callable, _script in _case["handlers"].items():
        globals()[f"{_name}_{_callable}"] = _handler(f"{_name}.{_callable}", _script)

@step_handler("slow.wait")
def wait(context: StepContext) -> dict[str, int]:
    folder = pathlib.Path(os.environ["MARKS"])
    (folder / f"{context.step_uuid}.{os.getpid()}").touch()
    gate = folder / "go"
    while not gate.exists():
        threading.Event().wait(0.02)
    return {"pid": os.getpid()}
"""

# Runs into its timeout while its thread goes on: it hangs until the gate opens.
HANG = """
name: hang
namespace_name: slow
version: 1.0.0
steps:
  - name: hang
    handler: {callable: slow.wait}
    timeout_seconds: 1
    retry: {retryable: true, max_attempts: 1}
"""

SLOW = """
name: slow
namespace_name: slow
version: 1.0.0
steps:
  - {name: wait, handler: {callable: slow.wait}}
  - {name: after, handler: {callable: slow.wait}, dependencies: [wait]}
"""

SERVER_CASES = sorted(path.stem for path in CASES.glob("*.yaml") if load_case(path).get("server"))
ROOT = Path(__file__).parents[2]


def own_names(name: str) -> dict[str, Any]:
    """The template of a case, its callables prefixed so that all cases fit in one process."""
    template: dict[str, Any] = load_case(CASES / f"{name}.yaml")["template"]
    for step in template["steps"]:
        step["handler"]["callable"] = f"{name}.{step['handler']['callable']}"
    return template


class Project:
    """The app in a folder, and the `tasker worker` processes on it."""

    def __init__(self, folder: Path, stack: TaskerStack, **env: str) -> None:
        self.folder = folder
        self.marks = folder / "marks"
        self.process: subprocess.Popen[bytes]
        self.health_port: int
        self._env = {
            **os.environ,
            **stack.env,
            "MARKS": str(self.marks),
            "PYTHONPATH": str(ROOT),
            "TASKER_DRAIN_TIMEOUT": "20",
            **env,
        }
        (folder / "app").mkdir()
        (folder / "config/tasks").mkdir(parents=True)
        self.marks.mkdir()
        (folder / "app/__init__.py").touch()
        (folder / "app/main.py").write_text(MAIN)
        (folder / "app/handlers.py").write_text(HANDLERS)
        (folder / "config/tasks/slow.yaml").write_text(SLOW)
        (folder / "config/tasks/hang.yaml").write_text(HANG)
        for name in SERVER_CASES:
            text = yaml.safe_dump(own_names(name), sort_keys=False)
            (folder / f"config/tasks/{name}.yaml").write_text(text)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        command = "from tasker_contrib_fastapi.cli import main; main()"
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-c", command, "worker", "app.main:app", *options],
                cwd=self.folder,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> Path:
        return self.folder / "worker.log"

    def started(self) -> dict[str, int]:
        """Slow steps that a handler has begun, with the process it runs in."""
        begun = [path.name.split(".") for path in self.marks.glob("*.*")]
        return {step: int(pid) for step, pid in begun}

    def go(self) -> None:
        """Let the slow steps end."""
        (self.marks / "go").touch()

    def close_gate(self) -> None:
        """Slow steps wait again, and none has begun."""
        for path in self.marks.iterdir():
            path.unlink()

    def health(self, path: str) -> httpx.Response:
        """Ask the worker process, which was started with `--health-port`."""
        return httpx.get(f"http://127.0.0.1:{self.health_port}{path}", timeout=30)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a worker and its processes at once; what a stop does is the tests' business."""
    if process.poll() is None:
        children = psutil.Process(process.pid).children(recursive=True)
        for one in (process, *children):
            one.kill()
        process.wait()
