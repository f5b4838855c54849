"""The steps of a task as a picture: where each one stands, which lines join them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml
from django.conf import settings

from . import engine
from .models import Dispatch

WIDTH, HEIGHT, GAP_X, GAP_Y = 150, 44, 36, 14

WORDS = {
    "complete": "done",
    "in_progress": "running",
    "waiting_for_retry": "tried again soon",
    "error": "failed",
    "cancelled": "cancelled",
}


@dataclass
class Node:
    name: str
    state: str
    level: int
    row: int

    @property
    def label(self) -> str:
        return self.name.replace("_", " ")

    @property
    def x(self) -> int:
        return 4 + self.level * (WIDTH + GAP_X)

    @property
    def y(self) -> int:
        return 4 + self.row * (HEIGHT + GAP_Y)

    @property
    def right(self) -> int:
        return self.x + WIDTH

    @property
    def middle(self) -> int:
        return self.y + HEIGHT // 2


@dataclass
class Graph:
    dispatch: Dispatch
    known: bool
    nodes: list[Node] = field(default_factory=list)
    edges: list[tuple[Node, Node]] = field(default_factory=list)

    @property
    def width(self) -> int:
        return max((node.right for node in self.nodes), default=0) + 4

    @property
    def height(self) -> int:
        return max((node.y + HEIGHT for node in self.nodes), default=0) + 4


@cache
def steps_of(template: str) -> list[dict[str, Any]]:
    file = settings.BASE_DIR / settings.TASKER["TEMPLATES"] / f"{template}.yaml"
    steps: list[dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))["steps"]
    return steps


def levels(steps: list[dict[str, Any]]) -> dict[str, int]:
    """How many steps come before each one, on the longest way."""
    found: dict[str, int] = {}
    for step in steps:  # Dependencies come first in the file; a test holds the templates to that.
        before = [found[name] for name in step.get("dependencies", [])]
        found[step["name"]] = 1 + max(before, default=-1)
    return found


def draw(dispatch: Dispatch) -> Graph:
    """A dispatch's task, with the state of each step. Branches that were not taken are left out."""
    try:
        task = engine.look(dispatch.task_uuid) if dispatch.task_uuid else None
    except engine.Unavailable:
        task = None
    states = {step.name: step.state for step in task.steps} if task else {}
    graph = Graph(dispatch, known=task is not None)
    steps = steps_of(dispatch.template)
    level = levels(steps)
    rows: dict[int, int] = {}
    nodes: dict[str, Node] = {}
    for step in steps:
        name = step["name"]
        if task and task.ended and name not in states:
            continue
        column = level[name]
        state = WORDS.get(states.get(name, ""), "not begun")
        nodes[name] = Node(name, state, column, rows.get(column, 0))
        rows[column] = rows.get(column, 0) + 1
        before = (nodes[one] for one in step.get("dependencies", []) if one in nodes)
        graph.edges += [(one, nodes[name]) for one in before]
    graph.nodes = list(nodes.values())
    return graph
