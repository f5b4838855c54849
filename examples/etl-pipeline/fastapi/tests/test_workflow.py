"""The whole DAG in memory, on a real database, against the expectations that DuckDB computed."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from tasker_contrib_fastapi.testing import WorkflowRun, run_workflow

from app.db import Connection
from app.handlers import aggregate, extract, publish, quality, transform
from app.settings import Settings, get_settings
from app.store import publishing
from tests.compare import assert_contains
from tests.conftest import EXAMPLE_DIR, TEMPLATE

# Importing the modules registers the handlers.
HANDLERS = (aggregate, extract, publish, quality, transform)

SCENARIOS = EXAMPLE_DIR / "scenarios"


def load(name: str) -> dict[str, Any]:
    content = json.loads((SCENARIOS / name).read_text())
    assert isinstance(content, dict)
    return content


class Pipeline:
    """Runs scenarios of the example in memory."""

    def __init__(self, database: Connection, overrides: dict[Any, Any]) -> None:
        self.database = database
        self.overrides = overrides

    def run(self, **request: Any) -> WorkflowRun:
        source = {"fail_first": 0, "gone": False, **request.pop("source", {})}
        context = {**request, "source": source, "attempt_id": uuid.uuid4().hex}
        return run_workflow(TEMPLATE, context, overrides=self.overrides)

    def scenario(self, name: str) -> WorkflowRun:
        return self.run(**load(f"{name}.json"))

    def rows(self, run_id: str) -> dict[str, Any]:
        return publishing.count_rows(self.database, run_id).model_dump(mode="json")

    def report(self, run_id: str) -> dict[str, Any]:
        report = publishing.get_report(self.database, run_id)
        assert report is not None
        return report.model_dump(mode="json")


@pytest.fixture
def pipeline(database: Connection, overrides: dict[Any, Any]) -> Pipeline:
    return Pipeline(database, overrides)


def assert_steps(run: WorkflowRun, name: str) -> None:
    for step, expected in load(f"{name}.expected.json").items():
        if expected.get("absent"):
            run.assert_absent(step)
        else:
            run.assert_step(step, **expected)


@pytest.mark.parametrize("name", ["happy-path", "low-quality", "flaky-source"])
def test_a_scenario_gives_what_duckdb_computed(pipeline: Pipeline, name: str) -> None:
    run = pipeline.scenario(name).assert_complete()
    assert_steps(run, name)
    assert_contains(pipeline.report(name), load(f"{name}.report.json"))
    assert_contains(pipeline.rows(name), load(f"{name}.rows.json"))
    # Results are references, whatever the size of the input.
    sizes = {step: len(json.dumps(item.result)) for step, item in run.steps.items()}
    assert max(sizes.values()) < 2_000, sizes


def test_a_flaky_source_is_retried_with_the_backoff_of_the_template(pipeline: Pipeline) -> None:
    run = pipeline.scenario("flaky-source")
    assert len(run["extract_routes"].delays) == 2
    assert all(delay > 0 for delay in run["extract_routes"].delays)


def test_a_gone_source_publishes_nothing(pipeline: Pipeline) -> None:
    run = pipeline.scenario("gone-source").assert_failed()
    assert_steps(run, "gone-source")
    assert_contains(pipeline.rows("gone-source"), load("gone-source.rows.json"))
    assert publishing.get_report(pipeline.database, "gone-source") is None


def test_the_same_run_twice_makes_no_duplicates(pipeline: Pipeline) -> None:
    for _ in range(2):
        run = pipeline.scenario("same-run-twice").assert_complete()
        assert_steps(run, "same-run-twice")
    assert_contains(pipeline.report("same-run-twice"), load("same-run-twice.report.json"))
    assert_contains(pipeline.rows("same-run-twice"), load("same-run-twice.rows.json"))


def test_a_run_that_is_held_keeps_what_it_has_published(pipeline: Pipeline) -> None:
    pipeline.run(run_id="r", flights_file="flights-5k.json").assert_complete()
    held = pipeline.run(run_id="r", flights_file="flights-damaged.json").assert_complete()
    held.assert_absent("load")
    rows = pipeline.rows("r")["published"]
    assert (rows["flights"], rows["holds"], rows["reports"]) == (5000, 1, 1)
    pipeline.run(run_id="r", flights_file="flights-5k.json").assert_complete()
    assert pipeline.rows("r")["published"]["holds"] == 0


def test_a_smaller_second_input_leaves_no_old_rows(
    pipeline: Pipeline, tmp_path: Path, data_dir: Path
) -> None:
    pipeline.run(run_id="r", flights_file="flights-5k.json").assert_complete()
    flights = json.loads((data_dir / "flights-5k.json").read_bytes())
    use_folder(pipeline, tmp_path, data_dir, {"fewer.json": json.dumps(flights[:100])})
    pipeline.run(run_id="r", flights_file="fewer.json").assert_complete()
    rows = pipeline.rows("r")["published"]
    assert rows["flights"] == 100
    assert pipeline.report("r")["total"]["flights"] == 100


def test_a_csv_of_the_user_is_an_input_too(
    pipeline: Pipeline, tmp_path: Path, data_dir: Path
) -> None:
    content = (
        "origin,destination,date,delay,distance,carrier\n"
        "LAX,JFK,2001/01/02 03:04,20,2475,AA\n"
        "LAX,XXX,2001/01/02 03:05,20,2475,AA\n"
    )
    use_folder(pipeline, tmp_path, data_dir, {"mine.csv": content})
    run = pipeline.run(run_id="r", flights_file="mine.csv", quality_threshold=0.5)
    run.assert_complete().assert_step("validate", result={"reasons": {"unknown_airport": 1}})
    assert pipeline.report("r")["total"]["mean_delay"] == 20.0


def test_an_empty_input_is_held(pipeline: Pipeline, tmp_path: Path, data_dir: Path) -> None:
    use_folder(pipeline, tmp_path, data_dir, {"empty.json": "[]"})
    run = pipeline.run(run_id="r", flights_file="empty.json", quality_threshold=0)
    run.assert_complete().assert_step("hold", result={"reasons": ["the input has no rows"]})
    run.assert_step("merge_aggregates", result={"partitions": 0, "total": None})


def use_folder(pipeline: Pipeline, folder: Path, data_dir: Path, files: dict[str, str]) -> None:
    """Give the pipeline another data folder: the airport register and the given files."""
    (folder / "airports.csv").write_bytes((data_dir / "airports.csv").read_bytes())
    for name, content in files.items():
        (folder / name).write_text(content)
    settings = get_settings().model_copy(update={"data_dir": folder})
    assert isinstance(settings, Settings)
    pipeline.overrides[get_settings] = lambda: settings
