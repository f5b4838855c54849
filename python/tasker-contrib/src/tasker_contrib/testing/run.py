"""What a run of a workflow in memory left, and assertions about it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic_core import to_jsonable_python

from .._internal.names import counted
from . import graph as rules
from .diff import contains, diff

Status = Literal["complete", "blocked_by_failures", "error", "waiting_for_dependencies"]


@dataclass
class StepRun:
    """One step of a run.

    Attributes:
        name: The step's name; a batch worker's instance is ``{worker}_{batch_id}``.
        template_step: The step of the template it was made from.
        state: ``complete``, ``error``, ``pending`` (never ran) or ``waiting_for_retry``.
        attempts: How often the handler was called, checkpoints not counted.
        result: What later steps see; None unless complete.
        error: The message of the last failure, or None.
        error_type: Its type, or None.
        delays: Seconds waited before the second, third, … attempt.
        checkpoints: Cursors that a batch worker stored on its way.
        depends_on: The steps it waited for.
        idempotency_key: Its UUID, the same in every attempt.
    """

    name: str
    template_step: str
    state: str = rules.PENDING
    attempts: int = 0
    result: dict[str, Any] | None = None
    error: str | None = None
    error_type: str | None = None
    delays: list[float] = field(default_factory=list)
    checkpoints: list[Any] = field(default_factory=list)
    depends_on: list[str] = field(default_factory=list)
    idempotency_key: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class Event:
    """One execution: virtual seconds since the start, and what came of it."""

    at: float
    step: str
    attempt: int
    text: str


@dataclass
class WorkflowRun:
    """What a task came to.

    Attributes:
        status: The task's end state. ``blocked_by_failures`` and ``error`` both mean failed: Core
            moves a task from the first to the second when another result arrives later.
        steps: Every step that was created, by name, in creation order.
        order: Step names in the order in which their handlers were called.
        problems: What the server would do differently from what the template says; empty is good.
        timeline: Every execution.
        duration: Virtual seconds; only retry delays take time.
    """

    status: Status = "waiting_for_dependencies"
    steps: dict[str, StepRun] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    timeline: list[Event] = field(default_factory=list)
    duration: float = 0.0

    def __getitem__(self, step: str) -> StepRun:
        """The step of that name; raises AssertionError with the timeline when it was not made."""
        if step not in self.steps:
            made = ", ".join(self.steps)
            raise AssertionError(f"step '{step}' was not created (created: {made})\n{self}")
        return self.steps[step]

    def assert_complete(self) -> WorkflowRun:
        """Fail unless the task completed and the server would have run it in the same way.

        Raises:
            AssertionError: with the reason and the timeline.
        """
        if self.problems:
            listed = "\n".join(f"  - {problem}" for problem in self.problems)
            raise AssertionError(
                f"the server would not run this template as it is written:\n{listed}\n{self}"
            )
        return self.assert_status("complete")

    def assert_failed(self) -> WorkflowRun:
        """Fail unless the task ended in ``blocked_by_failures`` or ``error``.

        Raises:
            AssertionError: with the timeline.
        """
        if self.status not in ("blocked_by_failures", "error"):
            raise AssertionError(f"expected a failed task, but it is {self.status}\n{self}")
        return self

    def assert_status(self, status: Status) -> WorkflowRun:
        """Fail unless the task ended in ``status``.

        Raises:
            AssertionError: with the timeline.
        """
        if self.status != status:
            raise AssertionError(f"expected status {status}, but it is {self.status}\n{self}")
        return self

    def assert_step(
        self,
        name: str,
        *,
        state: str = rules.COMPLETE,
        result: Any = None,
        attempts: int | None = None,
        error: str | None = None,
        delays: list[float] | None = None,
    ) -> WorkflowRun:
        """Fail unless the step ended as given; what is left out is not compared.

        Args:
            name: The step.
            state: Its state.
            result: Keys and values its result must have; it may have more.
            attempts: How often it was tried.
            error: A part of its error message.
            delays: Seconds between its attempts.

        Raises:
            AssertionError: with a diff and the timeline.

        Example:
            ```python
            run.assert_step("load", attempts=3, result={"rows": 10})
            run.assert_step("publish", state="error", error="quality")
            ```
        """
        step = self[name]
        wrong: list[str] = []
        if step.state != state:
            wrong.append(f"state is {step.state}, expected {state}")
        if attempts is not None and step.attempts != attempts:
            wrong.append(f"{counted(step.attempts, 'attempt')}, expected {attempts}")
        if error is not None and error not in (step.error or ""):
            wrong.append(f"error is {step.error!r}, expected to contain {error!r}")
        if delays is not None and not contains(step.delays, delays):
            wrong.append(f"delays are {step.delays}, expected {delays}")
        if result is not None:
            expected = to_jsonable_python(result)
            if not contains(step.result, expected):
                wrong.append("result differs:\n" + diff(step.result, expected))
        if wrong:
            listed = "\n".join(wrong)
            raise AssertionError(f"step '{name}':\n{listed}\n{self}")
        return self

    def assert_absent(self, *names: str) -> WorkflowRun:
        """Fail if one of the steps was created (a branch not taken, for example).

        Raises:
            AssertionError: with the timeline.
        """
        present = [name for name in names if name in self.steps]
        if present:
            raise AssertionError(f"created, but should not be: {', '.join(present)}\n{self}")
        return self

    def assert_order(self, *names: str) -> WorkflowRun:
        """Fail unless these steps were first called in this order; others may lie between.

        Raises:
            AssertionError: with the timeline.
        """
        first = [self.order.index(name) if name in self.order else -1 for name in names]
        if -1 in first or first != sorted(first):
            raise AssertionError(
                f"expected the order {', '.join(names)}; called: {', '.join(self.order)}\n{self}"
            )
        return self

    def __str__(self) -> str:
        """The timeline, one execution a line, then the steps that never ran."""
        width = max((len(name) for name in self.steps), default=0)
        lines = [f"task {self.status} after {self.duration:g} s"]
        lines += [
            f"  {event.at:8.3f} s  {event.step:<{width}}  attempt {event.attempt}: {event.text}"
            for event in self.timeline
        ]
        lines += [
            f"         —   {step.name:<{width}}  never ran"
            for step in self.steps.values()
            if step.attempts == 0
        ]
        return "\n".join(lines)
