"""What a scheduler creates, by a clock of its own (the real server: FastAPI's tests)."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tasker_contrib import SyncTaskerClient
from tasker_contrib.schedules import Scheduler, create_now, load
from tasker_contrib.schedules.scheduler import slot_text

START = datetime(2026, 12, 1, 12, 0, tzinfo=timezone.utc)


class Server:
    """Takes a context once, as Core does, and lists by initiator."""

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.away = False
        self.refuses: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("refused", request=request)
        if request.method == "GET" and request.url.path == "/v1/tasks":
            asked = request.url.params.get("initiator")
            found = [task for task in reversed(self.tasks) if task["initiator"] == asked]
            return httpx.Response(200, json={"tasks": found, "pagination": {}})
        if request.method == "GET":
            [task] = [t for t in self.tasks if request.url.path.endswith(t["task_uuid"])]
            return httpx.Response(200, json=task)
        body = json.loads(request.content)
        if body["name"] in self.refuses:
            return httpx.Response(422, json={"error": {"code": "INVALID", "message": "no"}})
        if any(task["context"] == body["context"] for task in self.tasks):
            return httpx.Response(409, json={"error": {"code": "CONFLICT", "message": "there"}})
        self.tasks.append({**body, "task_uuid": str(uuid4()), "status": "pending"})
        return httpx.Response(200, json=self.tasks[-1])

    @property
    def slots(self) -> list[str]:
        return [task["context"]["scheduled_for"][5:16] for task in self.tasks]


class World:
    """A server, a file and a clock."""

    def __init__(self, folder: Path) -> None:
        self.server = Server()
        self.now = START
        self.path = folder / "schedules.yaml"
        self.client = SyncTaskerClient(
            "http://127.0.0.1:1", max_retries=0, transport=httpx.MockTransport(self.server)
        )

    def write(self, keys: str) -> None:
        self.path.write_text(f"s: {{task: ns/t, {keys}}}")

    def scheduler(self, keys: str | None = None) -> Scheduler:
        if keys is not None:
            self.write(keys)
        return Scheduler(self.client, self.path, now=lambda: self.now)

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    with world.client:
        yield world


def test_a_task_has_its_slot_and_its_schedule(world: World) -> None:
    scheduler = world.scheduler('cron: "0 6 * * *", context: {region: eu}, missed: skip')
    assert scheduler.run_once() == START + timedelta(hours=18)
    assert world.server.tasks == []
    world.pass_by(hours=18)
    assert scheduler.run_once() == START + timedelta(hours=42)
    [task] = world.server.tasks
    assert task["context"] == {"region": "eu", "scheduled_for": "2026-12-02T06:00:00Z"}
    assert (task["namespace"], task["name"], task["initiator"]) == ("ns", "t", "schedule:s")


@pytest.mark.parametrize(
    ("missed", "slots"),
    [
        ("skip", []),
        ("one", ["12-01T10:00"]),
        (
            "all",
            [f"11-30T{hour}:00" for hour in (14, 18, 22)]
            + [f"12-01T{hour:02}:00" for hour in (2, 6, 10)],
        ),
    ],
)
def test_missed_slots_at_the_start(world: World, missed: str, slots: list[str]) -> None:
    world.scheduler(f'cron: "0 2-22/4 * * *", missed: {missed}').run_once()
    assert world.server.slots == slots


def test_missed_within(world: World) -> None:
    world.scheduler("every: 1h, missed: all, missed_within: 3h").run_once()
    assert world.server.slots == ["12-01T10:00", "12-01T11:00", "12-01T12:00"]


def test_two_schedulers_create_one_task(world: World) -> None:
    schedulers = [world.scheduler("every: 1h"), world.scheduler()]
    for _ in range(3):
        for scheduler in schedulers:
            scheduler.run_once()
        world.pass_by(hours=1)
    assert world.server.slots == ["12-01T12:00", "12-01T13:00", "12-01T14:00"]


def test_a_changed_context_does_not_repeat_what_is_done(world: World) -> None:
    world.scheduler("every: 1h, context: {region: eu}").run_once()
    world.pass_by(minutes=10)
    world.scheduler("every: 1h, context: {region: us}").run_once()
    assert world.server.slots == ["12-01T12:00"]


def test_a_server_that_is_away(world: World, caplog: pytest.LogCaptureFixture) -> None:
    scheduler = world.scheduler("every: 1m")
    scheduler.run_once()
    world.server.away = True
    world.pass_by(minutes=1)
    for _ in range(10):
        again = scheduler.run_once()
        assert again is not None
        assert timedelta(0) < again - world.now <= timedelta(seconds=72)
        world.now = again
    assert "schedule s: no task for 2026-12-01T12:01:00Z: " in caplog.text
    assert "tried again until 2026-12-02T12:01:00Z" in caplog.text
    world.server.away = False
    scheduler.run_once()
    # The one that is newest, and none of those before.
    assert len(world.server.slots) == 2
    assert scheduler.run_once() == world.now.replace(second=0, microsecond=0) + timedelta(minutes=1)


def test_a_refused_task_is_given_up_when_its_time_has_passed(world: World) -> None:
    scheduler = world.scheduler("every: 1h, missed_within: 90m, missed: all")
    world.server.refuses.add("t")
    scheduler.run_once()
    world.pass_by(hours=2)
    world.server.refuses.clear()
    scheduler.run_once()
    assert world.server.slots == ["12-01T13:00", "12-01T14:00"]


def test_one_that_fails_does_not_keep_the_others(world: World) -> None:
    world.path.write_text("bad: {task: ns/bad, every: 1h}\ngood: {task: ns/good, every: 1h}\n")
    world.server.refuses.add("bad")
    scheduler = Scheduler(world.client, world.path, now=lambda: world.now)
    scheduler.run_once()
    assert [task["name"] for task in world.server.tasks] == ["good"]


def test_a_pause_creates_nothing_and_makes_nothing_up(world: World) -> None:
    scheduler = world.scheduler("every: 1h, paused: true, missed: all")
    assert scheduler.run_once() is None
    world.pass_by(hours=3, minutes=5)
    world.write("every: 1h, missed: all")
    scheduler._look_at_file()
    assert scheduler.run_once() == START + timedelta(hours=4)
    assert world.server.slots == []


def test_other_times_begin_with_the_next_slot(world: World) -> None:
    scheduler = world.scheduler('cron: "0 6 * * *"')
    scheduler.run_once()
    world.write('cron: "0 11 * * *"')
    scheduler._look_at_file()
    assert scheduler.run_once() == START + timedelta(hours=23)
    assert world.server.slots == ["12-01T06:00"]


def test_a_file_with_a_mistake_changes_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    scheduler = world.scheduler("every: 1h")
    world.write("every: x")
    scheduler._look_at_file()
    assert [schedule.every for schedule in scheduler.schedules] == ["1h"]
    assert "the schedules stay as they were: " in caplog.text
    world.path.unlink()
    scheduler._look_at_file()
    assert "cannot be read" in caplog.text


def test_it_runs_until_it_is_told_to_stop(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world.write("every: 1h")
    stopping = threading.Event()

    def now() -> datetime:
        if len(world.server.tasks) == 3:
            stopping.set()
        world.pass_by(minutes=20)
        return world.now

    Scheduler(world.client, world.path, now=now).run(stopping)
    assert len(world.server.slots) == 3
    assert "schedule s: task " in caplog.text


def test_now(world: World) -> None:
    world.write("every: 1h, paused: true")
    [schedule] = load(world.path)
    before = datetime.now(timezone.utc)
    slot = create_now(world.client, schedule).context["scheduled_for"]
    assert slot_text(before) <= slot <= slot_text(datetime.now(timezone.utc))
