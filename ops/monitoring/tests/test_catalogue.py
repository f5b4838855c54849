"""Every expression is PromQL with metrics and labels that exist; every metric is used, or has a reason."""

from __future__ import annotations

import re
from typing import Any

import pytest
import tomli

from .catalogue import ALERTS, DASHBOARDS, ROOT, RULES, SUFFIX, metrics
from .promql import TARGET_LABELS, aggregations, calls, selectors

METRICS = metrics()
RECORDED = {rule["record"] for rule in RULES}
OURS = {"up", "ALERTS"}
PANELS = [
    (board, panel, query["expr"]) for board in DASHBOARDS for panel in board["panel"] for query in panel["queries"]
]
EXPRESSIONS = (
    [(rule["record"], rule["expr"]) for rule in RULES]
    + [(alert["name"], signal) for alert in ALERTS for signal in alert["signals"]]
    + [(f"{board['uid']}: {panel['title']}", expr) for board, panel, expr in PANELS]
)


def known(name: str) -> dict[str, Any] | None:
    """The row of a metric, also of a part of a histogram."""
    base = SUFFIX.sub("", name)
    histogram = METRICS.get(base)
    return histogram if histogram and histogram["kind"] == "histogram" and base != name else METRICS.get(name)


@pytest.mark.parametrize(("where", "expr"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_expression_uses_what_is_there(where: str, expr: str) -> None:
    read = selectors(expr)
    assert read, f"{where}: reads no metric"
    for name, matchers in read:
        if name in RECORDED | OURS:
            continue
        row = known(name)
        assert row, f"{where}: {name} is not in the catalogue"
        assert "unused" not in row, f"{where} uses {name}, which the catalogue calls unused"
        extra = {"le"} if row["kind"] == "histogram" else set()
        unknown = set(matchers) - set(row.get("labels", [])) - TARGET_LABELS - extra
        assert not unknown, f"{where}: {name} has no label {unknown}"


@pytest.mark.parametrize(("where", "expr"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_functions_suit_the_kind_of_metric(where: str, expr: str) -> None:
    for function, names in calls(expr):
        for name in names:
            row = known(name)
            if row and function in {"rate", "increase", "resets"}:
                assert row["kind"] in {"counter", "histogram"}, f"{where}: {function} of the gauge {name}"
            if row and function.endswith("_over_time"):
                assert row["kind"] == "gauge", f"{where}: {function} of the counter {name}"


@pytest.mark.parametrize(("where", "expr"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_aggregations_keep_cluster_and_only_labels_that_exist(where: str, expr: str) -> None:
    for labels, names in aggregations(expr):
        if set(names) == {"ALERTS"}:
            continue
        assert "cluster" in labels, f"{where}: two clusters would be mixed"
        for name in names:
            row = known(name)
            if row:
                extra = {"le"} if row["kind"] == "histogram" else set()
                assert set(labels) <= set(row.get("labels", [])) | TARGET_LABELS | extra, (
                    f"{where}: {name} lacks one of {labels}"
                )


def test_every_metric_is_used_or_has_a_reason() -> None:
    read = {name for _, expr in EXPRESSIONS for name, _ in selectors(expr)}
    used = {known(name)["name"] for name in read if known(name)}  # type: ignore[index]
    without_reason = {name for name, row in METRICS.items() if "unused" not in row} - used
    assert not without_reason, "used by no rule and no dashboard; use them, or say `unused = …`"


def test_metrics_of_our_packages_are_those_of_the_contract() -> None:
    rows = tomli.loads((ROOT / "xtask/contract/metrics.toml").read_text())["metric"]
    for row in rows:
        ours = METRICS[row["name"]]
        assert (ours["kind"], ours.get("labels", [])) == (row["kind"], row.get("labels", [])), row["name"]


def test_documentation_names_only_metrics_that_exist() -> None:
    # What ends like a metric is one: other names of Tasker do not.
    metric = re.compile(r"\btasker_\w+_(?:total|seconds|milliseconds|bucket|tasks|messages)\b")
    named = {(page, name) for page in (ROOT / "docs").rglob("*.md") for name in metric.findall(page.read_text())}
    assert len(named) > 40
    unknown = {f"{page.relative_to(ROOT)}: {name}" for page, name in named if not known(name)}
    assert not unknown, "Core does not emit them, or the catalogue lacks them"
