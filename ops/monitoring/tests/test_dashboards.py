"""The rules of Grafana's dashboard-linter that apply to dashboards for Prometheus, and a few of our own."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from .catalogue import ALERTS, DASHBOARDS, ROOT, RULES, SETTINGS, SUFFIX, UNIT, metrics
from .promql import aggregations, selectors

BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((UNIT / "grafana-dashboards").glob("*.json"))}
PANELS = [(uid, panel) for uid, board in BOARDS.items() for panel in board["panels"]]
METRICS = metrics()
VARIABLES = {"cluster": "cluster", "namespace": "tasker_namespace", "worker_pool": "worker_pool"}
UNITS = {"short", "s", "ms", "ops", "percent", "percentunit", "bytes"}
in_panels = pytest.mark.parametrize(("uid", "panel"), PANELS, ids=[f"{uid}: {panel['title']}" for uid, panel in PANELS])


def test_every_dashboard_of_the_catalogue_is_there() -> None:
    assert sorted(BOARDS) == sorted(board["uid"] for board in DASHBOARDS)


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_dashboard_has_its_data_source_and_variables(board: dict[str, Any]) -> None:
    source, *others = board["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    assert others[0]["name"] == "cluster"
    used = set(re.findall(r"\$(\w+)", json.dumps([panel["targets"] for panel in board["panels"]])))
    for variable in others:
        assert variable["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert variable["multi"] and variable["includeAll"] and variable["allValue"] == ".*" and variable["label"]
        assert variable["refresh"] == 2, "the values are those of the time range"
        assert variable["name"] in used, f"${variable['name']} is used by no panel"
    assert used <= {variable["name"] for variable in board["templating"]["list"]} | {"datasource"}
    assert board["editable"] is False and board["tags"] == ["tasker"] and board["description"]


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_panels_fill_the_grid_without_overlap(board: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} lies on another panel"
        taken |= cells
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert len({panel["title"] for panel in board["panels"]}) == len(board["panels"])


@in_panels
def test_panel_has_title_unit_description_and_link(uid: str, panel: dict[str, Any]) -> None:
    assert panel["title"] and panel["description"].endswith(".")
    assert panel["type"] in {"timeseries", "stat"}
    assert panel["datasource"]["uid"] == "${datasource}"
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    (link,) = panel["links"]
    base = SETTINGS["runbooks"].removesuffix("docs/runbooks")
    assert (ROOT / link["url"].removeprefix(base)).is_file(), f"{link['url']} is no file of this repository"


def labels_of(name: str) -> set[str]:
    """The labels of a metric or of what a rule records."""
    rule = next((rule for rule in RULES if rule["record"] == name), None)
    if rule is not None:
        return {label for kept, _ in aggregations(rule["expr"]) for label in kept}
    row = METRICS.get(name) or METRICS.get(SUFFIX.sub("", name)) or {}
    return set(row.get("labels", [])) | ({"worker_pool"} if row.get("from") == "worker" else set())


@in_panels
def test_targets_filter_by_the_variables(uid: str, panel: dict[str, Any]) -> None:
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["legendFormat"] and target["datasource"]["uid"] == "${datasource}"
        variables = {variable["name"] for variable in BOARDS[uid]["templating"]["list"]} & set(VARIABLES)
        for name, matchers in selectors(target["expr"]):
            assert matchers.get("cluster") == "$cluster", f"{name} is not limited to $cluster"
            for variable in variables:
                if VARIABLES[variable] in labels_of(name):
                    assert matchers.get(VARIABLES[variable]) == f"${variable}", f"{name} is not limited to ${variable}"


@in_panels
def test_threshold_is_the_alerts(uid: str, panel: dict[str, Any]) -> None:
    rows = next(board for board in DASHBOARDS if board["uid"] == uid)["panel"]
    row = next(row for row in rows if row["title"] == panel["title"])
    name = row.get("alert")
    if name is not None:
        assert panel["links"][0]["url"].endswith(f"/{name}.md")
    if name is None or not row.get("line", True):
        assert "thresholds" not in panel["fieldConfig"]["defaults"]
        return
    alert = next(alert for alert in ALERTS if alert["name"] == name)
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"] == alert["threshold"]


def test_every_alert_is_seen_in_the_dashboard_that_it_names() -> None:
    # A target that is not there has no value to draw, and these events are lines of a panel of another alert.
    without = {
        "TaskerServerMissing",
        "TaskerTargetsGone",
        "TaskerServerDown",
        "TaskerWorkersDown",
        "TaskerStepKillsWorkers",
    }
    for alert in ALERTS:
        board = next(board for board in DASHBOARDS if board["uid"] == alert["dashboard"])
        shown = {panel.get("alert") for panel in board["panel"]}
        assert alert["name"] in shown or alert["name"] in without, (
            f"{alert['name']}: no panel of {board['uid']} shows it"
        )
