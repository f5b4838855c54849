"""Single steps, on a real database and a real route source."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import psycopg
import pytest
from tasker_contrib_fastapi.testing import StepResult, run_step

from app.db import Connection
from app.handlers import aggregate, extract, publish, quality
from app.pipeline.records import Airport, Flight, RawFlight, Rejected
from app.pipeline.validate import Validation
from app.store import publishing, staging

ATTEMPT = "attempt-1"
JOB: dict[str, Any] = {"run_id": "run", "attempt_id": ATTEMPT, "flights_file": "flights-5k.json"}


def extract_routes(overrides: dict[Any, Any], **source: object) -> StepResult:
    return run_step(
        extract.extract_routes,
        context={**JOB, "attempt_id": "-".join(source), "source": source},
        config={"page_size": 1000},
        overrides=overrides,
    )


def test_a_file_that_is_not_there_fails_for_good(overrides: dict[Any, Any]) -> None:
    result = run_step(
        extract.extract_flights, context={**JOB, "flights_file": "no.csv"}, overrides=overrides
    )
    assert (result.outcome, result.retryable) == ("failed", False)
    assert "no file 'no.csv' in the data folder" in (result.error or "")
    assert "ETL_DATA_DIR" in (result.error or "")


def test_a_file_name_is_checked_again_in_the_step(overrides: dict[Any, Any]) -> None:
    result = run_step(
        extract.extract_flights, context={**JOB, "flights_file": "../x.csv"}, overrides=overrides
    )
    assert (result.outcome, result.retryable) == ("failed", False)
    assert "flights_file" in (result.error or "")


def test_all_pages_are_read(overrides: dict[Any, Any], database: Connection) -> None:
    result = run_step(
        extract.extract_routes, context=JOB, config={"page_size": 500}, overrides=overrides
    )
    assert result.result == {"rows": 5366, "pages": 11, "flights_per_year": 7009728}
    assert len(staging.get_routes(database, ATTEMPT)) == 5366


def test_a_source_that_is_down_may_be_retried(overrides: dict[Any, Any]) -> None:
    for _ in range(2):
        result = extract_routes(overrides, fail_first=2)
        assert (result.outcome, result.retryable) == ("failed", True)
        assert "503" in (result.error or "")
    assert extract_routes(overrides, fail_first=2).outcome == "complete"


def test_a_source_that_is_gone_is_not_retried(
    overrides: dict[Any, Any], database: Connection
) -> None:
    result = extract_routes(overrides, gone=True)
    assert (result.outcome, result.retryable) == ("failed", False)
    assert "gone for good (HTTP 410: the route source was shut down" in (result.error or "")
    assert publishing.count_rows(database, "run").staged["staged_routes"] == 0


def test_a_retry_replaces_what_the_first_try_has_staged(
    overrides: dict[Any, Any], database: Connection
) -> None:
    for _ in range(2):
        run_step(extract.extract_airports, context=JOB, overrides=overrides)
    rows = publishing.count_rows(database, "run")
    assert (rows.attempts, rows.staged["staged_airports"]) == (1, 3376)


def test_validation_survives_a_round_trip_through_staging(database: Connection) -> None:
    raw = RawFlight(2, "when", None, "ä\t\\N", "LAX", "")
    outcome = Validation(rejected=[Rejected(raw, "bad_date", "no date")])
    staging.register_attempt(database, ATTEMPT, "run")
    staging.put_raw_flights(database, ATTEMPT, [raw])
    staging.put_validation(database, ATTEMPT, outcome)
    assert staging.get_raw_flights(database, ATTEMPT) == [raw]
    assert staging.get_valid_flights(database, ATTEMPT) == []


@pytest.mark.parametrize(
    ("request_threshold", "branch"), [(None, "hold"), (0.9, "load"), (0.94, "load"), (1.0, "hold")]
)
def test_the_gate(request_threshold: float | None, branch: str) -> None:
    result = run_step(
        quality.quality_gate,
        context={**JOB, "quality_threshold": request_threshold},
        config={"quality_threshold": 0.95},
        results={
            "validate": {"rows": 50, "good": 47, "quarantined": 3, "quality": 0.94, "reasons": {}}
        },
    )
    assert result.result is not None
    assert result.result["decision_point_outcome"]["step_names"] == [branch]


def test_totals_over_a_part_of_the_rows_are_refused(overrides: dict[Any, Any]) -> None:
    result = run_step(
        aggregate.merge_aggregates,
        context=JOB,
        results={
            "transform": {"rows": 10, "on_known_routes": 0, "late": 0},
            "aggregate_partition_001": {"start": 0, "end": 5, "rows": 5, "groups": 3},
        },
        overrides=overrides,
    )
    assert (result.outcome, result.retryable) == ("failed", True)
    assert "the partitions have 5 rows, but 10 were transformed" in (result.error or "")


def test_a_report_written_twice_keeps_the_quarantine(
    overrides: dict[Any, Any], database: Connection
) -> None:
    raw = RawFlight(1, "when", None, None, "LAX", "JFK")
    staging.register_attempt(database, ATTEMPT, "run")
    staging.put_raw_flights(database, ATTEMPT, [raw])
    staging.put_validation(
        database, ATTEMPT, Validation(rejected=[Rejected(raw, "bad_date", "no date")])
    )
    for _ in range(2):
        result = run_step(
            publish.report,
            context=JOB,
            config={"top": 5, "min_flights_of_airport": 100},
            results={
                "validate": {
                    "rows": 1,
                    "good": 0,
                    "quarantined": 1,
                    "quality": 0,
                    "reasons": {"bad_date": 1},
                },
                "hold": {"reasons": ["no row passed the checks"]},
            },
            overrides=overrides,
        )
        assert result.outcome == "complete", result.error
        rows = publishing.count_rows(database, "run")
        assert (rows.published["quarantine"], rows.published["reports"]) == (1, 1)
        assert set(rows.staged.values()) == {0}


def test_a_report_never_shows_the_figures_of_another_attempt(
    overrides: dict[Any, Any], database: Connection
) -> None:
    database.execute(
        "INSERT INTO etl.statistics VALUES ('run', 'all', 'all', 1, 0, 5, 5, 5, 338, 'attempt-2')"
    )
    result = run_step(
        publish.report,
        context=JOB,
        config={"top": 5, "min_flights_of_airport": 100},
        results={
            "validate": {"rows": 9, "good": 9, "quarantined": 0, "quality": 1, "reasons": {}},
            "load": {"flights": 9, "statistics": 1},
        },
        overrides=overrides,
    )
    assert (result.outcome, result.retryable) == ("failed", False)
    assert "was replaced by attempt attempt-2" in (result.error or "")
    assert publishing.get_report(database, "run") is None


def test_one_step_in_two_workers_at_once_stages_its_rows_once(
    environment: dict[str, str], database: Connection
) -> None:
    airports = [Airport("LAX", "", "", "CA", "USA", 0.0, 0.0)]
    staging.register_attempt(database, ATTEMPT, "run")
    with (
        psycopg.connect(environment["DATABASE_URL"], autocommit=True) as other,
        ThreadPoolExecutor() as pool,
    ):
        process = other.info.backend_pid
        with database.transaction():
            staging.put_airports(database, ATTEMPT, airports)
            second = pool.submit(staging.put_airports, other, ATTEMPT, airports)
            wait_until_blocked(database, process)
        second.result(timeout=10)
    assert list(staging.get_airports(database, ATTEMPT)) == ["LAX"]


def wait_until_blocked(connection: Connection, process: int) -> None:
    deadline = time.monotonic() + 60
    while connection.execute("SELECT pg_blocking_pids(%s) = '{}'", (process,)).fetchone() != (
        False,
    ):
        assert time.monotonic() < deadline, "the second writer was not held up"
        time.sleep(0.005)


def test_a_load_that_comes_after_the_report_changes_nothing(database: Connection) -> None:
    staging.register_attempt(database, ATTEMPT, "run")
    database.execute(
        "INSERT INTO etl.flights VALUES ('run', now(), 'LAX', 'SFO', 1, 338, 'CA', 'CA', 'short',"
        " false, NULL, %s)",
        (ATTEMPT,),
    )
    assert publishing.load(database, "run", ATTEMPT).flights == 1
    assert publishing.count_rows(database, "run").published["flights"] == 1


def test_attempts_of_one_run_publish_one_after_the_other(
    environment: dict[str, str], database: Connection
) -> None:
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as other:
        other.execute("SET lock_timeout = '50ms'")
        with publishing.exclusive(database, "run"):
            with pytest.raises(psycopg.errors.LockNotAvailable):
                publishing.load(other, "run", ATTEMPT)
            publishing.load(other, "another run", ATTEMPT)
        publishing.load(other, "run", ATTEMPT)


def test_a_load_that_breaks_publishes_nothing(
    overrides: dict[Any, Any], database: Connection
) -> None:
    staging.register_attempt(database, ATTEMPT, "run")
    airports = [Airport(code, "", "", "CA", "USA", 0.0, 0.0) for code in ("LAX", "SFO")]
    staging.put_airports(database, ATTEMPT, airports)
    database.execute(
        "INSERT INTO etl.staged_enriched_flights SELECT %s, n, n, now(), 'LAX', 'SFO', 1, 338,"
        " 'CA', 'CA', '2001-01', 'short', false, NULL FROM generate_series(1, 2) AS n",
        (ATTEMPT,),
    )
    # Two staged rows with one published key cannot be upserted in one statement.
    result = run_step(publish.load, context=JOB, overrides=overrides)
    assert result.outcome == "failed"
    assert publishing.count_rows(database, "run").published["flights"] == 0


def test_flights_keep_their_values_in_staging(database: Connection) -> None:
    flight = Flight(1, datetime(2001, 2, 3, 4, 5), "LAX", "JFK", -3, 2475)
    staging.register_attempt(database, ATTEMPT, "run")
    staging.put_validation(database, ATTEMPT, Validation(good=[flight]))
    assert staging.get_valid_flights(database, ATTEMPT) == [flight]
