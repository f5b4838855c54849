"""Computes the expected results of the scenarios with DuckDB: `python -m tests.expected`.

Independent of the pipeline on purpose: one SQL script over the data files, written from the rules
in the README, no import from `app.pipeline`. The committed files `scenarios/*.expected.json`,
`*.report.json`, `*.rows.json` and `*.answer.json` are this module's output, never the pipeline's;
`test_expected.py` recomputes them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb

from app.settings import CACHE_DIR

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"

PAGE_SIZE = 1000
ROWS_PER_PARTITION = 5000
THRESHOLD = 0.95
MIN_FLIGHTS_OF_AIRPORT = 100
TOP = 5

REASONS = """
CREATE OR REPLACE TABLE airports AS
SELECT iata, nullif(state, 'NA') AS state, latitude, longitude
FROM read_csv('{data}/airports.csv', header = true, all_varchar = false, nullstr = '',
    types = {{'iata': 'VARCHAR', 'state': 'VARCHAR', 'latitude': 'DOUBLE', 'longitude': 'DOUBLE'}});

CREATE OR REPLACE TABLE routes AS
SELECT origin, destination, count AS flights_per_year
FROM read_csv('{data}/flights-airport.csv', header = true);

CREATE OR REPLACE TABLE raw AS
SELECT row_number() OVER () AS row_number, *
FROM read_json('{data}/{flights}', format = 'array', columns = {{
    'date': 'VARCHAR', 'delay': 'VARCHAR', 'distance': 'VARCHAR',
    'origin': 'VARCHAR', 'destination': 'VARCHAR'}});

CREATE OR REPLACE TABLE parsed AS
SELECT
    raw.row_number, raw.origin, raw.destination,
    try_strptime(raw.date, '%Y/%m/%d %H:%M') AS departed_at,
    try_cast(raw.delay AS INTEGER) AS delay,
    try_cast(raw.distance AS INTEGER) AS distance,
    o.iata IS NOT NULL AND d.iata IS NOT NULL AS airports_known,
    o.state AS origin_state, d.state AS destination_state,
    2 * 3958.8 * asin(sqrt(
        pow(sin(radians(d.latitude - o.latitude) / 2), 2)
        + cos(radians(o.latitude)) * cos(radians(d.latitude))
        * pow(sin(radians(d.longitude - o.longitude) / 2), 2))) AS great_circle
FROM raw
LEFT JOIN airports o ON o.iata = raw.origin
LEFT JOIN airports d ON d.iata = raw.destination;

CREATE OR REPLACE TABLE judged AS
SELECT *, CASE
    WHEN departed_at IS NULL THEN 'bad_date'
    WHEN NOT airports_known THEN 'unknown_airport'
    WHEN origin_state IS NULL OR destination_state IS NULL THEN 'incomplete_airport'
    WHEN origin = destination THEN 'same_airport'
    WHEN delay IS NULL THEN 'missing_delay'
    WHEN delay NOT BETWEEN -180 AND 1440 THEN 'absurd_delay'
    WHEN distance IS NULL THEN 'missing_distance'
    WHEN distance <= 0 OR abs(distance - great_circle) > greatest(10, 0.05 * great_circle)
        THEN 'absurd_distance'
    END AS broken
FROM parsed;

-- Of equal keys the first good row stays.
CREATE OR REPLACE TABLE marked AS
SELECT *, coalesce(broken, CASE WHEN row_number() OVER (
        PARTITION BY broken IS NULL, departed_at, origin, destination ORDER BY row_number) > 1
    THEN 'duplicate_flight' END) AS reason
FROM judged;

CREATE OR REPLACE TABLE good AS
SELECT marked.*, flights_per_year,
    strftime(departed_at, '%Y-%m') AS month,
    CASE WHEN distance < 500 THEN 'short'
         WHEN distance < 1500 THEN 'medium' ELSE 'long' END AS haul,
    delay >= 15 AS late
