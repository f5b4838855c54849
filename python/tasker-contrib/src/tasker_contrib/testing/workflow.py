"""Runs a whole task template in memory."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jsonschema
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from .._internal.injection import AppContext
from .._internal.invoke import invoke, resolve
from .._internal.names import counted
from .._internal.outcome import StepOutcome
from .._internal.registry import registry
from . import graph as rules
from .context import build
from .diff import contains, diff
from .graph import Node, OutcomeRefused, TaskGraph
from .step import Overrides, application, call, not_found, run_coroutine
from .template import TemplateProblem, load

Handlers = Mapping[str, Callable[..., Any]]
Status = Literal["complete", "blocked_by_failures", "error", "waiting_for_dependencies"]

# A handler that always yields a checkpoint would never end.
MAX_CHECKPOINTS = 1000


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


def run_workflow(
    template: str | Path | Mapping[str, Any],
    context: Mapping[str, Any] | BaseModel | None = None,
    handlers: Handlers | None = None,
    *,
    app: Any = None,
    overrides: Overrides | None = None,
) -> WorkflowRun:
    """Run a task template in memory: no server, no database, no waiting.

    Steps run one at a time, as in one worker process; steps that are ready together run in the
    order of the template. Retries follow the template's ``retry`` on a virtual clock. Decisions,
    convergence, batches and checkpoints follow the rules of Core's server; where these differ from
    what the template seems to say, ``problems`` tells (and ``assert_complete`` fails).
    ``timeout_seconds`` does not apply.

    Args:
        template: A YAML file, or its parsed content.
        context: The task context; checked against the template's ``input_schema``.
        handlers: By callable name, over those registered with the decorators. A value is a
            handler of any style, or a plain function of the ``StepContext``.
        app: The application whose dependencies and overrides apply.
        overrides: ``{dependency: replacement}`` when there is no ``app``.

    Returns:
        The run, with every step's state, attempts, result and delays.

    Raises:
        TemplateProblem: the template cannot be read, or ``context`` does not fit its schema.

    Example:
        ```python
        run = run_workflow(
            "config/tasks/order.yaml",
            {"order_id": 7},
            handlers={"shop.charge": lambda step: {"charged": True}},
        )
        run.assert_complete().assert_step("charge", result={"charged": True})
        ```
    """
    return run_coroutine(arun_workflow(template, context, handlers, app=app, overrides=overrides))


async def arun_workflow(
    template: str | Path | Mapping[str, Any],
    context: Mapping[str, Any] | BaseModel | None = None,
    handlers: Handlers | None = None,
    *,
    app: Any = None,
    overrides: Overrides | None = None,
) -> WorkflowRun:
    """``run_workflow`` for a test that is ``async``; ``app`` may be an ``AppContext``."""
    spec = load(template)
    data = to_jsonable_python(context) if context is not None else {}
    if spec.input_schema is not None:
        validator = jsonschema.Draft202012Validator(spec.input_schema)
        found = sorted(validator.iter_errors(data), key=lambda error: list(error.path))
        if found:
            listed = "; ".join(f"{error.json_path}: {error.message}" for error in found)
            raise TemplateProblem(f"the context does not fit input_schema: {listed}")
    engine = _Engine(TaskGraph(spec), data, handlers or {}, application(app, overrides))
    return await engine.run()


class _Engine:
    """One worker and one server, without anything between them."""

    def __init__(self, graph: TaskGraph, context: Any, handlers: Handlers, app: AppContext) -> None:
        self._graph = graph
        self._context = context
        self._handlers = handlers
        self._app = app
        self._run = WorkflowRun()
        self._queue: deque[Node] = deque()
        self._enqueued: set[str] = set()
        self._waiting: list[tuple[float, int, Node]] = []
        self._numbers = itertools.count()
        self._failed: Literal["blocked_by_failures", "error"] | None = None

    async def run(self) -> WorkflowRun:
        self._enqueue_ready()
        while True:
            if self._queue:
                node = self._queue.popleft()
                await self._execute(node)
                self._finalize()
            elif self._waiting and self._failed is None:
                self._run.duration, _, node = heapq.heappop(self._waiting)
                node.state = rules.PENDING
                self._queue.append(node)
            else:
                break
        if self._failed is not None:
            self._run.status = self._failed
        elif all(node.state == rules.COMPLETE for node in self._graph.nodes.values()):
            self._run.status = "complete"
        for node in self._graph.nodes.values():
            step = self._step(node)
            step.depends_on = [name for name in self._graph.nodes if name in node.parents]
        return self._run

    def _step(self, node: Node) -> StepRun:
        step = self._run.steps.setdefault(node.name, StepRun(node.name, node.spec.name))
        step.state, step.attempts, step.result = node.state, node.attempts, node.result
        return step

    def _enqueue_ready(self) -> None:
        for node in self._graph.nodes.values():
            self._step(node)
        for node in self._graph.ready():
            if node.name not in self._enqueued:
                self._enqueued.add(node.name)
                self._queue.append(node)

    def _finalize(self) -> None:
        """After every result Core looks at the whole task.

        Once a step has failed, nothing new is started, and each further result moves the task on.
        """
        if any(node.state == rules.ERROR for node in self._graph.nodes.values()):
            self._failed = "error" if self._failed else "blocked_by_failures"
        else:
            self._enqueue_ready()

    async def _execute(self, node: Node) -> None:
        if node.attempts == 0:
            self._run.order.append(node.name)
            problem = self._graph.early_start(node)
            if problem:
                self._run.problems.append(problem)
        outcome = await self._call(node, None)
        checkpoints = self._step(node).checkpoints
        while outcome.checkpoint is not None and len(checkpoints) < MAX_CHECKPOINTS:
            checkpoints.append(outcome.checkpoint.cursor)
            self._record(node, node.attempts + 1, f"checkpoint at {outcome.checkpoint.cursor}")
            outcome = await self._call(
                node,
                {
                    "cursor": outcome.checkpoint.cursor,
                    "items_processed": outcome.checkpoint.items_processed,
                    "accumulated_results": outcome.checkpoint.accumulated,
                },
            )
        if outcome.checkpoint is not None:
            raise RuntimeError(
                f"step '{node.name}' yielded {MAX_CHECKPOINTS} checkpoints and did not end"
            )
        node.attempts += 1
        if outcome.failure is None:
            self._complete(node, outcome)
        else:
            self._fail(node, outcome)

    async def _call(self, node: Node, checkpoint: dict[str, Any] | None) -> StepOutcome:
        name = node.spec.callable
        context = build(
            name,
            context=self._context,
            results={
                other.name: other.result
                for other in self._graph.ancestors(node)
                if other.state == rules.COMPLETE
            },
            initialization=node.spec.initialization,
            inputs=node.inputs,
            attempts=node.attempts,
            max_attempts=node.spec.retry.max_attempts,
            checkpoint=checkpoint,
            step_name=node.name,
            template_step_name=node.spec.name,
        )
        if name in self._handlers:
            return await call(self._handlers[name], context, self._app)
        callee = resolve(name, registry)
        if callee is None:
            return not_found(name, sorted({*registry.names(), *self._handlers}))
        return await invoke(callee, context, app=self._app)

    def _complete(self, node: Node, outcome: StepOutcome) -> None:
        node.state, node.result = rules.COMPLETE, outcome.result
        step = self._step(node)
        step.error = step.error_type = None
        self._record(node, node.attempts, rules.COMPLETE)
        try:
            if node.spec.type == "decision":
                chosen = outcome.result.get("decision_point_outcome")
                if not isinstance(chosen, Mapping):
                    raise OutcomeRefused(
                        f"decision '{node.name}' returned no decision_point_outcome"
                    )
                self._graph.decide(node, chosen)
            elif node.spec.type == "batchable":
                batches = outcome.result.get("batch_processing_outcome")
                if not isinstance(batches, Mapping):
                    raise OutcomeRefused(
                        f"batchable '{node.name}' returned no batch_processing_outcome"
                    )
                self._graph.expand(node, batches)
        except OutcomeRefused as refused:
            self._run.problems.append(
                f"{refused} (Core only logs this and goes on: the task completes without them)"
            )

    def _fail(self, node: Node, outcome: StepOutcome) -> None:
        failure = outcome.failure
        assert failure is not None
        retry = node.spec.retry
        again = failure.retryable and retry.retryable and node.attempts < retry.max_attempts
        node.state = rules.WAITING_FOR_RETRY if again else rules.ERROR
        step = self._step(node)
        step.error, step.error_type = failure.message, failure.error_type
        text = f"{failure.error_type}: {failure.message.splitlines()[0]}"
        if again:
            delay = retry.delay(node.attempts)
            if failure.retry_after is not None:
                delay = failure.retry_after
            step.delays.append(delay)
            text += f" (again in {delay:g} s)"
            at = self._run.duration + delay
            heapq.heappush(self._waiting, (at, next(self._numbers), node))
        self._record(node, node.attempts, text)

    def _record(self, node: Node, attempt: int, text: str) -> None:
        self._run.timeline.append(Event(self._run.duration, node.name, attempt, text))
