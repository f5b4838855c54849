"""Draws the DAG of the task template: `python -m tests.dag` writes `dag.svg` for the README.

The steps, their types and their dependencies come from the template, so the picture cannot show
something else than what runs; `test_readme.py` compares it with the committed file.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import yaml

APP_DIR = Path(__file__).resolve().parents[1]
TEMPLATE = APP_DIR / "config/tasks/etl_pipeline.yaml"
PICTURE = APP_DIR.parent / "dag.svg"

WIDTH, NODE_WIDTH, NODE_HEIGHT = 760, 232, 46
TOP, ROW, COLUMN = 24, 84, 250

# How far the cards behind a batch worker stick out.
STACK = 10

LEGEND = {
    "standard": "step",
    "batchable": "cuts the work into partitions",
    "batch_worker": "one per partition",
    "deferred_convergence": "joins whatever ran before it",
    "decision": "chooses a branch",
}

STYLE = """
text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #57606a; }
.name { font: 600 13px ui-monospace, SFMono-Regular, Menlo, monospace; fill: #1f2328; }
.box { fill: #f6f8fa; stroke: #8c959f; stroke-width: 1.2; }
.batchable, .batch_worker { fill: #ddf4ff; stroke: #218bff; }
.deferred_convergence { fill: #dafbe1; stroke: #2da44e; }
.decision { fill: #fff8c5; stroke: #bf8700; }
.edge { fill: none; stroke: #8c959f; stroke-width: 1.5; }
.aside { stroke-dasharray: 3 4; }
.tip { fill: #8c959f; }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1; }
  .name { fill: #f0f6fc; }
  .box { fill: #212830; stroke: #656c76; }
  .batchable, .batch_worker { fill: #0c2d6b; stroke: #388bfd; }
  .deferred_convergence { fill: #033a16; stroke: #2ea043; }
  .decision { fill: #3b2300; stroke: #bb8009; }
}
"""


@dataclass(frozen=True)
class Node:
    """A step with its place in the picture: the middle of its box."""

    name: str
    kind: str
    text: str
    parents: tuple[str, ...]
    x: float
    y: float

    @property
    def top(self) -> float:
        return self.y - NODE_HEIGHT / 2

    @property
    def entry(self) -> float:
        """Where an arrow from above ends."""
        return self.top - (STACK if self.kind == "batch_worker" else 0)

    @property
    def bottom(self) -> float:
        return self.y + NODE_HEIGHT / 2


def layout(template: dict[str, Any]) -> dict[str, Node]:
    """Place the steps: a row per distance from the start, centred."""
    steps = {step["name"]: step for step in template["steps"]}
    level: dict[str, int] = {}

    def level_of(name: str) -> int:
        if name not in level:
            parents = steps[name].get("dependencies", [])
            level[name] = 1 + max((level_of(parent) for parent in parents), default=-1)
        return level[name]

    rows: dict[int, list[str]] = {}
    for name in steps:
        rows.setdefault(level_of(name), []).append(name)
    nodes: dict[str, Node] = {}
    for number, names in sorted(rows.items()):
        for index, name in enumerate(names):
            step = steps[name]
            nodes[name] = Node(
                name=name,
                kind=step.get("type", "standard"),
                text=step["description"],
                parents=tuple(step.get("dependencies", [])),
                x=WIDTH / 2 + (index - (len(names) - 1) / 2) * COLUMN,
                y=TOP + NODE_HEIGHT / 2 + number * ROW,
            )
    return nodes


def draw(template: dict[str, Any]) -> str:
    """Return the picture as SVG text."""
    nodes = layout(template)
    bottom = max(node.bottom for node in nodes.values())
    height = round(bottom + 84)
    kinds = [kind for kind in LEGEND if any(node.kind == kind for node in nodes.values())]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-labelledby="title">',
        f'<title id="title">Steps of {escape(template["name"])}</title>',
        f"<style>{STYLE}</style>",
    ]
    for node in nodes.values():
        parts += [_edge(nodes[parent], node) for parent in node.parents]
    parts += [_node(node) for node in nodes.values()]
    parts += _legend(kinds, bottom + 34)
    return "\n".join([*parts, "</svg>", ""])


def _node(node: Node) -> str:
    left = node.x - NODE_WIDTH / 2
    shapes = []
    if node.kind == "decision":
        cut = 16
        points = [
            (left + cut, node.top),
            (left + NODE_WIDTH - cut, node.top),
            (left + NODE_WIDTH, node.y),
            (left + NODE_WIDTH - cut, node.bottom),
            (left + cut, node.bottom),
            (left, node.y),
        ]
        outline = " ".join(f"{x:g},{y:g}" for x, y in points)
        shapes.append(f'<polygon class="box decision" points="{outline}"/>')
    else:
        shifts = (STACK, STACK // 2, 0) if node.kind == "batch_worker" else (0,)
        shapes += [
            f'<rect class="box {node.kind}" x="{left + shift:g}" y="{node.top - shift:g}" '
            f'width="{NODE_WIDTH}" height="{NODE_HEIGHT}" rx="7"/>'
            for shift in shifts
        ]
    return "\n".join(
        [
            *shapes,
            f'<text class="name" x="{node.x:g}" y="{node.y - 3:g}" text-anchor="middle">'
            f"{escape(node.name)}</text>",
            f'<text x="{node.x:g}" y="{node.y + 14:g}" text-anchor="middle">'
            f"{escape(node.text)}</text>",
        ]
    )


def _edge(parent: Node, child: Node) -> str:
    if child.y - parent.y > ROW and parent.x == child.x:
        # Around what lies between; the arrow ends at the side.
        side, out = parent.x + NODE_WIDTH / 2, 64
        path = (
            f"M{side:g},{parent.y:g} C{side + out:g},{parent.y:g} "
            f"{side + out:g},{child.y:g} {side + 8:g},{child.y:g}"
        )
        tip = f"M{side:g},{child.y:g} l9,-4.5 v9 z"
        return f'<path class="edge aside" d="{path}"/><path class="tip" d="{tip}"/>'
    middle = (parent.bottom + child.entry) / 2
    path = (
        f"M{parent.x:g},{parent.bottom:g} C{parent.x:g},{middle:g} "
        f"{child.x:g},{middle:g} {child.x:g},{child.entry - 8:g}"
    )
    tip = f"M{child.x:g},{child.entry:g} l-4.5,-9 h9 z"
    return f'<path class="edge" d="{path}"/><path class="tip" d="{tip}"/>'


def _legend(kinds: list[str], y: float) -> list[str]:
    parts: list[str] = []
    per_row = 3
    for index, kind in enumerate(kinds):
        x = 24 + (index % per_row) * (WIDTH - 48) / per_row
        line = y + (index // per_row) * 24
        parts.append(
            f'<rect class="box {kind}" x="{x:g}" y="{line - 10:g}" width="18" height="13" rx="3"/>'
            f'<text x="{x + 26:g}" y="{line:g}">{escape(LEGEND[kind])}</text>'
        )
    return parts


def main() -> int:
    """Write the picture."""
    template = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    PICTURE.write_text(draw(template), encoding="utf-8")
    print(PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
