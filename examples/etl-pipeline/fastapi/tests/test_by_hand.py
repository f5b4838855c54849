"""The README's commands, run as they stand there, on the real stack."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tasker_contrib_fastapi.testing import TaskerStack

from tests.compare import assert_contains
from tests.conftest import APP_DIR, EXAMPLE_DIR

END_STATES = {"complete", "error", "cancelled", "resolved_manually", "blocked_by_failures"}


def commands() -> tuple[list[str], list[str]]:
    """The commands that start the application, and those that use it."""
    text = (EXAMPLE_DIR / "README.md").read_text(encoding="utf-8")
    section = text.split("## By hand")[1].split("\n##")[0]
    _, start, use = re.findall(r"```sh\n(.*?)```", section, re.S)
    programs = [line for line in start.splitlines() if line.startswith(".venv/bin/")]
    return programs, use.splitlines()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def shell(command: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def port(
    tasker_stack: TaskerStack, data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of the application, started with the README's commands."""
    number = free_port()
    environment = {**os.environ, **tasker_stack.env, "PORT": str(number)}
    environment.pop("ETL_DATA_DIR", None)
    environment.pop("ETL_SOURCE_URL", None)
    (*preparations, start), _ = commands()
    binaries = f"{Path(sys.executable).parent}/"
    for command in preparations:
        shell(command.replace(".venv/bin/", binaries), APP_DIR, environment)
    start = start.replace(".venv/bin/", binaries).replace("8000", str(number))
    log = tmp_path_factory.mktemp("app") / "app.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            start.split(), cwd=APP_DIR, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(process, number, log)
        yield number
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGTERM), log.read_text()
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the application ended:\n{log.read_text()}"
        try:
            if httpx.get(f"http://127.0.0.1:{port}/tasker/ready", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"the application was not ready within 120 s:\n{log.read_text()}")


def wait(port: int, task_uuid: str) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while True:
        answer = httpx.get(f"http://127.0.0.1:{port}/tasker/tasks/{task_uuid}", timeout=5)
        task: dict[str, Any] = answer.raise_for_status().json()
        if task["status"] in END_STATES:
            return task
        assert time.monotonic() < deadline, f"the task did not end within 120 s: {task}"
        time.sleep(0.05)


def test_the_commands_of_the_readme(port: int) -> None:
    _, (create, report, rows) = commands()

    def run(command: str) -> dict[str, Any]:
        line = command.replace("localhost:8000", f"127.0.0.1:{port}")
        value = json.loads(shell(line, EXAMPLE_DIR, dict(os.environ)))
        assert isinstance(value, dict)
        return value

    task = wait(port, run(create)["task_uuid"])
    assert task["status"] == "complete", task
    assert {step["current_state"] for step in task["steps"]} == {"complete"}
    expected = json.loads((EXAMPLE_DIR / "scenarios/happy-path.report.json").read_text())
    assert_contains(run(report), expected)
    assert run(rows)["published"]["flights"] == expected["good"]


def test_the_handlers_fit_the_template() -> None:
    """`tasker check`, as the README recommends it."""
    command = [str(Path(sys.executable).parent / "tasker"), "check", "app.main:app"]
    done = subprocess.run(command, cwd=APP_DIR, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 steps: no errors, 0 warnings" in done.stdout


def test_a_wrong_request_is_answered_with_what_is_wrong(port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    answer = httpx.post(f"{url}/pipelines", json={"run_id": "x", "flights_file": "../secret.json"})
    assert answer.status_code == 422
    assert "plain name of a file in ETL_DATA_DIR" in answer.text
    missing = httpx.get(f"{url}/reports/never-run")
    assert missing.status_code == 404
    assert "'never-run' has no report" in missing.json()["detail"]
