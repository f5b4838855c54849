"""The committed expectations are DuckDB's, and fit the template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import expected
from tests.compare import approximately

TEMPLATE = Path(__file__).resolve().parents[1] / "config/tasks/etl_pipeline.yaml"


@pytest.fixture(scope="module")
def documents(data_dir: Path) -> dict[str, dict[str, Any]]:
    return expected.documents(data_dir)


def test_the_committed_files_are_what_duckdb_computes(
    documents: dict[str, dict[str, Any]],
) -> None:
    for name, document in documents.items():
        # Floats may differ in the last digit between versions of DuckDB.
        committed = json.loads((expected.SCENARIOS / name).read_text())
        assert committed == approximately(document, 1e-12), (
            f"scenarios/{name} is out of date; run `python -m tests.expected`"
        )


def test_no_expectation_is_left_over(documents: dict[str, dict[str, Any]]) -> None:
    kinds = ("expected", "report", "rows", "answer")
    found = {p.name for kind in kinds for p in expected.SCENARIOS.glob(f"*.{kind}.json")}
    assert found == set(documents)


def test_duckdb_uses_the_settings_of_the_template() -> None:
    steps = {step["name"]: step for step in yaml.safe_load(TEMPLATE.read_text())["steps"]}

    def setting(step: str, key: str) -> object:
        return steps[step]["handler"]["initialization"][key]

    assert setting("extract_routes", "page_size") == expected.PAGE_SIZE
    assert setting("partition", "rows_per_partition") == expected.ROWS_PER_PARTITION
    assert setting("quality_gate", "quality_threshold") == expected.THRESHOLD
    assert setting("hold", "quality_threshold") == expected.THRESHOLD
    assert setting("report", "top") == expected.TOP
    assert setting("report", "min_flights_of_airport") == expected.MIN_FLIGHTS_OF_AIRPORT
    assert steps["aggregate_partition"]["batch_config"]["batch_size"] == expected.ROWS_PER_PARTITION
