"""The relay with the real server and a real database."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import Any

import httpx
import pytest

from tasker_contrib import TaskerStartError, metrics_registry
from tasker_contrib.outbox import Outbox, OutboxStats, SqlStore
from tasker_contrib.outbox import metrics as outbox_metrics
from tasker_contrib.outbox import relay as relay_module
from tasker_contrib.outbox.relay import Pass
from tasker_contrib.testing import TaskerStack

from ..support import eventually
from .bed import Bed, new_bed

pytestmark = pytest.mark.xdist_group("outbox")


def sample(name: str) -> float | None:
    """What Prometheus would find now."""
    return metrics_registry.get_sample_value(f"tasker_contrib_outbox_{name}")


@pytest.fixture
def bed(tasker_stack: TaskerStack) -> Bed:
    return new_bed(tasker_stack)


def test_a_task_is_created_after_the_commit_and_never_after_a_rollback(bed: Bed) -> None:
    told: list[str] = []
    relay = bed.relay(on_created=lambda task: told.append(task.task_uuid))
    with bed.connect() as connection:
        kept = Outbox(bed.table).enqueue(connection, "note", {"n": 1}, namespace=bed.namespace)
        assert relay.relay_once() == Pass()
    with bed.connect() as connection:
        Outbox(bed.table).enqueue(connection, "note", {"n": 2}, namespace=bed.namespace)
        connection.rollback()
    assert relay.relay_once() == Pass(created=1)
    assert bed.tasks() == [(str(kept.correlation_id), {"n": 1})]
    assert (bed.rows(), len(told)) == ([], 1)


def test_a_listener_that_fails_brings_no_row_back(bed: Bed) -> None:
    bed.enqueue({"n": 1})
    assert bed.relay(on_created=lambda task: 1 / 0).relay_once() == Pass(created=1)
    assert bed.rows() == []


def test_a_task_that_exists(bed: Bed) -> None:
    with bed.client() as client:
        client.create_task("note", {"n": 1}, namespace=bed.namespace)
    bed.enqueue({"n": 1})
    bed.enqueue({"n": 1}, on_conflict="ignore")
    bed.enqueue({"n": 2})
    assert bed.relay().relay_once() == Pass(created=2, failed=1)
    [row] = bed.rows()
    assert row.dead_at is not None
    assert "was created by somebody else" in str(row.last_error)
    assert bed.contexts() == [{"n": 1}, {"n": 2}]


def test_only_the_oldest_row_of_a_key_is_due_and_a_dead_one_holds_the_others(bed: Bed) -> None:
    first = bed.enqueue({"n": 1}, ordering_key="k", version="0.0.0")  # no such template
    bed.enqueue({"n": 2}, ordering_key="k")
    bed.enqueue({"n": 3}, ordering_key="other")
    bed.enqueue({"n": 4})
    relay = bed.relay()
    assert relay.relay_once() == Pass(created=2, failed=1)
    assert bed.contexts() == [{"n": 3}, {"n": 4}]
    with bed.connect() as connection:
        connection.execute(f"update {bed.table} set dead_at = now() where id = %s", (first.id,))
    assert relay.relay_once() == Pass()
    stats = bed.stats()
    assert (stats.open, stats.dead) == (1, 1)
    store = SqlStore(bed.stack.database_url, bed.table)
    assert [row.id for row in store.rows(dead=True)] == [first.id]
    assert store.retry() == 1
    assert relay.relay_once() == Pass(failed=1)
    assert store.discard([first.id]) == 1
    store.close()
    assert relay.relay_once() == Pass(created=1)
    assert bed.contexts() == [{"n": 3}, {"n": 4}, {"n": 2}]


def test_rows_of_a_key_are_created_one_after_the_other(bed: Bed) -> None:
    for n in range(3):
        bed.enqueue({"n": n}, ordering_key="k")
    relay = bed.relay()
    assert [relay.relay_once().created for _ in range(4)] == [1, 1, 1, 0]
    assert bed.contexts() == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_a_row_in_hand_is_not_taken_by_another_relay(bed: Bed) -> None:
    bed.enqueue({"n": 1})
    bed.enqueue({"n": 2})
    inside, go_on = threading.Event(), threading.Event()

    class Slow(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            inside.set()
            assert go_on.wait(60)
            return super().handle_request(request)

    slow = bed.relay(Slow())
    slow.start()
    assert inside.wait(60)
    assert bed.relay().relay_once() == Pass()
    # Stopped in the middle of the row: it is finished, and the next one is left.
    assert not slow.stop(timeout=0)
    go_on.set()
    assert slow.stop(timeout=60)
    assert bed.contexts() == [{"n": 1}]
    assert [row.context for row in bed.rows()] == [{"n": 2}]


def test_when_the_server_is_away_nothing_dies_and_one_row_is_tried(bed: Bed) -> None:
    bed.enqueue({"n": 1})
    bed.enqueue({"n": 2})

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    done = bed.relay(httpx.MockTransport(away)).relay_once()
    assert (done.created, done.failed) == (0, 1)
    assert done.pause is not None
    assert [(row.attempts, row.dead_at) for row in bed.rows()] == [(0, None), (0, None)]
    assert bed.rows()[0].last_error is not None
    bed.drain()
    assert sorted(context["n"] for context in bed.contexts()) == [1, 2]


def test_it_goes_on_when_the_database_was_away(bed: Bed) -> None:
    broken = [True]

    def connect() -> Any:
        if broken:
            broken.clear()
            raise OSError("the database is away")
        return bed.connect()

    bed.enqueue({"n": 1})
    relay = bed.relay()
    relay.store = SqlStore(connect, bed.table)
    relay.start()
    eventually(lambda: bed.rows() == [], timeout=60)
    assert relay.stop(timeout=60)


def test_lag_and_counts_are_metrics_of_a_process_that_relays(bed: Bed) -> None:
    bed.enqueue({"n": 1}, version="0.0.0")
    with bed.connect() as connection:
        past = f"update {bed.table} set created_at = now() - interval '1 hour'"
        connection.execute(past)
    relay = bed.relay()
    assert sample("up") is None
    relay.start()
    eventually(lambda: (sample("lag_seconds") or 0) > 3599, timeout=60)
    assert (sample("up"), sample("open"), sample("dead")) == (1, 1, 0)
    relay.stop()
    assert sample("up") is None


def test_a_relay_that_begins_shows_nothing_of_one_that_ended() -> None:
    found = outbox_metrics.outbox_metrics
    found.begin()
    found.read(OutboxStats(1, 0, 3600.0))
    assert (sample("up"), sample("open")) == (1, 1)
    found.end()
    found.begin()
    try:
        assert (sample("up"), sample("open")) == (0, None)
    finally:
        found.end()


def test_a_relay_whose_database_is_away_shows_no_figure_of_the_past(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_metrics, "FRESH_SECONDS", 1.0)
    monkeypatch.setattr(relay_module, "_MEASURE_SECONDS", 0.1)
    sessions: list[Any] = []
    away = threading.Event()

    def connect() -> Any:
        if away.is_set():
            raise OSError("the database is away")
        sessions.append(bed.connect())
        return sessions[-1]

    relay = bed.relay()
    relay.store = SqlStore(connect, bed.table)
    relay.start()
    eventually(lambda: sample("lag_seconds") == 0, timeout=60)
    away.set()
    with bed.connect() as connection:
        for session in sessions:
            connection.execute("select pg_terminate_backend(%s)", (session.info.backend_pid,))
    eventually(lambda: sample("up") == 0, timeout=60)
    assert (sample("open"), sample("dead"), sample("lag_seconds")) == (None, None, None)
    away.clear()
    eventually(lambda: sample("up") == 1, timeout=60)
    assert relay.stop(timeout=60)


def test_the_lag_grows_while_the_server_is_away(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "_MEASURE_SECONDS", 0.1)
    asked: list[httpx.Request] = []

    def busy(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(503, headers={"retry-after": "600"})

    bed.enqueue({"n": 1})
    relay = bed.relay(httpx.MockTransport(busy))
    relay.start()
    eventually(lambda: sample("lag_seconds") is not None, timeout=60)
    seen = sample("lag_seconds") or 0
    eventually(lambda: (sample("lag_seconds") or 0) > seen + 1, timeout=60)
    assert relay.stop(timeout=60)
    assert len(asked) == 1


def test_a_missing_table_is_named_with_its_fix(bed: Bed) -> None:
    relay = bed.relay()
    relay.store = SqlStore(bed.stack.database_url, "nothing")
    with pytest.raises(TaskerStartError, match="table nothing does not exist: `tasker outbox sql`"):
        relay.relay_once()


PROCESS = """
import sys
from tasker_contrib import OutboxRelay, SyncTaskerClient
from tasker_contrib.outbox.process import run_until_signal

client = SyncTaskerClient(sys.argv[2], max_retries=0)
sys.exit(run_until_signal(OutboxRelay(sys.argv[1], client=client, table=sys.argv[3], poll=0.05)))
"""


def test_a_process_ends_with_0_after_a_signal(bed: Bed) -> None:
    bed.enqueue({"n": 1})
    urls = (bed.stack.database_url, bed.stack.orchestration_url)
    command = [sys.executable, "-c", PROCESS, *urls, bed.table]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        eventually(lambda: bed.rows() == [], timeout=60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert "the relay of the outbox is ready" in process.stderr.read()


def test_a_process_without_its_table_ends_with_2(bed: Bed) -> None:
    urls = (bed.stack.database_url, bed.stack.orchestration_url)
    command = [sys.executable, "-c", PROCESS, *urls, "nothing"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("error: table nothing does not exist: `tasker outbox sql`")
