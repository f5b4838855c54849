"""A relay that is killed at any moment loses no task and creates none twice."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from tasker_contrib.testing import TaskerStack

from ..support import eventually
from .bed import Bed, forked, kill, new_bed

pytestmark = pytest.mark.xdist_group("outbox")

#: How many rows the two relays of the last test have. 1000 takes two minutes or more.
ROWS = int(os.environ.get("TASKER_OUTBOX_ROWS", "30"))


class Fuse:
    """Kills this process at its `left`-th use."""

    def __init__(self, left: int) -> None:
        self._left = left

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        self()
        result = call(*args, **options)
        self()
        return result


class FusedTransport(httpx.HTTPTransport):
    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._fuse.around(super().handle_request, request)  # type: ignore[no-any-return]


class FusedCursor:
    def __init__(self, cursor: Any, fuse: Fuse) -> None:
        self._cursor = cursor
        self._fuse = fuse

    def execute(self, *args: Any) -> Any:
        return self._fuse.around(self._cursor.execute, *args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


class FusedConnection:
    def __init__(self, connection: Any, fuse: Fuse) -> None:
        self._connection = connection
        self._fuse = fuse
        self.autocommit = False

    def cursor(self) -> FusedCursor:
        return FusedCursor(self._connection.cursor(), self._fuse)

    def commit(self) -> None:
        self._fuse.around(self._connection.commit)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def relay_with(bed: Bed, fuse: Fuse) -> None:
    """One pass, in which each statement, commit and HTTP call burns the fuse before and after."""
    from tasker_contrib.outbox import OutboxRelay

    def connect() -> FusedConnection:
        return FusedConnection(psycopg.connect(bed.stack.database_url), fuse)

    client = bed.client(FusedTransport(fuse), retries=0)
    OutboxRelay(connect, client=client, table=bed.table).relay_once()


def test_killed_at_every_statement_and_call(tasker_stack: TaskerStack) -> None:
    bed = new_bed(tasker_stack)
    killed = 0
    expected: list[dict[str, Any]] = []
    for moment in range(1, 100):
        contexts = [{"moment": moment, "row": row} for row in range(2)]
        written = [bed.enqueue(context) for context in contexts]
        expected += contexts
        pid = forked(lambda moment=moment: relay_with(bed, Fuse(moment)))  # type: ignore[misc]
        _, status = os.waitpid(pid, 0)
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0
            break
        killed += 1
        bed.drain()
        assert bed.rows() == [], f"killed at moment {moment}"
        made = dict(bed.tasks())
        assert [made[str(row.correlation_id)] for row in written] == contexts
    # The claim, two calls with a delete each, and the commit; before and after.
    assert killed == 2 * 6
    bed.drain()
    assert bed.contexts() == expected
    assert bed.rows() == []


def relay_until_killed(bed: Bed) -> None:
    bed.relay(batch=3).run()


def test_two_relays_and_random_kills(tasker_stack: TaskerStack) -> None:
    seed = int(os.environ.get("TASKER_OUTBOX_SEED", time.time_ns() % 1_000_000))
    print(f"TASKER_OUTBOX_SEED={seed} TASKER_OUTBOX_ROWS={ROWS}", file=sys.stderr)
    chance = random.Random(seed)
    bed = new_bed(tasker_stack)
    written = {str(bed.enqueue({"row": row}).correlation_id): {"row": row} for row in range(ROWS)}
    relays = [forked(lambda: relay_until_killed(bed)) for _ in range(2)]
    kills = 0
    try:
        # Each kill after some more rows, and a moment that nobody chose.
        while kills < ROWS // 4 and (left := bed.stats().open):
            goal = left - chance.randrange(1, 5)
            eventually(lambda goal=goal: bed.stats().open <= max(goal, 0), timeout=60)  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.05))
            victim = chance.randrange(2)
            kill(relays[victim])
            kills += 1
            relays[victim] = forked(lambda: relay_until_killed(bed))
        eventually(lambda: not bed.stats().open, timeout=60)
    finally:
        for pid in relays:
            kill(pid)
    print(f"{kills} kills", file=sys.stderr)
    assert kills > ROWS // 10
    assert bed.rows() == [], "none is left, and none is dead"
    made = bed.tasks()
    assert len(made) == ROWS
    assert dict(made) == written
