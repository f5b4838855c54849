"""The small rules: distances, hauls, the gate, and the request model."""

from __future__ import annotations

import doctest

import pytest
from pydantic import ValidationError

from app.models import Job, PipelineRequest
from app.pipeline import enrich, gate, geo
from app.pipeline.gate import reasons_to_hold


@pytest.mark.parametrize("module", [geo, enrich, gate])
def test_examples_in_the_docstrings(module: object) -> None:
    outcome = doctest.testmod(module)  # type: ignore[arg-type]
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_good_enough_is_published() -> None:
    assert reasons_to_hold(0.95, 0.95, 100, {"bad_date": 5}) == []


def test_reasons_are_ordered_by_weight() -> None:
    reasons = reasons_to_hold(0.9, 0.95, 100, {"b": 3, "c": 4, "a": 3})
    assert reasons == [
        "quality 0.9000 is below the threshold 0.9500",
        "4 of 100 rows: c",
        "3 of 100 rows: a",
        "3 of 100 rows: b",
    ]


def test_nothing_is_never_published() -> None:
    assert reasons_to_hold(0.0, 0.0, 0, {}) == ["the input has no rows"]
    assert reasons_to_hold(0.0, 0.0, 2, {"bad_date": 2})[0] == "no row passed the checks"


@pytest.mark.parametrize(
    "name",
    ["../secret.json", "a/b.csv", "a\\b.csv", ".hidden.json", "/etc/x.json", "x\n.json", ""],
)
def test_a_file_name_cannot_leave_the_data_folder(name: str) -> None:
    with pytest.raises(ValidationError, match="flights_file"):
        PipelineRequest(run_id="r", flights_file=name)


def test_a_file_name_needs_a_known_format() -> None:
    with pytest.raises(ValidationError, match=r"must end in \.csv or \.json"):
        PipelineRequest(run_id="r", flights_file="flights.xlsx")


@pytest.mark.parametrize("run_id", ["", "a b", "../x", "x" * 65, "-x"])
def test_a_run_id_is_an_identifier(run_id: str) -> None:
    with pytest.raises(ValidationError, match="run_id"):
        PipelineRequest(run_id=run_id)


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="treshold"):
        PipelineRequest.model_validate({"run_id": "r", "treshold": 0.5})


def test_a_job_needs_what_makes_it_unique() -> None:
    with pytest.raises(ValidationError, match="attempt_id"):
        Job.model_validate({"run_id": "r"})
