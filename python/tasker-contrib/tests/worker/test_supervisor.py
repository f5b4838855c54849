"""The supervisor with real processes, looked at in the process table."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support import eventually

SUPERVISED = Path(__file__).with_name("supervised.py")


class Run:
    """A supervisor process and the children it is seen to have."""

    def __init__(self, folder: Path, behaviour: str, processes: int, reload: bool) -> None:
        self.folder = folder
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    str(SUPERVISED),
                    behaviour,
                    str(folder),
                    str(processes),
                    "reload" if reload else "no",
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.seen: set[int] = set()

    def up(self) -> set[int]:
        """Process ids of the children that run and have said so."""
        pids = {int(path.stem) for path in self.folder.glob("*.up")}
        self.seen |= pids
        return {pid for pid in pids if alive(pid)}

    def wait_up(self, count: int, *, without: set[int] | None = None) -> set[int]:
        return eventually(
            lambda: pids if len(pids := self.up() - (without or set())) == count else set(),
            timeout=20,
            what=f"{count} children run; log:\n{self.text()}",
        )

    def drained(self) -> set[int]:
        return {int(path.stem) for path in self.folder.glob("*.drained")}

    def text(self) -> str:
        return self.log.read_text()


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[object]:
    runs: list[Run] = []

    def start(behaviour: str = "good", processes: int = 1, reload: bool = False) -> Run:
        runs.append(Run(tmp_path, behaviour, processes, reload))
        return runs[-1]

    yield start
    for run in runs:
        run.up()
        if run.process.poll() is None:
            run.process.kill()
        run.process.wait()
        for pid in run.seen:
            if alive(pid):
                psutil.Process(pid).kill()


def test_a_killed_child_is_restarted(supervised) -> None:
    run = supervised(processes=2)
    first = run.wait_up(2)
    victim = min(first)
    psutil.Process(victim).kill()
    after = run.wait_up(2, without={victim})
    assert len(after & first) == 1, "the other child must go on undisturbed"
    assert "ended unexpectedly (SIGKILL)" in run.text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_signal_drains_every_child(supervised, number: signal.Signals) -> None:
    run = supervised(processes=2)
    children = run.wait_up(2)
    run.process.send_signal(number)
    assert run.process.wait(20) == 0
    assert run.drained() == children
    assert not any(alive(pid) for pid in children)


def test_no_child_survives_a_killed_supervisor(supervised) -> None:
    run = supervised(processes=2)
    children = run.wait_up(2)
    run.process.kill()
    run.process.wait()
    eventually(lambda: not any(alive(pid) for pid in children), timeout=20, what="the orphans end")
    assert run.drained() == children, "they drain, they are not cut"


def test_a_second_signal_stops_at_once(supervised) -> None:
    run = supervised("deaf")
    children = run.wait_up(1)
    run.process.send_signal(signal.SIGTERM)
    eventually(lambda: "draining 1" in run.text(), timeout=20, what="the drain begins")
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(20) == 1
    assert "again: stopping at once" in run.text()
    assert not any(alive(pid) for pid in children)


def test_a_child_that_does_not_stop_is_killed_after_the_timeout(supervised) -> None:
    run = supervised("deaf")
    children = run.wait_up(1)
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(20) == 1
    assert "did not stop within 1.0 s: killed" in run.text()
    assert not any(alive(pid) for pid in children)


def test_repeated_failures_end_it_with_the_last_error(supervised) -> None:
    run = supervised("broken")
    assert run.process.wait(30) == 1
    log = run.text()
    assert log.count("worker-1 started") == 3
    assert "restarting in 0.05 s" in log
    assert "restarting in 0.1 s" in log
    assert "3 times in a row. Giving up." in log
    assert "  the database is on fire" in log.split("Its last output:")[1]


def test_an_unusable_configuration_is_not_tried_again(supervised) -> None:
    run = supervised("unusable")
    assert run.process.wait(30) == 1
    log = run.text()
    assert log.count("worker-1 started") == 1
    assert "app.main has no attribute 'app'" in log.split("Its last output:")[1]


def test_output_carries_the_name_of_the_process(supervised) -> None:
    run = supervised(processes=2)
    run.wait_up(2)
    eventually(
        lambda: "worker-1 | hello from the child" in run.text(), timeout=20, what="the first prefix"
    )
    eventually(
        lambda: "worker-2 | hello from the child" in run.text(),
        timeout=20,
        what="the second prefix",
    )


def test_a_change_restarts_the_children_gracefully(supervised) -> None:
    run = supervised(reload=True)
    before = run.wait_up(1)
    (run.folder / "change-1").touch()
    after = run.wait_up(1, without=before)
    assert run.drained() == before
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(20) == 0
    assert run.drained() == before | after


def test_with_reload_a_broken_app_waits_for_the_next_change(supervised) -> None:
    run = supervised("broken", reload=True)
    eventually(lambda: "waiting for a file to change" in run.text(), timeout=20, what="it waits")
    (run.folder / "change-1").touch()
    eventually(
        lambda: run.text().count("waiting for a file") == 2, timeout=20, what="it tries again"
    )
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(20) == 0