FROM marked LEFT JOIN routes USING (origin, destination)
WHERE reason IS NULL;
"""

FIGURES = """
count(*) AS flights, count(*) FILTER (late) AS late,
count(*) FILTER (late) / count(*) AS late_share, sum(delay) / count(*) AS mean_delay,
min(delay) AS delay_min, max(delay) AS delay_max, sum(distance)::BIGINT AS distance_sum
"""


class Expectation:
    """The expected figures of one flights file.

    Args:
        flights: Name of a JSON file in the data folder.
        data: The data folder.
    """

    def __init__(self, flights: str, data: Path = CACHE_DIR) -> None:
        self.flights = flights
        self.data = data
        self._database = duckdb.connect()
        self._database.execute(REASONS.format(data=data, flights=flights))

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Run a query and return its rows as dictionaries."""
        cursor = self._database.execute(query)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def one(self, query: str) -> dict[str, Any]:
        """Run a query with one row."""
        (row,) = self.rows(query)
        return row

    def figures(self, where: str = "true") -> dict[str, Any]:
        """Statistics over the good rows that match a condition."""
        return self.one(f"SELECT {FIGURES} FROM good WHERE {where}")

    def groups(self, column: str, order: str = "key", tail: str = "") -> list[dict[str, Any]]:
        """Statistics of the good rows by the values of a column."""
        return self.rows(
            f"SELECT {column} AS key, {FIGURES} FROM good GROUP BY key {tail} ORDER BY {order}"
        )

    @property
    def validated(self) -> dict[str, Any]:
        """Expected result of the step `validate`."""
        counts = self.one(
            "SELECT count(*) AS rows, count(*) FILTER (reason IS NULL) AS good,"
            " count(*) FILTER (reason IS NOT NULL) AS quarantined FROM marked"
        )
        reasons = self.rows(
            "SELECT reason, count(*) AS n FROM marked WHERE reason IS NOT NULL"
            " GROUP BY reason ORDER BY n DESC, reason"
        )
        return {
            **counts,
            "quality": counts["good"] / counts["rows"],
            "reasons": {row["reason"]: row["n"] for row in reasons},
        }

    def extracts(self) -> dict[str, dict[str, Any]]:
        """Expected results of the three extracts."""
        airports = self.one(
            "SELECT count(*) AS rows, count(*) FILTER (state IS NULL) AS without_state"
            " FROM airports"
        )
        routes = self.one(
            "SELECT count(*) AS rows, sum(flights_per_year)::BIGINT AS flights_per_year FROM routes"
        )
        return {
            "extract_airports": {"file": "airports.csv", **airports},
            "extract_flights": {
                "file": self.flights,
                **self.one("SELECT count(*) AS rows FROM raw"),
                "bytes": (self.data / self.flights).stat().st_size,
            },
            "extract_routes": {**routes, "pages": -(-routes["rows"] // PAGE_SIZE)},
        }

    def partitions(self) -> list[dict[str, Any]]:
        """Expected results of the batch workers."""
        dimensions = ("origin", "origin_state", "month", "haul")
        distinct = " + ".join(f"count(DISTINCT {name})" for name in dimensions)
        return self.rows(
            f"WITH numbered AS (SELECT *, row_number() OVER (ORDER BY row_number) - 1 AS position"
            f" FROM good) SELECT min(position) AS start, max(position) + 1 AS end,"
            f" count(*) AS rows, 1 + {distinct} AS groups FROM numbered"
            f" GROUP BY position // {ROWS_PER_PARTITION} ORDER BY start"
        )

    def steps(self, threshold: float = THRESHOLD) -> dict[str, Any]:
        """Expected states and results of every step of a run that gets to its end."""
        validated = self.validated
        publish = validated["quality"] >= threshold
        late = self.one(
            "SELECT count(*) AS rows, count(flights_per_year) AS on_known_routes,"
            " count(*) FILTER (late) AS late FROM good"
        )
        partitions = self.partitions()
        groups = self.one(
            "SELECT 1 + count(DISTINCT origin) + count(DISTINCT origin_state)"
            " + count(DISTINCT month) + count(DISTINCT haul) AS groups FROM good"
        )["groups"]
        results: dict[str, dict[str, Any]] = {
            **self.extracts(),
            "validate": validated,
            "transform": late,
            **{
                f"aggregate_partition_{number:03}": part
                for number, part in enumerate(partitions, start=1)
            },
            "merge_aggregates": {
                "partitions": len(partitions),
                "groups": groups,
                "total": self.figures(),
            },
        }
        steps: dict[str, Any] = {
            name: {"state": "complete", "attempts": 1, "result": result}
            for name, result in results.items()
        }
        steps["partition"] = {"state": "complete", "attempts": 1}
        steps["quality_gate"] = {"state": "complete", "attempts": 1}
        if publish:
            steps["load"] = _done({"flights": validated["good"], "statistics": groups})
            steps["hold"] = {"absent": True}
        else:
            steps["hold"] = _done({"reasons": self.reasons_to_hold(threshold)})
            steps["load"] = {"absent": True}
        return steps

    def reasons_to_hold(self, threshold: float) -> list[str]:
        """The reasons as the hold states them."""
        validated = self.validated
        return [
            f"quality {validated['quality']:.4f} is below the threshold {threshold:.4f}",
            *(
                f"{count} of {validated['rows']} rows: {reason}"
                for reason, count in validated["reasons"].items()
            ),
        ]

    def report(self, run_id: str, threshold: float = THRESHOLD) -> dict[str, Any]:
        """The expected final report."""
        validated = self.validated
        publish = validated["quality"] >= threshold
        report: dict[str, Any] = {
            "run_id": run_id,
            "outcome": "published" if publish else "held",
            "flights_file": self.flights,
            "rows": validated["rows"],
            "good": validated["good"],
            "quality": validated["quality"],
            "quarantined": validated["reasons"],
        }
        if not publish:
            return {
                **report,
                "held_because": self.reasons_to_hold(threshold),
                "total": None,
                "by_month": [],
                "by_haul": [],
                "busiest_states": [],
                "latest_airports": [],
            }
        return {
            **report,
            "held_because": [],
            "total": self.figures(),
            "by_month": self.groups("month"),
            "by_haul": self.groups("haul"),
            "busiest_states": self.groups("origin_state", f"flights DESC, key LIMIT {TOP}"),
            "latest_airports": self.groups(
                "origin",
                f"late_share DESC, key LIMIT {TOP}",
                f"HAVING count(*) >= {MIN_FLIGHTS_OF_AIRPORT}",
            ),
        }

    def table_rows(self, run_id: str, threshold: float = THRESHOLD) -> dict[str, Any]:
        """The expected answer of `/runs/{run_id}/rows` after a run that got to its end."""
        validated, steps = self.validated, self.steps(threshold)
        loaded = steps["load"].get("result", {"flights": 0, "statistics": 0})
        return {
            "run_id": run_id,
            "staged": dict.fromkeys(STAGED, 0),
            "published": {
                **loaded,
                "quarantine": validated["quarantined"],
                "holds": 0 if "result" in steps["load"] else 1,
                "reports": 1,
            },
        }


STAGED = (
    "staged_airports",
    "staged_routes",
    "staged_flights",
    "staged_quarantine",
    "staged_valid_flights",
    "staged_enriched_flights",
    "staged_statistics",
)


def _done(result: dict[str, Any]) -> dict[str, Any]:
    return {"state": "complete", "attempts": 1, "result": result}


def _gone() -> tuple[dict[str, Any], dict[str, Any]]:
    """What is certain when the route source is gone.

    The other two extracts run at the same time; how far they are when the task is given up, and
    so what they have staged, is not.
    """
    steps: dict[str, Any] = {
        "extract_routes": {"state": "error", "attempts": 1, "error": "is gone for good (HTTP 410"},
        "validate": {"state": "pending", "attempts": 0},
        "aggregate_partition_001": {"absent": True},
        "load": {"absent": True},
        "hold": {"absent": True},
        "report": {"absent": True},
    }
    not_reached = [name for name in STAGED if name not in ("staged_airports", "staged_flights")]
    rows = {
        "run_id": "gone-source",
        "staged": dict.fromkeys(not_reached, 0),
        "published": dict.fromkeys(("flights", "statistics", "quarantine", "holds", "reports"), 0),
    }
    return steps, rows


def _chaos(expected: Expectation) -> dict[str, Any]:
    """What `e2e.chaos` must say of runs that all have the same input: the same, and exact."""
    report, rows = expected.report(""), expected.table_rows("")
    del report["run_id"], rows["run_id"]
    return {
        "tasks": "all complete",
        "runs_with_two_tasks": [],
        "different_reports": 1,
        "report": report,
        "different_rows": 1,
        "rows": {"attempts": 1, **rows},
    }


def documents(data: Path = CACHE_DIR) -> dict[str, dict[str, Any]]:
    """Return all expectation files: name to content."""
    result: dict[str, dict[str, Any]] = {}
    clean, damaged = (
        Expectation("flights-20k.json", data),
        Expectation("flights-damaged.json", data),
    )
    small = Expectation("flights-5k.json", data)
    for run_id, expected in (
        ("happy-path", clean),
        ("low-quality", damaged),
        ("flaky-source", small),
        ("same-run-twice", small),
    ):
        report = expected.report(run_id)
        steps = expected.steps()
        steps["report"] = _done(
            {
                "run_id": run_id,
                "outcome": report["outcome"],
                "flights": report["total"]["flights"] if report["total"] else 0,
            }
        )
        result[f"{run_id}.expected.json"] = steps
        result[f"{run_id}.report.json"] = report
        result[f"{run_id}.rows.json"] = expected.table_rows(run_id)
    result["flaky-source.expected.json"]["extract_routes"]["attempts"] = 3
    result["chaos.answer.json"] = _chaos(Expectation("flights-200.json", data))
    gone_steps, gone_rows = _gone()
    result["gone-source.expected.json"] = gone_steps
    result["gone-source.rows.json"] = gone_rows
    return result


def render(document: dict[str, Any]) -> str:
    """Format an expectation file."""
    return json.dumps(document, indent=2) + "\n"


def main() -> int:
    """Write all expectation files."""
    for name, document in documents().items():
        (SCENARIOS / name).write_text(render(document), encoding="utf-8")
        print(SCENARIOS / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
