"""A generated Django app runs its task on a real server, created and executed by manage.py."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tasker_contrib_fastapi.testing import TaskerStack

ROOT = Path(__file__).parents[1]
APP = "refund_django_app"
LONGEST = 60.0


async def end_of(stack: TaskerStack, task: str) -> tuple[str, list[object]]:
    async with stack.client() as client:
        ended = await client.wait(task, timeout=LONGEST)
        steps = await client.steps(task)
    return ended.status, [(step.results or {}).get("result") for step in steps]


def test_it_runs_to_complete(tasker_stack: TaskerStack, tmp_path: Path) -> None:
    # The other templates in the project are not of Django's apps.
    shutil.copy(ROOT / "config" / "tasks" / f"{APP}_greeting.yaml", tmp_path)
    env = {
        **os.environ,
        **tasker_stack.env,
        "PYTHONUNBUFFERED": "1",
        "TASKER_TEMPLATES": str(tmp_path),
    }
    manage = [sys.executable, "manage.py"]
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [*manage, "tasker", "worker"],
            cwd=ROOT,
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + LONGEST
        while "is ready" not in log.read_text():
            assert worker.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        create = (
            "from tasker_contrib_django import create_task; "
            f"print(create_task('{APP}_greeting', {{'name': 'Ada'}}, namespace='billing').task_uuid)"
        )
        made = subprocess.run(
            [*manage, "shell", "-v", "0", "-c", create],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stderr
        task = made.stdout.split()[-1]
        assert asyncio.run(end_of(tasker_stack, task)) == ("complete", [{"text": "Hello Ada"}])
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(LONGEST) == 0, log.read_text()
        assert "worker stopped" in log.read_text()
    finally:
        worker.kill()
        worker.wait()
