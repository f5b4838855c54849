"""What a step costs between its claim and its answer: Core's own loop, FastAPI's worker, Django's.

Run it with ``cargo xtask bench django``, which prepares the environment. Steps come from memory and
answers go there, so that only what each loop does is measured. Prints one JSON line per case: the
median over alternating rounds of microseconds of wall time and of CPU time a step, and the ratio of
the latter to Core's.
"""

from __future__ import annotations

import json
import os
import statistics
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

os.environ["LOG_LEVEL"] = "error"  # Core reads it when it is imported

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["tasker_contrib_django"],
    USE_TZ=True,
)
django.setup()

import tasker_core.step_execution_subscriber as core
from tasker_contrib._internal.dispatcher import Dispatcher
from tasker_contrib._internal.injection import AppContext
from tasker_contrib._internal.registry import registry
from tasker_core import EventBridge, EventNames, FfiStepEvent, HandlerRegistry
from tasker_core.step_handler import step_handler as core_step_handler

from tasker_contrib_django import step_handler
from tasker_contrib_django.steps import app_context

STEPS = 2000
ROUNDS = 9
CONCURRENCY = 8
PATIENCE = 60.0


@step_handler("bench.ours")
def ours() -> dict[str, int]:
    """Return at once."""
    return {"number": 1}


@core_step_handler("bench.core")
def bare() -> dict[str, int]:
    """The same, written for Core."""
    return {"number": 1}


class Memory:
    """Hands out steps and counts the answers, in the place of the native worker."""

    def __init__(self, handler: str) -> None:
        self.steps = [event(handler) for _ in range(STEPS)]
        self.answers = 0
        self.done = threading.Event()

    def poll(self) -> dict[str, Any] | None:
        return self.steps.pop() if self.steps else None

    def poll_domain_event(self) -> None:
        return None

    def complete(self, event_id: str, completion: Any) -> bool:
        assert completion["success"], completion
        self.answers += 1
        if self.answers == STEPS:
            self.done.set()
        return True

    def checkpoint(self, event_id: str, data: dict[str, Any]) -> bool:
        raise NotImplementedError


def event(handler: str) -> dict[str, Any]:
    """A claimed step as the native worker describes it."""
    step = {"name": "step", "attempts": 0, "max_attempts": 3, "inputs": None}
    callable_ = {"callable": handler, "initialization": {}}
    return {
        **{name: str(uuid.uuid4()) for name in ("event_id", "task_uuid", "step_uuid")},
        "correlation_id": str(uuid.uuid4()),
        "task_sequence_step": {
            "task": {"task": {"context": {"number": 1}}, "namespace_name": "bench"},
            "step_definition": {"name": "step", "handler": callable_, "timeout_seconds": 30},
            "workflow_step": step,
            "dependency_results": {},
        },
    }


def in_core(memory: Memory) -> None:
    """Core's subscriber, called for each step by the thread that polls, as Core's poller does."""
    core._complete_step_event = lambda event_id, result: memory.complete(event_id, result)
    while (raw := memory.poll()) is not None:
        bridge.publish(EventNames.STEP_EXECUTION_RECEIVED, FfiStepEvent.model_validate(raw))


def in_ours(context: AppContext) -> Callable[[Memory], None]:
    """The dispatcher of our packages, with what a framework puts around a step."""

    def run(memory: Memory) -> None:
        dispatcher = Dispatcher(
            memory, registry, concurrency=CONCURRENCY, worker_id="bench", app=lambda: context
        )
        dispatcher.start()
        memory.done.wait(PATIENCE)
        dispatcher.stop()

    return run


def measured(handler: str, run: Callable[[Memory], None]) -> tuple[float, float]:
    """Microseconds of wall time and of CPU time a step."""
    memory = Memory(handler)
    wall, cpu = time.perf_counter(), time.process_time()
    run(memory)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert memory.answers == STEPS, f"{memory.answers} of {STEPS} steps were answered"
    return 1e6 * wall / STEPS, 1e6 * cpu / STEPS


bridge = EventBridge.instance()
CASES = {
    "Core's own loop": ("bench.core", in_core),
    "FastAPI": ("bench.ours", in_ours(AppContext())),
    "Django": ("bench.ours", in_ours(app_context())),
}


def main() -> None:
    """Measure all cases in turn, again and again."""
    handlers = HandlerRegistry.instance(skip_bootstrap=True)
    handlers.register("bench.core", bare._handler_class)
    bridge.start()
    core.StepExecutionSubscriber(bridge, handlers, "bench").start()
    for case in CASES.values():
        measured(*case)  # what is imported and compiled at first
    rounds = [{name: measured(*case) for name, case in CASES.items()} for _ in range(ROUNDS)]
    medians = {
        name: [statistics.median(one[name][i] for one in rounds) for i in (0, 1)] for name in CASES
    }
    core_cpu = medians["Core's own loop"][1]
    for name, (wall, cpu) in medians.items():
        record = {
            "case": name,
            "wall_us": round(wall),
            "cpu_us": round(cpu),
            "cpu_ratio_to_core": round(cpu / core_cpu, 2),
        }
        print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
