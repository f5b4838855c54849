"""The published tables: what a reader of the pipeline's output sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg import sql
from psycopg.types.json import Jsonb

from app.db import Connection
from app.models import Figures, GroupFigures, Loaded, Report, RunRows
from app.pipeline.aggregate import TOTAL, Stats
from app.store import staging

TABLES = ("flights", "statistics", "quarantine", "holds", "reports")

_UPSERT_FLIGHTS = """
INSERT INTO etl.flights AS published (
    run_id, departed_at, origin, destination, delay_minutes, distance_miles,
    origin_state, destination_state, haul, late, flights_per_year, attempt_id
)
SELECT
    %(run_id)s, departed_at, origin, destination, delay_minutes, distance_miles,
    origin_state, destination_state, haul, late, flights_per_year, attempt_id
FROM etl.staged_enriched_flights
WHERE attempt_id = %(attempt_id)s
ON CONFLICT (run_id, departed_at, origin, destination) DO UPDATE SET
    delay_minutes = excluded.delay_minutes,
    distance_miles = excluded.distance_miles,
    origin_state = excluded.origin_state,
    destination_state = excluded.destination_state,
    haul = excluded.haul,
    late = excluded.late,
    flights_per_year = excluded.flights_per_year,
    attempt_id = excluded.attempt_id
"""

_UPSERT_STATISTICS = """
INSERT INTO etl.statistics AS published (
    run_id, dimension, key, flights, late, delay_sum, delay_min, delay_max, distance_sum,
    attempt_id
)
SELECT
    %(run_id)s, dimension, key, flights, late, delay_sum, delay_min, delay_max, distance_sum,
    attempt_id
FROM etl.staged_statistics
WHERE attempt_id = %(attempt_id)s AND partition = %(merged)s
ON CONFLICT (run_id, dimension, key) DO UPDATE SET
    flights = excluded.flights,
    late = excluded.late,
    delay_sum = excluded.delay_sum,
    delay_min = excluded.delay_min,
    delay_max = excluded.delay_max,
    distance_sum = excluded.distance_sum,
    attempt_id = excluded.attempt_id
"""

_UPSERT_HOLD = """
INSERT INTO etl.holds (run_id, quality, threshold, reasons, attempt_id)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (run_id) DO UPDATE SET
    quality = excluded.quality,
    threshold = excluded.threshold,
    reasons = excluded.reasons,
    attempt_id = excluded.attempt_id,
    held_at = now()
"""

_COPY_QUARANTINE = """
INSERT INTO etl.quarantine (
    run_id, row_number, reason, detail, date, delay, distance, origin, destination, attempt_id
)
SELECT
    %(run_id)s, row_number, reason, detail, date, delay, distance, origin, destination, attempt_id
FROM etl.staged_quarantine JOIN etl.staged_flights USING (attempt_id, row_number)
WHERE attempt_id = %(attempt_id)s
"""

_UPSERT_REPORT = """
INSERT INTO etl.reports (run_id, outcome, report, attempt_id) VALUES (%s, %s, %s, %s)
ON CONFLICT (run_id) DO UPDATE SET
    outcome = excluded.outcome,
    report = excluded.report,
    attempt_id = excluded.attempt_id,
    reported_at = now()
"""


@contextmanager
def exclusive(connection: Connection, run_id: str) -> Iterator[None]:
    """One transaction in which no other attempt of the run can publish or report."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (run_id,))
        yield


def load(connection: Connection, run_id: str, attempt_id: str) -> Loaded:
    """Publish the staged flights and merged statistics of an attempt.

    One transaction: a reader sees the run as it was before or as it is after. Rows that exist are
    updated, rows of the run that are no longer in the input are removed, so executing a run again
    never duplicates or leaves behind a row. An earlier hold of the run is lifted.
    """
    values = {"run_id": run_id, "attempt_id": attempt_id, "merged": staging.MERGED}
    counts: list[int] = []
    with exclusive(connection, run_id):
        for table, upsert in (("flights", _UPSERT_FLIGHTS), ("statistics", _UPSERT_STATISTICS)):
            connection.execute(upsert, values)
            name = sql.Identifier("etl", table)
            connection.execute(
                sql.SQL("DELETE FROM {} WHERE run_id = %s AND attempt_id <> %s").format(name),
                (run_id, attempt_id),
            )
            counts.append(
                _count(
                    connection,
                    sql.SQL("SELECT count(*) FROM {} WHERE run_id = %s").format(name),
                    run_id,
                )
            )
        connection.execute("DELETE FROM etl.holds WHERE run_id = %s", (run_id,))
    return Loaded(flights=counts[0], statistics=counts[1])


