"""Datadog's own client reads every monitor without a key that it does not know or a value that it cannot parse."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from datadog_api_client.configuration import Configuration
from datadog_api_client.model_utils import ModelNormal, validate_and_convert_types
from datadog_api_client.v1.model.monitor import Monitor

from .catalogue import ALERTS, UNIT, metrics

MONITORS = {path.stem: json.loads(path.read_text()) for path in sorted((UNIT / "datadog-monitors").glob("*.json"))}
CHECK = yaml.safe_load((UNIT / "datadog-monitors/openmetrics.yaml").read_text())
in_monitors = pytest.mark.parametrize(("name", "monitor"), MONITORS.items(), ids=MONITORS)


def read(data: dict[str, Any]) -> Monitor:
    found = validate_and_convert_types(data, (Monitor,), ["monitor"], True, True, Configuration())
    assert isinstance(found, Monitor)
    return found


def check_model(model: ModelNormal, data: dict[str, Any], path: str) -> None:
    assert not model._unparsed, f"{path}: a value that the client cannot parse"
    unknown = set(data) - set(model.openapi_types)
    assert not unknown, f"{path}: keys that the client does not know: {unknown}"
    for key, value in data.items():
        inner = model[key]
        if isinstance(inner, ModelNormal):
            check_model(inner, value, f"{path}.{key}")


@in_monitors
def test_monitor_survives_the_round_trip(name: str, monitor: dict[str, Any]) -> None:
    model = read(monitor)
    check_model(model, monitor, name)
    assert json.loads(json.dumps(model.to_dict(), default=str)) == monitor


def test_a_wrong_key_and_a_wrong_value_are_noticed() -> None:
    monitor = MONITORS["TaskerHandlerHung"]
    wrong_key = {**monitor, "options": {**monitor["options"], "notify_nodata": True}}
    with pytest.raises(AssertionError, match="notify_nodata"):
        check_model(read(wrong_key), wrong_key, "monitor")
    wrong_value = {**monitor, "type": "quarry alert"}
    with pytest.raises(AssertionError, match="cannot parse"):
        check_model(read(wrong_value), wrong_value, "monitor")


def test_every_alert_has_a_monitor_or_a_reason() -> None:
    assert set(MONITORS) == {alert["name"] for alert in ALERTS if "without_datadog" not in alert}


@in_monitors
def test_threshold_is_the_alerts(name: str, monitor: dict[str, Any]) -> None:
    alert = next(alert for alert in ALERTS if alert["name"] == name)
    if monitor["type"] == "service check":
        assert alert["no_data"] and alert["threshold"] == 1
        return
    assert monitor["options"]["thresholds"] == {"critical": alert["threshold"]}
    assert float(monitor["query"].rsplit(" ", 1)[1]) == alert["threshold"]
    assert monitor["options"]["notify_no_data"] == alert.get("no_data", False)


@in_monitors
def test_query_groups_and_names_metrics_that_the_check_makes(name: str, monitor: dict[str, Any]) -> None:
    query = monitor["query"]
    assert "{*}" not in query
    made = {
        f"tasker.{new}": old for part in CHECK["instances"] for entry in part["metrics"] for old, new in entry.items()
    }
    known = metrics()
    if monitor["type"] == "service check":
        assert '"tasker_cluster"' in query
        return
    used = re.findall(r"(?:sum|max|min|avg):(tasker\.[\w.]+)\{([^}]*)\} by \{([^}]*)\}", query)
    assert len(used) == query.count("tasker.")
    for metric, scope, by in used:
        raw = made[metric.removesuffix(".count")]
        is_counter = f"{raw}_total" in known
        assert metric.endswith(".count") == is_counter, f"{metric}: OpenMetrics counters end in .count, gauges do not"
        labels = set(known[f"{raw}_total" if is_counter else raw].get("labels", [])) | {
            "tasker_cluster",
            "worker_pool",
            "host",
        }
        assert set(by.split(",")) <= labels
        # Datadog takes the symbols `,` and `!`, or the words AND, OR, NOT and IN; not both in one scope.
        outside = re.sub(r"\([^)]*\)", "()", scope)
        assert not (re.search(r"\b(AND|OR|NOT|IN)\b", outside) and re.search("[,!]", outside)), scope
        assert set(re.findall(r"!?(\w+)(?=:| (?:NOT )?IN)", scope)) - {"NOT"} <= labels
    told = set(re.findall(r"\{\{(\w+)\.name\}\}", monitor["name"]))
    assert told <= set(used[0][2].split(",")), "the title names a tag that the query does not group by"
