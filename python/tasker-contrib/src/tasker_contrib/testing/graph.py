"""Which steps exist when, and what they wait for: Core 0.1.8's rules, as its server applies them.

Not every dependency in a template becomes an edge. Steps are created at three moments (with the
task, by a decision, by a batch), and an edge is only made to a step that is created at the same
moment; see ``templates.md`` rules that the comments below repeat. A test that passed here and then
behaved differently on the server would be worse than none, so the odd cases are kept, and each
dependency that Core drops is reported as a problem when it matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .template import StepSpec, TemplateSpec

COMPLETE = "complete"
ERROR = "error"
PENDING = "pending"
WAITING_FOR_RETRY = "waiting_for_retry"


class OutcomeRefused(Exception):
    """Core refuses what a decision or a batch analyzer asked for; the task goes on without it."""


@dataclass
class Node:
    """A step that exists in the task."""

    name: str
    spec: StepSpec
    inputs: dict[str, Any]
    late: bool = False  # made by a decision or a batch
    parents: set[str] = field(default_factory=set)
    state: str = PENDING
    result: dict[str, Any] | None = None
    attempts: int = 0


class TaskGraph:
    """The steps of one task."""

    def __init__(self, template: TemplateSpec) -> None:
        self.template = template
        self.nodes: dict[str, Node] = {}
        self._started = False
        initial = self._initial_names()
        for spec in template.steps:
            if spec.name in initial:
                self._create(spec)
        for node in self.nodes.values():
            node.parents = {name for name in node.spec.dependencies if name in self.nodes}
        self._started = True

    # What exists at the start

    def _initial_names(self) -> set[str]:
        """The steps that are created with the task.

        Without a decision: all but batch workers and convergence steps. With one: all that is not
        downstream of it but batch workers; convergence steps are then created at once.
        """
        decisions = [spec.name for spec in self.template.steps if spec.type == "decision"]
        if not decisions:
            return {
                spec.name
                for spec in self.template.steps
                if spec.type not in ("batch_worker", "deferred_convergence")
            }
        downstream = self._downstream(decisions)
        return {
            spec.name
            for spec in self.template.steps
            if spec.name not in downstream and spec.type != "batch_worker"
        }

    def _downstream(self, names: Iterable[str], *, stop_at_decisions: bool = False) -> set[str]:
        found: set[str] = set()
        frontier = list(names)
        while frontier:
            parent = frontier.pop()
            for spec in self.template.steps:
                if parent in spec.dependencies and spec.name not in found:
                    found.add(spec.name)
                    if not (stop_at_decisions and spec.type == "decision"):
                        frontier.append(spec.name)
        return found

    # What a decision adds

    def decide(self, decision: Node, outcome: Mapping[str, Any]) -> list[Node]:
        """Create the steps that a decision's ``decision_point_outcome`` names.

        Raises:
            OutcomeRefused: a name that is not downstream of the decision, or an edge twice.
        """
        requested = [str(name) for name in outcome.get("step_names") or []]
        if outcome.get("type") != "create_steps":
            return []
        reachable = self._downstream([decision.name], stop_at_decisions=True)
        # Core's graph of a decision ends before the next one, which may not be named itself.
        inner = {n for n in reachable if self.template.step(n).type != "decision"}
        for name in requested:
            if name not in inner:
                raise OutcomeRefused(
                    f"step '{name}' is not downstream of decision '{decision.name}'"
                )
        created = self._steps_to_create(decision.name, requested, inner, reachable - inner)
        edges: list[tuple[str, str]] = []
        for spec in self.template.steps:
            if spec.name not in created:
                continue
            for parent in spec.dependencies:
                if parent in created:
                    edges.append((parent, spec.name))
                elif spec.type != "deferred_convergence":
                    # A parent that is not created now is replaced by the decision itself.
                    edges.append((decision.name, spec.name))
        self._refuse_duplicates(decision, edges)
        new = [self._create(spec) for spec in self.template.steps if spec.name in created]
        for parent, child in edges:
            self.nodes[child].parents.add(parent)
        return new

    def _steps_to_create(
        self, decision: str, requested: list[str], inner: set[str], exits: set[str]
    ) -> set[str]:
        specs = self.template.steps
        created = {*requested, *exits}
        frontier = list(created)
        while frontier:
            parent = frontier.pop()
            for spec in specs:
                if (
                    parent in spec.dependencies
                    and spec.name in inner
                    and spec.name not in created
                    and spec.type not in ("deferred_convergence", "batch_worker")
                ):
                    created.add(spec.name)
                    frontier.append(spec.name)
        joins = [
            spec.name
            for spec in specs
            if spec.type == "deferred_convergence" and created & set(spec.dependencies)
        ]
        created.update(joins)
        frontier = [
            spec.name
            for spec in specs
            if spec.type == "deferred_convergence" and spec.name in created
        ]
        while frontier:
            parent = frontier.pop()
            for spec in specs:
                if (
                    parent in spec.dependencies
                    and spec.name not in created
                    and all(name in created or name == decision for name in spec.dependencies)
                ):
                    created.add(spec.name)
                    frontier.append(spec.name)
        return created

    def _refuse_duplicates(self, decision: Node, edges: list[tuple[str, str]]) -> None:
        for parent, child in edges:
            exists = child in self.nodes and parent in self.nodes[child].parents
            if edges.count((parent, child)) > 1 or exists:
                raise OutcomeRefused(
                    f"step '{child}' would be linked to '{parent}' twice: below decision "
                    f"'{decision.name}' a step may not also depend on a step from before the "
                    "decision; remove that dependency, its result is visible anyway"
                )

    # What a batch adds

    def expand(self, batchable: Node, outcome: Mapping[str, Any]) -> list[Node]:
        """Create the worker instances of a ``batch_processing_outcome`` and what joins them.

        Raises:
            OutcomeRefused: the template lacks what Core needs to create them.
        """
        empty = outcome.get("type") == "no_batches"
        if empty:
            worker_name = str(batchable.spec.initialization.get("worker_template_name") or "")
            if not worker_name:
                raise OutcomeRefused(
                    f"step '{batchable.name}' found nothing to do and its handler.initialization "
                    "has no worker_template_name; Core needs it to create the placeholder"
                )
            cursors: list[dict[str, Any]] = [
                {"batch_id": "000", "start_cursor": 0, "end_cursor": 0, "batch_size": 0}
            ]
        else:
            worker_name = str(outcome.get("worker_template_name"))
            cursors = list(outcome.get("cursor_configs") or [])
        worker = self._worker(batchable, worker_name)
        config = worker.batch_config or {}
        made: list[Node] = []
        for cursor in cursors:
            inputs = {
                **worker.initialization,
                "cursor": cursor,
                "batch_metadata": {
                    "cursor_field": config.get("cursor_field"),
                    "failure_strategy": config.get("failure_strategy"),
                },
                "is_no_op": empty,
                "__template_step_name": worker.name,
            }
            node = self._create(worker, name=f"{worker.name}_{cursor['batch_id']}", inputs=inputs)
            node.parents.add(batchable.name)
            made.append(node)
        for spec in self.template.steps:
            if spec.type == "deferred_convergence" and worker.name in spec.dependencies:
                join = self._create(spec)
                join.parents.update(node.name for node in made)
                made.append(join)
        return made

    def _worker(self, batchable: Node, name: str) -> StepSpec:
        worker = self.template.find(name)
        if worker is None or worker.type != "batch_worker":
            raise OutcomeRefused(
                f"step '{batchable.name}' asks for batch worker '{name}', but the template has no "
                "step of that name with type batch_worker"
            )
        if worker.batch_config is None:
            raise OutcomeRefused(f"batch worker '{name}' has no batch_config in the template")
        return worker

    # Common

    def _create(
        self, spec: StepSpec, name: str | None = None, inputs: dict[str, Any] | None = None
    ) -> Node:
        """Create a step, or return the one that exists already, as Core does."""
        name = name or spec.name
        if name not in self.nodes:
            values = dict(spec.initialization) if inputs is None else inputs
            self.nodes[name] = Node(name, spec, values, late=self._started)
        return self.nodes[name]

    def ready(self) -> list[Node]:
        """Pending steps whose parents are all complete, in creation order."""
        return [
            node
            for node in self.nodes.values()
            if node.state == PENDING and all(self.nodes[p].state == COMPLETE for p in node.parents)
        ]

    def ancestors(self, node: Node) -> list[Node]:
        """All steps that ``node`` comes after, nearest first: their results are its input."""
        found: dict[str, Node] = {}
        frontier = [node]
        while frontier:
            parents = [
                name
                for current in frontier
                for name in self._in_order(current.parents)
                if name not in found
            ]
            frontier = []
            for name in parents:
                if name not in found:
                    found[name] = self.nodes[name]
                    frontier.append(self.nodes[name])
        return list(found.values())

    def _in_order(self, names: set[str]) -> list[str]:
        return [name for name in self.nodes if name in names]

    def early_start(self, node: Node) -> str | None:
        """Why ``node``, about to start, does not wait for something its author wrote down."""
        if node.spec.type == "batch_worker":
            return None  # waits for its analyzer, whatever else it names
        for dependency in node.spec.dependencies:
            made = [other for other in self.nodes.values() if other.spec.name == dependency]
            if made and all(other.state == COMPLETE for other in made):
                continue
            if not made and node.late and node.spec.type == "deferred_convergence":
                continue  # a branch that was not taken
            return (
                f"step '{node.name}' starts before '{dependency}', although it depends on it: "
                f"Core drops a dependency on a step that does not exist yet when '{node.name}' is "
                "created (steps made by decisions and batches come later)"
            )
        return None
