from __future__ import annotations

import threading
from typing import Any

import pytest
from django.dispatch import Signal
from tasker_contrib.events import EVENTS, TaskerEvent, emit

from tasker_contrib_django import signals, step_handler
from tasker_contrib_django._internal import _contract
from tasker_contrib_django.signals import SIGNALS, SignalThread


def test_each_event_has_its_signal_by_the_name_of_the_contract_table() -> None:
    assert set(SIGNALS) == {*EVENTS, _contract.TASK_CREATED}
    ours = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert ours == set(signals.__all__) == set(_contract.SIGNALS.values())
    assert {event: getattr(signals, name) for event, name in _contract.SIGNALS.items()} == SIGNALS


def test_receivers_run_in_order_on_one_thread_and_cannot_break_each_other(
    caplog: pytest.LogCaptureFixture, clean_registry: None
) -> None:
    @step_handler("shop.pay")
    def pay() -> None: ...

    seen: list[tuple[str, Any, str]] = []

    def bad(**_: Any) -> None:
        raise RuntimeError("receiver")

    def good(sender: Any, event: TaskerEvent, handler: str, **data: Any) -> None:
        seen.append((event.name, sender, threading.current_thread().name))

    watched: list[Signal] = [signals.step_started, signals.step_completed]
    thread = SignalThread()
    thread.start()
    for signal in watched:
        signal.connect(bad)
        signal.connect(good)
    try:
        data = {"handler": "shop.pay", "attempt": 1}
        emit(TaskerEvent("tasker.step.started", data=data))
        emit(TaskerEvent("tasker.step.completed", data={**data, "duration_ms": 1.0}))
        thread.stop()
        emit(TaskerEvent("tasker.step.started", data=data))  # nobody listens any more
    finally:
        for signal in watched:
            signal.disconnect(bad)
            signal.disconnect(good)
    assert seen == [
        ("tasker.step.started", pay, "tasker-signals"),
        ("tasker.step.completed", pay, "tasker-signals"),
    ]
    assert caplog.text.count("failed on tasker.step") == 2
