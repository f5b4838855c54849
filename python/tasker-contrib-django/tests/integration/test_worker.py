"""The worker on a real PostgreSQL and server, over the project's own database."""

from __future__ import annotations

import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ..support import eventually, manage, running
from .conftest import PORT, Site

pytestmark = pytest.mark.xdist_group("stack")


def test_a_task_runs_to_complete(site: Site) -> None:
    order = site.order()
    task = site.client.create_task("order", {"order_id": order}, namespace="shop")
    ended, steps = site.end_of(task)
    assert ended.status == "complete", site.log
    assert steps["charge"].result == {"order_id": order, "amount": 5}
    assert steps["ship"].result == {"state": "shipped"}
    assert site.states()[order] == "shipped"
    assert f"[{task.task_uuid} ship]" in site.log  # ids in each line of the log
    assert "tasker: worker (this is a process of `manage.py tasker worker`)" in site.log


def test_what_a_step_finds_around_it(site: Site) -> None:
    before = site.states()
    found: list[Any] = []
    for nonce in range(2):  # the second one does not see what the first one left behind
        task = site.client.create_task("probe", {"nonce": nonce}, namespace="shop")
        _, steps = site.end_of(task)
        eventually(partial(site.all_ended, task))
        steps = {step.name: step for step in site.client.steps(task)}
        found.append(steps["surroundings"].result)
        assert "pass its key" in str(steps["row"].error), steps["row"]
        assert "Order(pk=7) at ['orders'][0]" in str(steps["row"].error)
        assert "after the write" in str(steps["write_and_fail"].error)
    assert found == [{"language": "de", "text": "Ja", "zone": "Europe/Berlin"}] * 2
    assert len(site.states()) == len(before) + 2  # without ATOMIC_REQUESTS a write stays


def test_probes_of_the_worker_answer(site: Site) -> None:
    for path in ("live", "ready", "metrics"):
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/{path}", timeout=10) as answer:
            assert answer.status == 200


def test_what_an_operator_does_to_steps_that_failed(site: Site) -> None:
    task = site.client.create_task("probe", {"nonce": "operator"}, namespace="shop")
    eventually(partial(site.all_ended, task))
    assert site.client.retry_step(task, "row", reason="a test").current_state == "pending"
    resolved = site.client.resolve_step(task, "write_and_fail", reason="a test", by="ada")
    assert resolved.current_state == "resolved_manually"
    checked = manage("tasker", "check", **site.env)
    assert "recovery: tasker-recovery looked at 127.0.0.1:" in checked.stdout, checked.stderr
    assert manage("tasker", "dlq", **site.env).returncode == 0
    health = manage("tasker", "health", **site.env)
    assert (health.returncode, health.stdout.splitlines()[0]) == (0, "ready"), health.stderr
    done = manage("tasker", "cancel", task.task_uuid, **site.env)
    assert done.stdout.endswith(": cancelled\n"), done.stderr


def test_two_processes_restart_when_a_file_changes(site: Site, tmp_path: Path) -> None:
    words = ("tasker", "worker", "--processes", "2", "--reload")
    with running(*words, cwd=tmp_path, **site.env) as worker:
        worker.wait_for("worker process .* is ready", count=2)
        # Once: a second change would restart them again, in the middle of the stop.
        (tmp_path / "changed.py").touch()
        worker.wait_for("changed: restarting")
        worker.wait_for("worker process .* is ready", count=4)
        assert worker.stop() == 0, worker.log
        assert "draining 2 worker processes" in worker.log
