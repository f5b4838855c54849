"""The catalogue against what the real programs emit, and every panel against what Prometheus has stored."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.catalogue import ALERTS, DASHBOARDS, ROOT, RULES, metrics, rows
from tests.promql import TARGET_LABELS

from .drawing import page
from .programs import eventually, until_none
from .stack import Stack

METRICS = metrics()
# Labels that OpenTelemetry and histograms add.
ADDED = {"__name__", "otel_scope_name", "le"}
SOURCES = {
    "tasker-server": "server",
    "tasker-worker": "worker",
    "tasker-recovery": "recovery",
    "tasker-postgres": "postgres",
}
PANELS = [(board, panel) for board in DASHBOARDS for panel in board["panel"]]


@pytest.fixture(scope="module")
def scraped(stack: Stack) -> Stack:
    """A stack on which tasks have succeeded, failed, been retried, hung and been recovered, with all of it scraped."""
    stack.prometheus()
    until_none("targets that Prometheus could not read yet", lambda: unread(stack))
    for number in range(12):
        stack.create(fail=number % 6 == 5, fail_times=int(number % 4 == 3))
    order = json.loads((ROOT / "examples/e-commerce-workflow/scenarios/paid-order.json").read_text())
    stack.post("shop", "/api/orders", order)
    gate = stack.folder / "gate"
    stack.create(until=str(gate))
    eventually("a handler hangs", lambda: value(stack, "max(tasker_contrib_handlers_hung)") > 0)
    gate.touch()
    # A worker that is killed while it has a step, so that there is something to recover.
    held = stack.folder / "held"
    task = stack.create(until=str(held))
    progress = f"select 1 from tasker.workflow_steps where task_uuid = '{task}' and in_process and attempts = 1"
    eventually("a step is in progress", lambda: stack.sql(progress))
    worker = next(program for program in stack.programs if program.name == "worker")
    # The process that executes steps; `tasker worker` starts another one.
    os.kill(int(re.findall(r"worker-1 started \(pid (\d+)\)", worker.log.read_text())[-1]), signal.SIGKILL)
    held.touch()
    eventually("the step is recovered", lambda: value(stack, "sum(tasker_recovery_recovered_total)") > 0)
    for _ in range(4):
        stack.create()
    done = 'sum(tasker_tasks_ended_5m{tasker_namespace="proof",outcome="complete"})'
    eventually("the tasks have ended", lambda: value(stack, done) >= 14)
    until_none("rules whose result is still missing", lambda: unrecorded(stack))
    eventually(
        "rates are there",
        lambda: value(stack, 'sum(rate(tasker_contrib_handler_executions_total{worker_pool="axum"}[5m]))') >= 0,
    )
    return stack


def unread(stack: Stack) -> list[str]:
    """The targets without a first successful scrape; what happens before it is no increase of a counter."""
    targets = stack.ask("targets", state="active")["activeTargets"]
    return [f"{target['scrapeUrl']}: {target['lastError']}" for target in targets if target["health"] != "up"]


def unrecorded(stack: Stack) -> list[str]:
    """The recording rules that have no result."""
    return [rule["record"] for rule in RULES if value(stack, f"count({rule['record']})") < 1]


def value(stack: Stack, expr: str) -> float:
    found = stack.ask("query", query=expr)["result"]
    return float(found[0]["value"][1]) if found else -1


def emitted(stack: Stack) -> dict[str, tuple[str, set[str], str]]:
    """Each metric with its type, its labels and its job, as Prometheus has stored them."""
    found: dict[str, tuple[str, set[str], str]] = {}
    for target in stack.ask("targets", state="active")["activeTargets"]:
        job, instance = target["labels"]["job"], target["labels"]["instance"]
        assert target["health"] == "up", f"{job}: {target['lastError']}"
        kinds = {
            row["metric"]: row["type"]
            for row in stack.ask("targets/metadata", match_target=f'{{instance="{instance}"}}')
        }
        for series in stack.ask("series", **{"match[]": f'{{job="{job}",instance="{instance}"}}'}):
            name = series["__name__"]
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            histogram = kinds.get(base) == "histogram"
            key = base if histogram else name
            kind = "histogram" if histogram else kinds.get(key, "unknown")
            labels = set(series) - ADDED - TARGET_LABELS
            found[key] = (kind, labels | found.get(key, (kind, set(), job))[1], job)
    return found


def test_metrics_are_as_the_catalogue_says(scraped: Stack) -> None:
    there = emitted(scraped)
    wrong = []
    for name, row in METRICS.items():
        if name not in there:
            if row.get("since") != "overload":
                wrong.append(f"{name} is not emitted")
            continue
        kind, labels, job = there[name]
        said = set(row.get("labels", []))
        # The exporter adds the server to what its queries answer.
        if row["from"] == "postgres":
            labels -= {"server"} - said
        found = (kind, sorted(labels), SOURCES[job])
        expected = (row["kind"], sorted(said), row["from"])
        if found != expected:
            wrong.append(f"{name}: the catalogue says {expected}, it is {found}")
    assert not wrong, "\n".join(wrong)


def test_every_metric_of_tasker_is_in_the_catalogue(scraped: Stack) -> None:
    ours = {name for name in emitted(scraped) if name.startswith("tasker_") or name == "target_info"}
    unknown = ours - set(METRICS)
    assert not unknown, (
        "emitted, but not in ops/monitoring/catalogue/metrics.toml; add a row, with `unused` if it is not worth a panel"
    )


@pytest.mark.parametrize(
    ("board", "panel"), PANELS, ids=[f"{board['uid']}: {panel['title']}" for board, panel in PANELS]
)
def test_panel_has_data(scraped: Stack, board: dict[str, Any], panel: dict[str, Any]) -> None:
    for query in panel["queries"]:
        expr = re.sub(r"\$\w+", ".*", query["expr"])
        found = scraped.ask("query", query=expr)["result"]
        assert found, f"no data: {expr}"
        named = set(re.findall(r"\{\{(\w+)\}\}", query["legend"]))
        assert all(named <= set(series["metric"]) for series in found) or " or " in expr, (
            f"the legend names a label that is not there: {named}"
        )


def test_rules_are_evaluated_without_errors(scraped: Stack) -> None:
    rules = [rule for group in scraped.ask("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == len(RULES) + len(ALERTS)
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] != "ok"] == []


def test_core_is_scraped_although_it_answers_as_html(scraped: Stack) -> None:
    (target,) = [
        target for target in scraped.ask("targets")["activeTargets"] if target["labels"]["job"] == "tasker-server"
    ]
    assert target["health"] == "up"


def test_sql_of_the_runbooks_runs(scraped: Stack) -> None:
    pages = sorted((ROOT / "docs/runbooks").glob("*.md"))
    blocks = [
        (page.stem, block)
        for page in pages
        for block in re.findall(r"^```sql\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    ]
    assert len(blocks) > 15
    for _name, block in blocks:
        # An application has its outbox where its search path finds it.
        scraped.sql(f"set search_path to public, relay; {block}")


def test_promql_of_the_runbooks_runs(scraped: Stack) -> None:
    pages = sorted((ROOT / "docs/runbooks").glob("*.md"))
    for runbook in pages:
        for block in re.findall(r"^```promql\n(.*?)^```", runbook.read_text(), re.DOTALL | re.MULTILINE):
            for line in block.strip().splitlines():
                assert scraped.ask("query", query=line)["resultType"] == "vector", f"{runbook.name}: {line}"


def test_queues_are_counted_as_pgmq_counts_them(scraped: Stack) -> None:
    (query,) = [row["sql"] for row in rows("queries") if row["name"] == "queue"]
    scraped.sql("select pgmq.create('Proof_Old'), pgmq.send('Proof_Old', '{}'), pgmq.send('Proof_Old', '{}', 3600)")
    scraped.sql("update pgmq.q_proof_old set enqueued_at = now() - interval '1 hour' where msg_id = 1")

    def is_equal() -> bool:
        ours = {queue: (messages, age) for _, queue, _, messages, age in scraped.sql(query)}
        theirs = {
            queue: (messages, age)
            for queue, messages, age in scraped.sql(
                "select queue_name, queue_length, coalesce(oldest_msg_age_sec, 0) from pgmq.metrics_all()"
            )
        }
        assert ours["Proof_Old"][0] == 2
        assert 3600 <= int(str(ours["Proof_Old"][1])) < 3900
        return ours == theirs

    # A message may come, or a second pass, between the two.
    eventually("both count the same", is_equal)
    scraped.sql("select pgmq.drop_queue('Proof_Old')")


def test_exporter_reads_no_contexts_and_results(scraped: Stack) -> None:
    columns = ["tasker.tasks.context", "tasker.task_transitions.metadata", "tasker.named_tasks.configuration"]
    columns += [
        "tasker.workflow_steps.results",
        "tasker.workflow_step_transitions.metadata",
        "tasker.workflow_step_result_audit.task_uuid",
    ]
    columns += [
        f"pgmq.{prefix}_{queue}.message"
        for (queue,) in scraped.sql("select queue_name from pgmq.meta")
        for prefix in "qa"
    ]
    for table, column in (name.rsplit(".", 1) for name in columns):
        (allowed,) = scraped.sql(f"select has_column_privilege('tasker_monitor', '{table}', '{column}', 'select')")
        assert allowed == (False,), f"{table}.{column}"


def test_a_queue_without_its_table_hides_no_other(scraped: Stack) -> None:
    scraped.sql("insert into pgmq.meta (queue_name, is_partitioned, is_unlogged) values ('ghost', false, false)")
    try:
        names = {queue for (queue,) in scraped.sql("select queue from tasker_monitor.queues()")}
    finally:
        scraped.sql("delete from pgmq.meta where queue_name = 'ghost'")
    assert "ghost" not in names and "worker_proof_queue" in names


def test_every_panel_is_drawn(scraped: Stack) -> None:
    folder = Path(os.environ.get("TASKER_MONITORING_REPORT", scraped.folder))
    drawn = page(scraped, DASHBOARDS)
    (folder / "panels.html").write_text(drawn)
    assert drawn.count("<figure") == len(PANELS)
    assert drawn.count("<polyline") >= len(PANELS)
