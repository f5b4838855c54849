"""What a PromQL expression reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser

# What Prometheus itself and the scrape configuration put on every series.
TARGET_LABELS = {"cluster", "job", "instance", "worker_pool", "alertname", "alertstate", "severity"}
CHILDREN = ("lhs", "rhs", "expr", "param", "vector_selector")


def parse(expr: str) -> Any:
    return promql_parser.parse(expr)


def nodes(node: Any) -> Iterator[Any]:
    yield node
    for name in CHILDREN:
        child = getattr(node, name, None)
        if child is not None and type(child).__module__ != "builtins":
            yield from nodes(child)
    for child in getattr(node, "args", None) or []:
        yield from nodes(child)


def selectors(expr: str) -> list[tuple[str, dict[str, str]]]:
    """Each metric with its matchers."""
    found = (node for node in nodes(parse(expr)) if type(node).__name__ == "VectorSelector")
    return [(node.name, {matcher.name: matcher.value for matcher in node.matchers.matchers}) for node in found]


def aggregations(expr: str) -> list[tuple[list[str], list[str]]]:
    """The labels that each aggregation keeps, and the metrics below it."""
    found = []
    for node in nodes(parse(expr)):
        if type(node).__name__ == "AggregateExpr":
            labels = list(node.modifier.labels) if node.modifier else []
            below = [inner.name for inner in nodes(node.expr) if type(inner).__name__ == "VectorSelector"]
            found.append((labels, below))
    return found


def calls(expr: str) -> list[tuple[str, list[str]]]:
    """Each function with the metrics that it is given."""
    found = []
    for node in nodes(parse(expr)):
        if type(node).__name__ == "Call":
            inner = [child for argument in node.args for child in nodes(argument)]
            found.append((node.func.name, [child.name for child in inner if type(child).__name__ == "VectorSelector"]))
    return found