def hold(
    connection: Connection,
    run_id: str,
    attempt_id: str,
    quality: float,
    threshold: float,
    reasons: Sequence[str],
) -> None:
    """Record that a run is held. What the run has published before stays as it is."""
    with exclusive(connection, run_id):
        connection.execute(_UPSERT_HOLD, (run_id, quality, threshold, list(reasons), attempt_id))


def published_by(connection: Connection, run_id: str) -> str | None:
    """Return the attempt whose rows are the published ones, `None` when there are none."""
    row = connection.execute(
        "SELECT attempt_id FROM etl.statistics WHERE run_id = %s LIMIT 1", (run_id,)
    ).fetchone()
    return str(row[0]) if row else None


def statistics(connection: Connection, run_id: str, dimension: str) -> dict[str, Stats]:
    """Return the published statistics of one dimension by key, in the order of the keys."""
    rows = connection.execute(
        "SELECT key, flights, late, delay_sum, delay_min, delay_max, distance_sum "
        'FROM etl.statistics WHERE run_id = %s AND dimension = %s ORDER BY key COLLATE "C"',
        (run_id, dimension),
    )
    return {key: Stats(*values) for key, *values in rows}


def figures(stats: Stats) -> Figures:
    """Turn sums into the averages and shares that people read."""
    return Figures(
        flights=stats.flights,
        late=stats.late,
        late_share=stats.late_share,
        mean_delay=stats.mean_delay,
        delay_min=stats.delay_min,
        delay_max=stats.delay_max,
        distance_sum=stats.distance_sum,
    )


def group_figures(groups: dict[str, Stats]) -> list[GroupFigures]:
    """Turn the statistics of a dimension into rows of the report, in the given order."""
    return [GroupFigures(key=key, **figures(item).model_dump()) for key, item in groups.items()]


def total(connection: Connection, run_id: str) -> Figures | None:
    """Return the figures over all published flights of a run."""
    dimension, key = TOTAL
    stats = statistics(connection, run_id, dimension).get(key)
    return figures(stats) if stats else None


def save_report(connection: Connection, report: Report) -> None:
    """Store the report, keep the quarantined rows for inspection and clear the attempt's staging.

    One transaction, and the last write of an attempt: after it nothing is left in staging.
    """
    values = {"run_id": report.run_id, "attempt_id": report.attempt_id}
    with exclusive(connection, report.run_id):
        # A retry after the commit finds staging empty; it must not empty the quarantine then.
        if _reported_attempt(connection, report.run_id) != report.attempt_id:
            connection.execute("DELETE FROM etl.quarantine WHERE run_id = %s", (report.run_id,))
            connection.execute(_COPY_QUARANTINE, values)
        connection.execute(
            _UPSERT_REPORT,
            (
                report.run_id,
                report.outcome,
                Jsonb(report.model_dump(mode="json")),
                report.attempt_id,
            ),
        )
        staging.clear(connection, report.attempt_id)


def get_report(connection: Connection, run_id: str) -> Report | None:
    """Return the report of a run, `None` when it has none."""
    row = connection.execute(
        "SELECT report FROM etl.reports WHERE run_id = %s", (run_id,)
    ).fetchone()
    return Report.model_validate(row[0]) if row else None


def count_rows(connection: Connection, run_id: str) -> RunRows:
    """Count the rows of a run in every table."""
    with connection.transaction():
        attempts = connection.execute(
            "SELECT count(*), max(started_at) FROM etl.attempts WHERE run_id = %s", (run_id,)
        ).fetchone()
        staged = {
            table: _count(
                connection,
                sql.SQL(
                    "SELECT count(*) FROM {} JOIN etl.attempts USING (attempt_id) WHERE run_id = %s"
                ).format(sql.Identifier("etl", table)),
                run_id,
            )
            for table in staging.TABLES
        }
        published = {
            table: _count(
                connection,
                sql.SQL("SELECT count(*) FROM {} WHERE run_id = %s").format(
                    sql.Identifier("etl", table)
                ),
                run_id,
            )
            for table in TABLES
        }
    number, last = attempts or (0, None)
    return RunRows(
        run_id=run_id, attempts=number, staged=staged, published=published, last_attempt_at=last
    )


def _count(connection: Connection, statement: sql.Composed, run_id: str) -> int:
    row = connection.execute(statement, (run_id,)).fetchone()
    return int(row[0]) if row else 0


def _reported_attempt(connection: Connection, run_id: str) -> str | None:
    row = connection.execute(
        "SELECT attempt_id FROM etl.reports WHERE run_id = %s", (run_id,)
    ).fetchone()
    return str(row[0]) if row else None
