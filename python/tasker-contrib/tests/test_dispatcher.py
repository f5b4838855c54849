"""The dispatcher against a native worker that only hands out steps and keeps the answers."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tasker_contrib import Checkpoint, TaskerEvent, batch_worker, step_handler, subscribe
from tasker_contrib._internal import metrics
from tasker_contrib._internal.dispatcher import Dispatcher
from tasker_contrib._internal.registry import registry
from tasker_contrib._internal.watchdog import LoopWatch
from tasker_contrib.batches import BatchContext
from tasker_contrib.log import TaskerLogFilter

from .support import FakeNative, eventually

pytestmark = pytest.mark.usefixtures("clean_registry")


def metric(name: str) -> float:
    value = metrics.registry.get_sample_value(f"tasker_contrib_{name}")
    assert value is not None
    return value


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


def test_sync_and_async_steps_complete(native: FakeNative, dispatcher: Dispatcher) -> None:
    threads: dict[str, str] = {}

    @step_handler("sync")
    def sync() -> dict[str, int]:
        threads["sync"] = threading.current_thread().name
        return {"a": 1}

    @step_handler("async")
    async def asynchronous() -> None:
        threads["async"] = threading.current_thread().name

    one, two = native.push("sync"), native.push("async")
    answer = native.answer(one)
    native.answer(two)
    assert answer["success"] is True
    assert answer["result"] == {"a": 1}
    assert answer["status"] == "completed"
    assert answer["metadata"]["worker_id"] == "w1"
    assert "orchestration_metadata" not in answer
    assert threads == {"sync": "tasker-step-sync", "async": "tasker-loop"}


def test_async_handlers_share_one_loop(native: FakeNative, dispatcher: Dispatcher) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    @step_handler("h")
    async def h() -> None:
        loops.append(asyncio.get_running_loop())

    for _ in range(3):
        native.answer(native.push("h"))
    assert len(set(map(id, loops))) == 1


def test_at_most_concurrency_handlers_run_at_once(
    native: FakeNative, dispatcher: Dispatcher
) -> None:
    gate = threading.Event()
    running: list[int] = []

    @step_handler("h")
    def h() -> None:
        running.append(1)
        gate.wait(10)

    ids = [native.push("h") for _ in range(5)]
    eventually(lambda: len(running) == 3)
    assert dispatcher.in_flight == 3
    assert len(native.queue) == 2
    gate.set()
    for event_id in ids:
        native.answer(event_id)


def test_unknown_handler_is_permanent(native: FakeNative, dispatcher: Dispatcher) -> None:
    answer = native.answer(native.push("nobody"))
    assert answer["error"]["error_type"] == "handler_not_found"
    assert answer["metadata"]["retryable"] is False


@pytest.mark.parametrize(
    ("retry", "attempts", "header"),
    [
        (None, None, "1"),
        ({"backoff": "linear", "backoff_base_ms": 2000}, 1, "4"),
        ({"backoff": "exponential", "backoff_base_ms": 1500, "max_backoff_ms": None}, 2, "6"),
        ({"backoff": "none"}, None, "0"),
    ],
)
def test_the_templates_backoff_is_sent(
    native: FakeNative, dispatcher: Dispatcher, retry: Any, attempts: Any, header: str
) -> None:
    @step_handler("h")
    def h() -> None:
        raise ValueError("x")

    answer = native.answer(native.push("h", retry=retry, attempts=attempts))
    metadata = answer["orchestration_metadata"]
    assert metadata == {
        "headers": {"retry-after": header},
        "error_context": None,
        "backoff_hint": None,
        "custom": {},
    }
    assert answer["metadata"]["retryable"] is True
    assert any("ValueError" in line for line in answer["error"]["backtrace"])


def test_async_timeout_cancels(native: FakeNative, dispatcher: Dispatcher) -> None:
    cancelled = threading.Event()

    @step_handler("h")
    async def h() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    answer = native.answer(native.push("h", timeout_seconds=0.2))
    assert cancelled.is_set()
    assert answer["error"]["error_type"] == "timeout"
    assert answer["metadata"]["retryable"] is True
    assert "timeout_seconds = 0.2" in answer["error"]["message"]
    assert eventually(lambda: dispatcher.in_flight == 0)
    assert dispatcher.health()[0]


def test_a_hung_sync_handler_is_answered_named_and_makes_unready(
    native: FakeNative, dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    gate = threading.Event()

    @step_handler("slow.one")
    def h() -> None:
        gate.wait(20)

    event_id = native.push("slow.one", timeout_seconds=0.2)
    answer = native.answer(event_id)
    assert answer["error"]["error_type"] == "timeout"
    ok, text = dispatcher.health()
    assert not ok
    assert "slow.one" in text
    # The log comes after the answer.
    eventually(
        lambda: any(
            "handler hangs" in r.message and "slow.one" in r.message for r in caplog.records
        )
    )
    assert dispatcher.in_flight == 1
    gate.set()
    assert eventually(lambda: dispatcher.health()[0])
    assert native.completions[event_id] is answer
    assert dispatcher.in_flight == 0


def test_an_async_handler_that_ignores_its_cancellation_is_answered(
    native: FakeNative, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasker_contrib._internal.watchdog._CANCEL_GRACE_SECONDS", 0.2)
    release = threading.Event()

    @step_handler("h")
    async def h() -> None:
        release.wait(20)  # blocks the loop

    answer = native.answer(native.push("h", timeout_seconds=0.2))
    assert answer["error"]["error_type"] == "timeout"
    assert not dispatcher.health()[0]
    release.set()
    assert eventually(lambda: dispatcher.health()[0])


def test_a_step_that_was_answered_before_it_began_does_not_begin(
    native: FakeNative, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasker_contrib._internal.watchdog._CANCEL_GRACE_SECONDS", 0.1)
    entered, release = threading.Event(), threading.Event()
    calls: list[int] = []

    @step_handler("blocking")
    async def blocking() -> None:
        entered.set()
        release.wait(20)

    @step_handler("late")
    async def late() -> None:
        calls.append(1)

    native.push("blocking")
    assert entered.wait(10)
    answer = native.answer(native.push("late", timeout_seconds=0.1))
    assert answer["error"]["error_type"] == "timeout"
    release.set()
    assert eventually(lambda: dispatcher.in_flight == 0)
    assert calls == []


def test_a_blocked_loop_is_noticed(
    native: FakeNative,
    dispatcher: Dispatcher,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    module = "tasker_contrib._internal.watchdog"
    monkeypatch.setattr(f"{module}._BEAT_SECONDS", 0.05)
    monkeypatch.setattr(f"{module}._LOOP_BLOCKED_SECONDS", 0.3)
    release = threading.Event()

    @step_handler("blocking")
    async def h() -> None:
        release.wait(20)

    native.push("blocking")
    assert eventually(lambda: not dispatcher.health()[0])
    assert "blocking" in dispatcher.health()[1]
    assert any("Use `def`" in r.getMessage() for r in caplog.records)
    release.set()
    assert eventually(lambda: dispatcher.health()[0])


def test_the_longest_lag_stays_for_a_minute_so_that_a_scrape_meets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    asked: list[Callable[[], None]] = []
    loop: Any = SimpleNamespace(call_soon_threadsafe=asked.append)
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr("tasker_contrib._internal.watchdog.time", clock)
    watch = LoopWatch()
    watch.look(loop, str)
    asked.pop()()
    now += 1
    watch.look(loop, str)
    assert metric("event_loop_lag_seconds") == 0
    now += 1
    watch.look(loop, str)
    assert metric("event_loop_lag_seconds") == 1, "while it still does not answer"
    now += 0.4
    asked.pop()()
    lags = []
    for _ in range(70):
        now += 1
        watch.look(loop, str)
        if asked:
            asked.pop()()
        lags.append(metric("event_loop_lag_seconds"))
    assert lags == [pytest.approx(1.4)] * 60 + [0.0] * 10


def test_capacity_is_there_while_steps_are_executed(native: FakeNative) -> None:
    dispatcher = Dispatcher(native, registry, concurrency=3, worker_id="w1")
    assert metric("handlers_capacity") == 0
    dispatcher.start()
    assert metric("handlers_capacity") == 3
    dispatcher.stop()
    assert metric("handlers_capacity") == 0
    assert metric("event_loop_lag_seconds") == 0


def test_outcomes_are_shown_before_they_happen_so_that_the_first_one_is_an_increase(
    native: FakeNative,
) -> None:
    @step_handler("first.h")
    def h() -> None: ...

    dispatcher = Dispatcher(native, registry, concurrency=3, worker_id="w1")
    dispatcher.start()
    dispatcher.stop()
    for outcome in ("completed", "failed", "retryable", "timed_out", "checkpointed", "cut"):
        labels = {"handler": "first.h", "outcome": outcome}
        assert (
            metrics.registry.get_sample_value("tasker_contrib_handler_executions_total", labels)
            == 0
        )


def test_a_result_that_core_refuses_becomes_a_failure(
    native: FakeNative, dispatcher: Dispatcher
) -> None:
    native.refuse = [ValueError("Conversion error: no")]

    @step_handler("h")
    def h() -> None: ...

    answer = native.answer(native.push("h"))
    assert answer["success"] is False
    assert "cannot be handed to Core" in answer["error"]["message"]


def test_an_unreadable_step_is_answered(native: FakeNative, dispatcher: Dispatcher) -> None:
    event_id = native.push("h")
    native.queue[-1]["task_sequence_step"] = None if False else {"task": 5}
    assert native.answer(event_id)["success"] is False


def test_checkpoints(native: FakeNative, dispatcher: Dispatcher) -> None:
    @batch_worker("h")
    def h(batch: BatchContext) -> Checkpoint:
        return Checkpoint(cursor=batch.start + 5, items_processed=5, accumulated={"n": 1})

    cursor = {"batch_id": "001", "start_cursor": 0, "end_cursor": 10, "batch_size": 10}
    event_id = native.push("h", inputs={"cursor": cursor, "is_no_op": False})
    data = eventually(lambda: native.checkpoints.get(event_id))
    assert (data["cursor"], data["items_processed"]) == (5, 5)
    assert data["accumulated_results"] == {"n": 1}


def test_cut_answers_everything_once(native: FakeNative, dispatcher: Dispatcher) -> None:
    gate = threading.Event()

    @step_handler("sync")
    def sync() -> None:
        gate.wait(20)

    @step_handler("async")
    async def asynchronous() -> None:
        await asyncio.Event().wait()

    ids = [native.push("sync"), native.push("async")]
    eventually(lambda: dispatcher.in_flight == 2)
    dispatcher.pause()
    ids.append(native.push("sync"))
    assert not dispatcher.wait_idle(0.05)
    cut = dispatcher.cut()
    assert sorted(step.handler for step in cut) == ["async", "sync"]
    assert dispatcher.return_unstarted() == 1
    for event_id in ids:
        answer = native.answer(event_id)
        assert answer["error"]["error_type"] == "worker_stopped"
        assert answer["metadata"]["retryable"] is True
        assert answer["orchestration_metadata"]["headers"] == {"retry-after": "2"}
    assert len(dispatcher.recently_answered()) == 3
    gate.set()
    assert eventually(lambda: dispatcher.in_flight == 0)


def test_wait_idle_waits_for_quiet(native: FakeNative, dispatcher: Dispatcher) -> None:
    @step_handler("h")
    def h() -> None: ...

    native.answer(native.push("h"))
    begun = time.monotonic()
    assert dispatcher.wait_idle(5, quiet=0.2)
    assert time.monotonic() - begun < 4


def test_events_metrics_and_log_fields(
    native: FakeNative, dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[TaskerEvent] = []
    caplog.handler.addFilter(TaskerLogFilter())
    caplog.set_level(logging.INFO)

    def broken(event: TaskerEvent) -> None:
        raise RuntimeError("subscriber")

    async def broken_async(event: TaskerEvent) -> None:
        raise RuntimeError("async subscriber")

    off: list[Callable[[], None]] = [
        subscribe("tasker.step.*", broken),
        subscribe("tasker.step.*", broken_async),
        subscribe("tasker.step.*", seen.append),
        subscribe("tasker.domain_event", seen.append),
    ]
    try:

        @step_handler("events.h")
        def h() -> None:
            logging.getLogger("app").info("inside", extra={"step": "mine"})

        native.domain_events.append(
            {
                "event_name": "order.done",
                "event_version": "1.0",
                "metadata": {"task_uuid": "t", "step_name": "s", "namespace": "ns"},
                "payload": {"payload": {"x": 1}},
            }
        )
        event_id = native.push("events.h")
        native.answer(event_id)
        eventually(
            lambda: {e.name for e in seen} >= {"tasker.step.completed", "tasker.domain_event"}
        )
        eventually(lambda: [r for r in caplog.records if "async subscriber" in str(r.exc_info)])
    finally:
        for unsubscribe in off:
            unsubscribe()
    names = [e.name for e in seen if e.name.startswith("tasker.step")]
    assert names == ["tasker.step.started", "tasker.step.completed"]
    done = next(e for e in seen if e.name == "tasker.step.completed")
    assert (done.step, done.namespace) == ("a_step", "ns")
    assert done.data["attempt"] == 1
    domain = next(e for e in seen if e.name == "tasker.domain_event")
    assert domain.data == {"event_name": "order.done", "event_version": "1.0", "payload": {"x": 1}}
    inside = next(r for r in caplog.records if r.message == "inside")
    assert inside.task_uuid == done.task_uuid  # type: ignore[attr-defined]
    assert inside.handler == "events.h"  # type: ignore[attr-defined]
    assert inside.step == "mine"  # type: ignore[attr-defined]
    labels = {"handler": "events.h", "outcome": "completed"}
    value = metrics.registry.get_sample_value("tasker_contrib_handler_executions_total", labels)
    assert value == 1
    assert REGISTRY.get_sample_value("tasker_contrib_handlers_in_flight") is None


def test_subscribing_to_an_unknown_event_names_the_known_one() -> None:
    with pytest.raises(ValueError, match=r"did you mean 'tasker\.step\.completed'"):
        subscribe("tasker.step.complete", print)


def test_structlog_gets_the_ids(native: FakeNative, dispatcher: Dispatcher) -> None:
    structlog = pytest.importorskip("structlog")
    seen: list[dict[str, Any]] = []

    @step_handler("h")
    async def h() -> None:
        seen.append(structlog.contextvars.get_contextvars())

    native.answer(native.push("h"))
    assert seen[0]["handler"] == "h"
    assert set(seen[0]) >= {"task_uuid", "step_uuid", "namespace", "correlation_id"}
    assert "task_uuid" not in structlog.contextvars.get_contextvars()


def test_spans(native: FakeNative, dispatcher: Dispatcher) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)

    @step_handler("spans.h")
    async def h() -> None:
        raise RuntimeError("no")

    event_id = native.push("spans.h")
    native.queue[-1]["trace_id"] = "0af7651916cd43dd8448eb211c80319c"
    native.queue[-1]["span_id"] = "b7ad6b7169203331"
    native.answer(event_id)
    spans = eventually(lambda: [s for s in exporter.get_finished_spans() if "spans.h" in s.name])
    span = spans[0]
    assert span.name == "tasker.step spans.h"
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.context is not None
    assert format(span.context.trace_id, "032x") == "0af7651916cd43dd8448eb211c80319c"
    assert span.attributes is not None
    assert span.attributes["tasker.outcome"] == "failed"
    assert span.attributes["tasker.namespace"] == "ns"


def test_a_failing_native_poll_does_not_kill_the_poller(
    native: FakeNative, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    @step_handler("h")
    def h() -> None: ...

    calls: list[int] = []
    real = native.poll

    def poll() -> dict[str, Any] | None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("lock error")
        return real()

    monkeypatch.setattr(native, "poll", poll)
    assert native.answer(native.push("h"))["success"]
