"""Finding and starting the local stack."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tasker_contrib.testing import StackError, TaskerStack, start_stack
from tasker_contrib.testing.stack import find_binary


def program(path: Path, body: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\nimport sys, time, json\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def no_binary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("TASKER_DEV_BIN", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_lookup_order(no_binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = program(no_binary / "target/release/tasker-dev")
    new = program(no_binary / "target/debug/tasker-dev")
    os.utime(old, (1, 1))
    (no_binary / "a/b").mkdir(parents=True)
    assert find_binary(no_binary / "a/b") == new
    on_path = program(no_binary / "bin/tasker-dev")
    assert find_binary() == on_path
    named = program(no_binary / "elsewhere")
    monkeypatch.setenv("TASKER_DEV_BIN", str(named))
    assert find_binary() == named


def test_no_binary_says_how_to_build_it(no_binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StackError, match=r"not on PATH.*\n  fix: cargo build -p tasker-dev"):
        find_binary()
    monkeypatch.setenv("TASKER_DEV_BIN", "/nowhere")
    with pytest.raises(StackError, match="TASKER_DEV_BIN=/nowhere is not an executable"):
        find_binary()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("sys.exit('port 5432 is taken')", "exit code 1 before it was ready.*port 5432 is taken"),
        ("print('hello', flush=True); time.sleep(60)", "printed 'hello', not its ready line"),
        ("time.sleep(60)", r"was not ready within 0\.3 s"),
    ],
)
def test_a_stack_that_does_not_start(
    body: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TASKER_DEV_BIN", str(program(tmp_path / "tasker-dev", body)))
    timeout = 0.3 if "ready within" in message else 20
    with (
        pytest.raises(StackError, match=f"(?s){message}"),
        start_stack(timeout=timeout, log_dir=tmp_path),
    ):
        pytest.fail("it must not start")
    mine = str(tmp_path / "tasker-dev")
    running = [c for c in psutil.Process().children() if mine in c.cmdline()]
    assert running == [], "the process is gone, and waited for"


KILLED = """
import pathlib, sys, time
from tasker_contrib.testing import start_stack
with start_stack(log_dir=pathlib.Path(sys.argv[1])) as stack:
    print(stack.orchestration_url, flush=True)
    time.sleep(600)
"""


@pytest.mark.xdist_group("real_worker")
def test_kill_9_of_the_tests_leaves_no_stack(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    tests = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with tests:
        assert tests.stdout is not None
        port = int(tests.stdout.readline().rpartition(":")[2])
        (stack,) = psutil.Process(tests.pid).children()
        tests.kill()
    psutil.wait_procs([stack], timeout=30)
    assert not stack.is_running()
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.xdist_group("real_worker")
def test_the_fixture_is_a_real_stack(tasker_stack: TaskerStack) -> None:
    assert tasker_stack.core_version == "0.1.8"
    assert tasker_stack.env["DATABASE_URL"].startswith("postgresql://")
    assert tasker_stack.env["TASKER_WORKER__DELIVERY"] == "Hybrid", "recovery guards each claim"

    async def tasks() -> int:
        async with tasker_stack.client() as client:
            return len((await client.list_tasks()).tasks)

    assert asyncio.run(tasks()) >= 0
