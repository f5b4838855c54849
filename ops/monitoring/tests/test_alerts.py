"""Each alert fires, waits for its time, names what it is about, and ends: in promtool."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import tomli
import yaml

from .catalogue import ALERTS, UNIT, program

RULES = UNIT / "prometheus-rules/tasker.rules.yml"
CASES = tomli.loads((UNIT / "tests/cases.toml").read_text())
LONGER = tomli.loads((UNIT / "tests/longer.toml").read_text())["case"]
HEALTHY = 10
PROMTOOL = {
    "rule_files": [str(RULES)],
    "evaluation_interval": "1m",
    "group_eval_order": ["tasker.rules", "tasker.alerts"],
}
JOBS = {"tasker-server", "tasker-worker", "tasker-recovery", "tasker-postgres"}


def minutes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([mh])", text).groups()  # type: ignore[union-attr]
    return int(number) * (60 if unit == "h" else 1)


def values(series: str, phases: list[Any], lengths: list[int]) -> str:
    """The samples of a series, one a minute: healthy, sick, healthy again."""
    samples: list[object] = []
    counter = 0.0
    is_counter = series.split("{")[0].endswith("_total")
    for value, length in zip([phases[0], phases[1], phases[0]], lengths, strict=True):
        for minute in range(length):
            if value == "once":
                counter += minute == 0
            elif value == "reset every 9":
                counter = 0 if minute % 9 == 0 else counter + 12
            elif value == "stale":
                samples.append("stale")
                continue
            elif value == "_":
                # A counter that is there stays there.
                samples.append(counter if is_counter and counter else "_")
                continue
            elif is_counter:
                counter += float(value)
            else:
                counter = float(value)
            samples.append(counter)
    return " ".join(str(sample) for sample in samples)


def promtool_case(alert: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    waits = minutes(alert["for"])
    sick = case.get("after", waits + 1)
    lengths = [HEALTHY, sick, case.get("recovers", 2) + 1]
    firing = f'ALERTS{{alertname="{alert["name"]}",alertstate="firing"}}'
    labels = {"alertname": alert["name"], "alertstate": "firing", "severity": alert["severity"], **case["labels"]}
    fired = [{"labels": "ALERTS" + json_labels(labels), "value": 1}]
    expected = [
        (f'ALERTS{{alertname="{alert["name"]}"}}', HEALTHY - 1, []),
        (firing, HEALTHY + waits - 1, []),
        (firing, HEALTHY + sick - 1, fired),
        (f'ALERTS{{alertname="{alert["name"]}"}}', sum(lengths) - 1, []),
    ]
    return {
        "name": alert["name"],
        "interval": "1m",
        "input_series": [
            {"series": name, "values": values(name, phases, lengths)} for name, phases in case["series"].items()
        ],
        "promql_expr_test": [
            {"expr": expr, "eval_time": f"{at}m", "exp_samples": samples} for expr, at, samples in expected
        ],
    }


def longer_case(case: dict[str, Any]) -> dict[str, Any]:
    # Without its labels: how many of it fire.
    expr = f'count(ALERTS{{alertname="{case["alert"]}",alertstate="firing"}} >= 0) > 0'
    return {
        "name": case["why"],
        "interval": "1m",
        "input_series": [{"series": name, "values": samples} for name, samples in case["series"].items()],
        "promql_expr_test": [
            {
                "expr": f"({expr}) * 0",
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": "{}", "value": 0}] if minute in case["fires"] else [],
            }
            for minute in case["looks"]
        ],
    }


def json_labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items()) + "}"


def promtool(*words: object) -> str:
    done = subprocess.run([program("promtool"), *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_rules_pass_promtools_check() -> None:
    said = promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert f"{len(yaml.safe_load(RULES.read_text())['groups'][0]['rules']) + len(ALERTS)} rules found" in said


def test_example_is_a_configuration_of_prometheus(tmp_path: Path) -> None:
    text = (UNIT / "prometheus.example.yml").read_text()
    # Debian's Prometheus is older than this line.
    file = tmp_path / "prometheus.yml"
    file.write_text(re.sub(r"^ *(# Core answers|fallback_scrape_protocol).*\n", "", text, flags=re.MULTILINE))
    (tmp_path / "prometheus-rules").symlink_to(UNIT / "prometheus-rules")
    said = promtool("check", "config", "--lint=all", file)
    assert "1 rule files found" in said
    assert {job["job_name"] for job in yaml.safe_load(text)["scrape_configs"]} == JOBS


def test_every_alert_has_a_case() -> None:
    assert sorted(CASES) == sorted(alert["name"] for alert in ALERTS)


@pytest.fixture(scope="module")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str]:
    """What promtool says of all alerts: one run, because its start takes longer than a case."""
    cases = {**PROMTOOL, "tests": [promtool_case(alert, CASES[alert["name"]]) for alert in ALERTS]}
    file = tmp_path_factory.mktemp("promtool") / "test.yml"
    file.write_text(yaml.safe_dump(cases, sort_keys=False, width=100_000))
    done = subprocess.run([program("promtool"), "test", "rules", file], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["name"]))
def test_alert_fires_waits_and_ends(alert: dict[str, Any], verdict: tuple[int, str]) -> None:
    status, said = verdict
    failures = said.split("expr: ")[1:]
    of_this = [failure for failure in failures if f'alertname=\\"{alert["name"]}\\"' in failure.splitlines()[0]]
    assert not of_this, "".join(of_this)
    assert status == 0 or failures, said


@pytest.mark.parametrize("case", LONGER, ids=[f"{case['alert']}: {case['why']}" for case in LONGER])
def test_alert_fires_when_it_should_and_only_then(case: dict[str, Any], tmp_path: Path) -> None:
    assert set(case["fires"]) <= set(case["looks"])
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({**PROMTOOL, "tests": [longer_case(case)]}, sort_keys=False, width=100_000))
    promtool("test", "rules", file)


@pytest.mark.parametrize(
    "alert", yaml.safe_load(RULES.read_text())["groups"][1]["rules"], ids=lambda alert: str(alert["alert"])
)
def test_alert_says_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert minutes(alert["for"]) >= 1
    annotations = alert["annotations"]
    assert set(annotations) == {"summary", "description", "dashboard", "runbook_url"}
    assert all(annotations.values())
    # A label that the expression's aggregation drops would be an empty place in the sentence.
    told = set(re.findall(r"\$labels\.(\w+)", annotations["summary"]))
    assert told <= set(CASES[alert["alert"]]["labels"]), (
        f"{annotations['summary']} names a label that the alert has not"
    )


def test_compose_starts_the_exporter_with_our_options() -> None:
    options = (UNIT / "postgres-exporter/options").read_text().splitlines()[1:]
    compose = yaml.safe_load((UNIT.parent / "docker/observability/compose.yaml").read_text())
    assert compose["services"]["postgres-exporter"]["command"][1:] == options
