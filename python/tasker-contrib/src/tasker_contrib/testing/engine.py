"""One worker and one server in memory, without anything between them."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Literal

from .._internal.injection import AppContext
from .._internal.invoke import invoke, resolve
from .._internal.outcome import StepOutcome
from .._internal.registry import registry
from . import graph as rules
from .context import build
from .graph import Node, OutcomeRefused, TaskGraph
from .run import Event, StepRun, WorkflowRun
from .step import call, not_found

Handlers = Mapping[str, Callable[..., Any]]

# A handler that always yields a checkpoint would never end.
MAX_CHECKPOINTS = 1000


class Engine:
    """Runs one task."""

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
        """Run the task to its end."""
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
            idempotency_key=self._step(node).idempotency_key,
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
