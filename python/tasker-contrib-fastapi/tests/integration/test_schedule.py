"""`tasker schedule` as a user starts it, on the real server."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tasker_contrib_fastapi import TaskerClient
from tasker_contrib_fastapi.testing import TaskerStack

from ..support import eventually
from .support import Place, new_place, start


@pytest.fixture
def place(tasker_stack: TaskerStack, tmp_path: Path) -> Place:
    return new_place(tasker_stack, tmp_path)


COMMAND = "from tasker_contrib_fastapi.cli import main; main()"


def schedule(place: Place, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "schedule", *words],
        cwd=place.folder,
        env=place.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def slots(place: Place) -> list[str]:
    async def ask() -> list[str]:
        async with TaskerClient(place.stack.orchestration_url) as client:
            page = await client.list_tasks(
                namespace=place.ns, initiator="schedule:often", per_page=100
            )
            return [str(task.context["scheduled_for"]) for task in page.tasks]

    return asyncio.run(ask())


def test_two_schedulers_and_a_kill(place: Place) -> None:
    text = f"often: {{task: {place.ns}/slow, every: 2s, missed: all, missed_within: 8s,"
    (place.folder / "schedules.yaml").write_text(text + " context: {n: 1, seconds: 0}}\n")
    with start(place) as app:
        app.wait_for("startup complete")  # the worker has registered the template
        first, second = schedule(place, "run"), schedule(place, "run")
        try:
            eventually(lambda: len(slots(place)) >= 6, timeout=60)
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
            before = len(slots(place))
            eventually(lambda: len(slots(place)) >= before + 2, timeout=60)
            second.terminate()
            output, _ = second.communicate(timeout=60)
            assert second.returncode == 0, output
        finally:
            for process in (first, second):
                process.kill()
                process.communicate()
        found = slots(place)
    assert re.search(rf"often  {place.ns}/slow 1\.0\.0  next \d{{4}}-", output)
    assert re.search(r"INFO tasker_contrib\.schedules: schedule often: task \S+ for ", output)
    assert Counter(found).most_common(1)[0][1] == 1, "each slot has one task"
    seconds = sorted(int(slot[17:19]) for slot in found)
    assert all(second % 2 == 0 for second in seconds)


def test_list_now_and_mistakes(place: Place) -> None:
    path = place.folder / "schedules.yaml"
    path.write_text(
        f"often: {{task: {place.ns}/slow, every: 1d, paused: true,"
        " context: {n: 1, seconds: 0}}\n"
    )
    with start(place) as app:
        app.wait_for("startup complete")
        listed, _ = schedule(place, "list").communicate(timeout=60)
        assert listed == f"often  {place.ns}/slow 1.0.0  paused\n"
        created, _ = schedule(place, "now", "often").communicate(timeout=60)
        assert re.fullmatch(r"created [0-9a-f-]{36}\n", created), created
        assert app.ended(created.split()[1])["status"] == "complete"
    wrong = schedule(place, "now", "oftn")
    output, _ = wrong.communicate(timeout=60)
    assert (wrong.returncode, output) == (
        1,
        "error: schedules.yaml has no schedule 'oftn'; did you mean 'often'?\n"
        "  fix: it has often\n",
    )
    path.write_text("often: {tsk: a/b, every: 1d}")
    wrong = schedule(place, "run")
    output, _ = wrong.communicate(timeout=60)
    assert wrong.returncode == 1
    assert "schedules.yaml: often.tsk: unknown key; did you mean 'task'?" in output
