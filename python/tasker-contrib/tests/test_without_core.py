"""What a process that only creates tasks needs: everything but the native library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WITHOUT = """
import sys
sys.modules["tasker_core"] = None  # every import of it fails
"""
CLIENT = """
from typing import Annotated
import httpx
import tasker_contrib as tasker
from tasker_contrib import Input, SyncTaskerClient, TaskerSettings, step_handler
from tasker_contrib._internal import native
from tasker_contrib._internal.mode import decision

settings = TaskerSettings(mode="client")
assert decision(settings, forked_from=native.forked_from()).mode == "client"

def answer(request):
    task = {"task_uuid": "01a20b62-a65a-7d56-8f80-2c60f95d2b82", "status": "pending"}
    return httpx.Response(200, json={"name": "t", "namespace": "n", "version": "1"} | task)

transport = httpx.MockTransport(answer)
with SyncTaskerClient("http://tasker", templates=settings.templates, transport=transport) as client:
    print(client.create_task("t", {"a": 1}).status)

@step_handler("h")
def handler(a: Annotated[int, Input("a")]) -> dict[str, int]:
    return {"a": a}

assert handler(a=1) == {"a": 1}
try:
    tasker.PermanentError
except ImportError as error:
    print("needs", error.name)
"""


def run(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_client_works_without_it(tmp_path: Path) -> None:
    assert run(WITHOUT + CLIENT, tmp_path).split("\n") == [
        "pending",
        "needs tasker_core.errors",
        "",
    ]


def test_a_client_does_not_load_it(tmp_path: Path) -> None:
    code = CLIENT.split("try:")[0] + "\nimport sys; print('tasker_core' in sys.modules)"
    assert run(code, tmp_path).split() == ["pending", "False"]


def test_its_import_is_quiet_whoever_does_it(tmp_path: Path) -> None:
    code = "import tasker_contrib, os; import tasker_core; print(os.environ.get('LOG_LEVEL'))"
    assert run(code, tmp_path) == "None\n"


def test_the_pytest_plugin_does_not_load_it(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        "import sys\ndef test_x():\n    assert 'tasker_core' not in sys.modules\n"
    )
    code = "import sys, pytest; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider']))"
    assert "1 passed" in run(code, tmp_path)
