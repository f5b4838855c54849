"""Where subscribers run, and what becomes of them at a stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tasker_contrib import TaskerEvent, step_handler, subscribe
from tasker_contrib._internal.dispatcher import Dispatcher
from tasker_contrib._internal.ending import finish_subscribers
from tasker_contrib._internal.registry import registry
from tasker_contrib.events import emit

from .support import FakeNative, eventually

pytestmark = pytest.mark.usefixtures("clean_registry")


@pytest.fixture
def native() -> FakeNative:
    return FakeNative()


@pytest.fixture
def dispatcher(native: FakeNative) -> Iterator[Dispatcher]:
    made = Dispatcher(native, registry, concurrency=3, worker_id="w1")
    made.start()
    yield made
    made.cut()
    made.stop()


def test_every_subscriber_runs_on_the_loop_thread(
    native: FakeNative, dispatcher: Dispatcher
) -> None:
    """Also for events that the poller notices: a slow one must not stop the claims."""
    threads: dict[str, str] = {}
    gate = threading.Event()

    def note(event: TaskerEvent) -> None:
        threads[event.name] = threading.current_thread().name

    @step_handler("hangs")
    def hangs() -> None:
        gate.wait(20)

    unsubscribe = subscribe("*", note)
    try:
        native.domain_events.append({"event_name": "order.paid", "event_version": "1.0.0"})
        native.push("hangs", timeout_seconds=0.05)
        wanted = {"tasker.domain_event", "tasker.step.timed_out", "tasker.step.failed"}
        assert eventually(lambda: wanted <= threads.keys())
        gate.set()
        assert eventually(lambda: dispatcher.in_flight == 0)
    finally:
        unsubscribe()
    assert set(threads.values()) == {"tasker-loop"}


def test_an_async_subscriber_sees_the_end_through(dispatcher: Dispatcher) -> None:
    began, ended = threading.Event(), threading.Event()

    async def slow(_: TaskerEvent) -> None:
        began.set()
        await asyncio.sleep(0.05)
        ended.set()

    unsubscribe = subscribe("tasker.worker.stopped", slow)
    try:
        data = {"cut": [], "returned": 0}
        emit(TaskerEvent("tasker.worker.stopped", data=data), dispatcher.loop)
        assert began.wait(10)
        finish_subscribers(dispatcher)
        assert ended.is_set()
    finally:
        unsubscribe()
