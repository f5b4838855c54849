"""Start, stop, kill, fork and reload of real processes on the real stack."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import psycopg
import psycopg.sql
import pytest

from tasker_contrib_fastapi.testing import TaskerStack

from ..support import eventually
from .support import HERE, Place, by_name, new_place, start


@pytest.fixture
def place(tasker_stack: TaskerStack, tmp_path: Path) -> Place:
    return new_place(tasker_stack, tmp_path)


def test_sigterm_in_the_middle_of_steps_loses_nothing(place: Place) -> None:
    """One step ends during the drain, one is cut and tried again by the next process."""
    with start(place, TASKER_DRAIN_TIMEOUT="3") as app:
        app.wait_for("startup complete")
        ends = app.create("slow", n=1, seconds=1.0)
        cut = app.create("patient", n=2)
        eventually(lambda: (place.folder / "slow-1-0").exists())
        eventually(lambda: (place.folder / "hung-2-0").exists())
        assert app.stop() in (0, -signal.SIGTERM)
        assert re.search(r"WARNING .*cut after .* step 'hung'", app.log)
        assert "cut after" in app.log
        assert "step 'slow'" not in "".join(re.findall("cut after.*", app.log))
        drained, closed = app.log.index("worker stopped"), app.log.index("resources closed")
        assert drained < closed, "the drain comes before the teardown of the app's own lifespan"
    with start(place, TASKER_DRAIN_TIMEOUT="0") as app:
        app.wait_for("startup complete")
        task = app.ended(ends)
        assert (task["status"], by_name(task)["slow"]["attempts"]) == ("complete", 1)
        task = app.ended(cut)
        assert (task["status"], by_name(task)["hung"]["attempts"]) == ("complete", 2)


def test_a_stop_at_once_loses_nothing_either(place: Place) -> None:
    with start(place, TASKER_DRAIN_TIMEOUT="0") as app:
        app.wait_for("startup complete")
        # Results of these are sent, but not yet processed, when the signal comes. They have no
        # second step that Core could claim in the last milliseconds (README, "Stopping").
        tasks = [app.create("slow", n=10 + i, seconds=0) for i in range(5)]
        cut = app.create("slow", n=3, seconds=60)
        for n in (10, 11, 12, 13, 14, 3):
            eventually((place.folder / f"slow-{n}-0").exists)
        begun = time.monotonic()
        assert app.stop() in (0, -signal.SIGTERM)
        assert time.monotonic() - begun < 30
        assert "cut after" in app.log
    with start(place, TASKER_DRAIN_TIMEOUT="0") as app:
        app.wait_for("startup complete")
        for uuid in tasks:
            assert app.ended(uuid)["status"] == "complete"
        task = app.ended(cut)
        assert (task["status"], by_name(task)["slow"]["attempts"]) == ("complete", 2)


def test_a_killed_worker_leaves_no_poll_behind(place: Place) -> None:
    """Else it would go on in PostgreSQL for five seconds and hide the next step for thirty."""
    command = ("uvicorn", "app:app", "--port", "0", "--workers", "4")
    with (
        start(place, command) as app,
        psycopg.connect(place.stack.database_url, autocommit=True) as sql,
    ):
        app.wait_for(r"worker python-worker-\S+ started", count=4)
        assert app.ended(app.create("chain", n=1))["status"] == "complete"
        # While this lock is held a poll has no end of its own, however slow the machine is.
        with sql.transaction():
            queue = psycopg.sql.Identifier("pgmq", f"q_worker_{place.ns}_queue")
            sql.execute(psycopg.sql.SQL("lock table {}").format(queue))
            blocked = """select count(*) from pg_stat_activity
                          where pg_backend_pid() = any(pg_blocking_pids(pid))
                            and application_name like 'tkw:%'"""

            def polls() -> int:
                [count] = sql.execute(blocked).fetchone() or (0,)
                return int(count)

            eventually(lambda: polls() >= 4, timeout=60, what="each worker polls")
            os.killpg(app.process.pid, signal.SIGKILL)
            app.process.wait()
            eventually(lambda: polls() == 0, timeout=60, what="no poll is left")


def test_ready_is_false_from_the_start_of_a_drain(tasker_stack: TaskerStack) -> None:
    """In process: uvicorn itself answers no request after SIGTERM."""
    from tasker_contrib._internal.runtime import Runtime

    from tasker_contrib_fastapi import TaskerSettings

    runtime = Runtime(TaskerSettings(), standalone=False)
    runtime.state = "draining"
    assert runtime.health() == {"worker": (False, "draining")}


def test_two_apps_and_several_starts_in_one_process(place: Place) -> None:
    with start(place, ("two_apps",)) as app:
        assert app.process.wait(60) == 0, app.log
        app.wait_for("ok\n")
    assert "other settings: worker.concurrency" in app.log
    assert "created: 201" in app.log


def test_a_forked_child_never_touches_the_parents_worker(place: Place) -> None:
    with start(place, ("forked",)) as app:
        assert app.process.wait(60) == 0, app.log
        app.wait_for("ok\n")
    assert "child: 0" in app.log
    assert re.search(r"child refused: process \d+ was forked from \d+", app.log)
    assert "forked from process" in app.log


def test_uvicorn_with_two_workers_starts_one_worker_each(place: Place) -> None:
    command = ("uvicorn", "app:app", "--port", "0", "--workers", "2")
    with start(place, command, TASKER_DRAIN_TIMEOUT="0") as app:
        ids = app.wait_for(r"worker (python-worker-\S+) started", count=2)
        assert len(set(ids)) == 2
        assert app.ended(app.create("chain", n=4))["status"] == "complete"
        app.stop()


def test_gunicorn_with_preload_starts_in_the_workers_only(place: Place) -> None:
    command = (
        "gunicorn", "app:app", "--preload", "-w", "2", "-k", "uvicorn.workers.UvicornWorker",
        "-b", "127.0.0.1:0",
    )  # fmt: skip
    with start(place, command, TASKER_DRAIN_TIMEOUT="0") as app:
        master = app.wait_for(r"Listening at: \S+ \((\d+)\)")[0]
        pids = app.wait_for(r"pid=(\d+) .* tasker: worker \(", count=2)
        assert master not in pids
        app.wait_for(r"worker python-worker-\S+ started", count=2)
        assert app.ended(app.create("chain", n=4))["status"] == "complete"
        app.stop()


def test_reload_stops_and_starts_the_worker(place: Place) -> None:
    source = place.folder / "reloaded.py"
    source.write_text("from app import app  # 1\n")
    command = ("uvicorn", "reloaded:app", "--port", "0", "--reload", "--reload-dir", ".")
    with start(place, command, TASKER_DRAIN_TIMEOUT="0") as app:
        first = app.wait_for(r"worker (python-worker-\S+) started")[0]
        app.wait_for("startup complete")
        time_of_change = len(app.lines)
        source.write_text("from app import app  # 2\n")
        eventually(
            lambda: any("startup complete" in line for line in app.lines[time_of_change:]),
            timeout=30,
            what=f"a second start in:\n{app.log}",
        )
        ids = app.wait_for(r"worker (python-worker-\S+) started", count=2)
        assert ids[0] == first != ids[1]
        assert "worker stopped" in app.log
        assert app.ended(app.create("chain", n=4))["status"] == "complete"


@pytest.mark.parametrize(
    ("env", "text"),
    [
        ({"DATABASE_URL": "postgres://app:s3cret@db/app"}, "must start with postgresql://"),
        (
            {"DATABASE_URL": "postgresql://app:s3cret@127.0.0.1:1/app"},
            "the worker cannot start: connection refused at 127.0.0.1:1 (DATABASE_URL); is "
            "PostgreSQL running there? `tasker-dev up` starts one\n",
        ),
        ({"TASKER_HANDLERS": "nowhere"}, "handler module 'nowhere' does not exist"),
        ({"TASKER_DATABASE__POOL_SIZE": "0"}, "TASKER_DATABASE__POOL_SIZE"),
    ],
)
def test_a_failed_start_fails_the_app_with_a_message(
    place: Place, env: dict[str, str], text: str
) -> None:
    with start(place, **env) as app:
        code = app.process.wait(30)
        eventually(lambda: text in app.log, what=app.log)
    assert code not in (0, -signal.SIGABRT, 134)
    assert "s3cret" not in app.log
    assert "Traceback" not in app.log, "the message is all there is to read"


def test_the_file_for_core_is_private_and_gone(place: Place) -> None:
    temporary = place.folder / "tmp"
    temporary.mkdir()
    with start(place, TASKER_DRAIN_TIMEOUT="0", TMPDIR=str(temporary)) as app:
        app.wait_for("startup complete")
        assert [p for p in os.listdir(temporary) if p.endswith(".toml")] == []
    assert HERE.exists()
