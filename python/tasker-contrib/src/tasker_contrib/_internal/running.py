"""A step while it runs."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tasker_core import FfiStepEvent, StepContext

from .invoke import Callee, resolve
from .registry import Registry


@dataclass
class Running:
    """A step between its claim and the return of its handler."""

    event: FfiStepEvent
    handler: str
    callee: Callee | None
    context: StepContext
    retry: dict[str, Any]
    timeout: float | None
    fields: dict[str, object]
    started: float = field(default_factory=time.monotonic)
    answered: bool = False
    sent: bool = False
    timed_out: bool = False
    cut: bool = False
    hung: bool = False
    task: asyncio.Task[None] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer_once(self) -> bool:
        """True for the first caller only."""
        with self.lock:
            first, self.answered = not self.answered, True
            return first

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self.context.retry_count + 1

    @property
    def is_async(self) -> bool:
        """Whether the handler runs on the event loop, so that it can be cancelled."""
        return self.callee is not None and self.callee.is_async

    @property
    def seconds(self) -> float:
        """How long it runs already."""
        return time.monotonic() - self.started

    def __str__(self) -> str:
        return (
            f"step {self.fields['step']!r} (handler {self.handler!r}, task "
            f"{self.event.task_uuid}, step {self.event.step_uuid})"
        )


@dataclass(frozen=True)
class CutStep:
    """A step that was interrupted when the worker stopped. Core tries it again."""

    step: str
    handler: str
    task_uuid: str
    step_uuid: str
    seconds: float

    @classmethod
    def of(cls, step: Running) -> CutStep:
        """What to tell of a step that was cut."""
        event = step.event
        name = str(step.fields["step"])
        return cls(name, step.handler, event.task_uuid, event.step_uuid, step.seconds)


def prepared(raw: dict[str, Any], registry: Registry) -> Running:
    """Read what Core hands out."""
    event = FfiStepEvent.model_validate(raw)
    definition = event.task_sequence_step.get("step_definition") or {}
    workflow_step = event.task_sequence_step.get("workflow_step") or {}
    task = event.task_sequence_step.get("task") or {}
    name = str((definition.get("handler") or {}).get("callable") or definition.get("name"))
    context = StepContext.from_ffi_event(event, name)
    fields: dict[str, object] = {
        "task_uuid": event.task_uuid,
        "step_uuid": event.step_uuid,
        "step": workflow_step.get("name") or definition.get("name") or "-",
        "handler": name,
        "namespace": task.get("namespace_name") or "-",
        "correlation_id": event.correlation_id,
        "attempt": context.retry_count + 1,
    }
    timeout = definition.get("timeout_seconds")
    return Running(
        event=event,
        handler=name,
        callee=resolve(name, registry),
        context=context,
        retry=definition.get("retry") or {},
        timeout=float(timeout) if timeout else None,
        fields=fields,
    )
