"""Helpers of several test modules."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from tasker_contrib._internal.injection import Injection, register_injector

T = TypeVar("T")


def eventually(check: Callable[[], T], *, timeout: float = 60.0, what: str = "") -> T:
    """Call `check` until it returns something true; return that."""
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what or check}")
        time.sleep(0.01)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class FakeNative:
    """Hands out given steps and keeps the answers (the native worker's five calls)."""

    def __init__(self) -> None:
        self.queue: list[dict[str, Any]] = []
        self.domain_events: list[dict[str, Any]] = []
        self.completions: dict[str, dict[str, Any]] = {}
        self.checkpoints: dict[str, dict[str, Any]] = {}
        self.refuse: list[Exception] = []

    def push(self, handler: str, **step: Any) -> str:
        event_id = str(uuid.uuid4())
        definition = {
            "name": "a_step",
            "handler": {"callable": handler, "initialization": {}},
            "retry": step.get("retry"),
            "timeout_seconds": step.get("timeout_seconds"),
        }
        workflow_step = {
            "name": "a_step",
            "attempts": step.get("attempts"),
            "max_attempts": 3,
            "inputs": step.get("inputs"),
        }
        task = {"task": {"context": step.get("context", {})}, "namespace_name": "ns"}
        self.queue.append(
            {
                "event_id": event_id,
                "task_uuid": str(uuid.uuid4()),
                "step_uuid": str(uuid.uuid4()),
                "correlation_id": str(uuid.uuid4()),
                "task_sequence_step": {
                    "task": task,
                    "step_definition": definition,
                    "workflow_step": workflow_step,
                    "dependency_results": {},
                },
            }
        )
        return event_id

    def poll(self) -> dict[str, Any] | None:
        return self.queue.pop(0) if self.queue else None

    def poll_domain_event(self) -> dict[str, Any] | None:
        return self.domain_events.pop(0) if self.domain_events else None

    def complete(self, event_id: str, completion: dict[str, Any]) -> bool:
        if self.refuse:
            raise self.refuse.pop(0)
        assert event_id not in self.completions, "answered twice"
        self.completions[event_id] = completion
        return True

    def checkpoint(self, event_id: str, data: dict[str, Any]) -> bool:
        self.checkpoints[event_id] = data
        return True

    def answer(self, event_id: str, timeout: float = 60.0) -> dict[str, Any]:
        return eventually(lambda: self.completions.get(event_id), timeout=timeout, what="an answer")


@dataclass(frozen=True)
class Provide:
    """The dependencies of the smallest possible framework: a function to call."""

    fn: Callable[[], Any]


class ProvideInjector:
    def claims(self, marker: object) -> bool:
        return isinstance(marker, Provide)

    async def solve(self, injection: Injection, stack: AsyncExitStack) -> dict[str, Any]:
        values = {}
        for name, parameter in injection.parameters.parameters.items():
            [marker] = [m for m in get_args(parameter.annotation) if isinstance(m, Provide)]
            overrides = injection.app.overrides or {}
            values[name] = overrides.get(marker.fn, marker.fn)()
        return values


register_injector(ProvideInjector())
