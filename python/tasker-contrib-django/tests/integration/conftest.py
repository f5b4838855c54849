"""The project on a real PostgreSQL and server, with a worker, for all modules that need one."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasker_contrib_django import StepInfo, Task
from tasker_contrib_django.operations import Client
from tasker_contrib_django.testing import django_stack

from ..support import MANAGE, eventually, free_port, manage, own_environment

PORT = free_port()


@dataclass
class Site:
    """The project with its own database and a running worker.

    Attributes:
        env: what a process of the project needs.
        client: of the server.
        output: lines of the worker.
        database: the project's, with its orders.
    """

    env: dict[str, str]
    client: Client
    output: list[str]
    database: Path

    @property
    def log(self) -> str:
        return "".join(self.output)

    def order(self, amount: int = 5) -> int:
        with sqlite3.connect(self.database, timeout=20) as rows:
            # Other tests have orders of their own on this stack, and a context makes a task once.
            number = secrets.randbelow(2**31)
            rows.execute(
                "insert into shop_order (id, amount, state) values (?, ?, 'new')", [number, amount]
            )
            return number

    def states(self) -> dict[int, str]:
        with sqlite3.connect(self.database, timeout=20) as rows:
            return dict(rows.execute("select id, state from shop_order"))

    def all_ended(self, task: Task) -> bool:
        ends = ("complete", "error")  # and not a state on the way to it
        return all(step.current_state in ends for step in self.client.steps(task))

    def end_of(self, task: Task | str) -> tuple[Task, dict[str, StepInfo]]:
        ended = self.client.wait(task, timeout=60)
        return ended, {step.name: step for step in self.client.steps(task)}


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """What `django_tasker_stack` starts for a project whose manage.py is in the current folder."""
    database = tmp_path_factory.mktemp("site") / "shop.sqlite3"
    with pytest.MonkeyPatch.context() as patch:
        own_environment(patch)
        patch.setenv("SHOP_DB", str(database))
        made = manage("migrate", "--run-syncdb", "-v", "0", SHOP_DB=str(database))
        assert made.returncode == 0, made.stderr
        with django_stack(MANAGE, arguments=("--health-port", str(PORT))) as found:
            env = {**found.stack.env, "SHOP_DB": str(database)}
            yield Site(env, found.client, found.output, database)
    eventually(lambda: "worker stopped" in "".join(found.output), what="".join(found.output))
