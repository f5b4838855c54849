"""Rows of one attempt, on their way through the pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from psycopg import sql

from app.db import Connection
from app.pipeline.aggregate import Group, Stats
from app.pipeline.records import Airport, EnrichedFlight, Flight, RawFlight, Rejected, Route
from app.pipeline.validate import Validation

AIRPORT_COLUMNS = ("iata", "name", "city", "state", "country", "latitude", "longitude")
ROUTE_COLUMNS = ("origin", "destination", "flights_per_year")
RAW_COLUMNS = ("row_number", "date", "delay", "distance", "origin", "destination")
QUARANTINE_COLUMNS = ("row_number", "reason", "detail")
VALID_COLUMNS = (
    "row_number",
    "departed_at",
    "origin",
    "destination",
    "delay_minutes",
    "distance_miles",
)
ENRICHED_COLUMNS = (
    "position",
    *VALID_COLUMNS,
    "origin_state",
    "destination_state",
    "month",
    "haul",
    "late",
    "flights_per_year",
)
STATISTICS_COLUMNS = (
    "partition",
    "dimension",
    "key",
    "flights",
    "late",
    "delay_sum",
    "delay_min",
    "delay_max",
    "distance_sum",
)

TABLES = (
    "staged_airports",
    "staged_routes",
    "staged_flights",
    "staged_quarantine",
    "staged_valid_flights",
    "staged_enriched_flights",
    "staged_statistics",
)

# Rows of a table from records whose attributes are named like its columns. `dataclasses.astuple`
# would do the same ten times slower, because it copies every value.
_airport_row = attrgetter(*AIRPORT_COLUMNS)
_route_row = attrgetter(*ROUTE_COLUMNS)
_raw_row = attrgetter(*RAW_COLUMNS)
_valid_row = attrgetter(*VALID_COLUMNS)
_derived_row = attrgetter(*ENRICHED_COLUMNS[1 + len(VALID_COLUMNS) :])
_stats_row = attrgetter(*STATISTICS_COLUMNS[3:])

# The partition under which the merged statistics are kept.
MERGED = ""


def register_attempt(connection: Connection, attempt_id: str, run_id: str) -> None:
    """Record that an attempt of a run exists; staging rows refer to it.

    Each extract calls this, because they start together and none is the first.
    """
    connection.execute(
        "INSERT INTO etl.attempts (attempt_id, run_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (attempt_id, run_id),
    )


def put_airports(connection: Connection, attempt_id: str, airports: Iterable[Airport]) -> None:
    """Stage the airport register."""
    with connection.transaction():
        _replace(
            connection, "staged_airports", AIRPORT_COLUMNS, attempt_id, map(_airport_row, airports)
        )


def get_airports(connection: Connection, attempt_id: str) -> dict[str, Airport]:
    """Return the staged airports by code."""
    rows = _select(connection, "staged_airports", AIRPORT_COLUMNS, attempt_id)
    return {row[0]: Airport(*row) for row in rows}


def put_routes(connection: Connection, attempt_id: str, routes: Iterable[Route]) -> None:
    """Stage the routes."""
    with connection.transaction():
        _replace(connection, "staged_routes", ROUTE_COLUMNS, attempt_id, map(_route_row, routes))


def get_routes(connection: Connection, attempt_id: str) -> dict[tuple[str, str], int]:
    """Return the staged routes: flights per year by (origin, destination)."""
    rows = _select(connection, "staged_routes", ROUTE_COLUMNS, attempt_id)
    return {(origin, destination): count for origin, destination, count in rows}


def put_raw_flights(connection: Connection, attempt_id: str, flights: Iterable[RawFlight]) -> int:
    """Stage the flights as extracted and return how many there are."""
    with connection.transaction():
        return _replace(
            connection, "staged_flights", RAW_COLUMNS, attempt_id, map(_raw_row, flights)
        )


def get_raw_flights(connection: Connection, attempt_id: str) -> list[RawFlight]:
    """Return the extracted flights in file order."""
    rows = _select(connection, "staged_flights", RAW_COLUMNS, attempt_id, order="row_number")
    return [RawFlight(*row) for row in rows]


def put_validation(connection: Connection, attempt_id: str, validation: Validation) -> None:
    """Stage the valid flights and the quarantine, together or not at all."""
    with connection.transaction():
        _replace(
            connection,
            "staged_valid_flights",
            VALID_COLUMNS,
            attempt_id,
            map(_valid_row, validation.good),
        )
        _replace(
            connection,
            "staged_quarantine",
            QUARANTINE_COLUMNS,
            attempt_id,
            map(_quarantine_row, validation.rejected),
        )


def get_valid_flights(connection: Connection, attempt_id: str) -> list[Flight]:
    """Return the valid flights in file order."""
    rows = _select(
        connection, "staged_valid_flights", VALID_COLUMNS, attempt_id, order="row_number"
    )
    return [Flight(*row) for row in rows]


def put_enriched(connection: Connection, attempt_id: str, rows: Iterable[EnrichedFlight]) -> int:
    """Stage the enriched flights, numbered from 0, and return how many there are."""
    numbered = (_enriched_row(position, row) for position, row in enumerate(rows))
    with connection.transaction():
        return _replace(
            connection, "staged_enriched_flights", ENRICHED_COLUMNS, attempt_id, numbered
        )


def get_enriched(
    connection: Connection, attempt_id: str, start: int, end: int
) -> list[EnrichedFlight]:
    """Return the enriched flights at the positions `start` (inclusive) to `end` (exclusive)."""
    rows = connection.execute(
        sql.SQL(
            "SELECT {columns} FROM etl.staged_enriched_flights "
            "WHERE attempt_id = %s AND position >= %s AND position < %s ORDER BY position"
        ).format(columns=_identifiers(ENRICHED_COLUMNS[1:])),
        (attempt_id, start, end),
    )
    size = len(VALID_COLUMNS)
    return [EnrichedFlight(Flight(*row[:size]), *row[size:]) for row in rows]


def put_partition(
    connection: Connection, attempt_id: str, partition: str, groups: dict[Group, Stats]
) -> None:
    """Stage the statistics of one partition."""
    with connection.transaction():
        _put_statistics(connection, attempt_id, partition, groups)


def get_partitions(connection: Connection, attempt_id: str) -> list[tuple[Group, Stats]]:
    """Return the statistics of all partitions."""
    rows = connection.execute(
        sql.SQL(
            "SELECT {columns} FROM etl.staged_statistics WHERE attempt_id = %s AND partition <> %s"
        ).format(columns=_identifiers(STATISTICS_COLUMNS[1:])),
        (attempt_id, MERGED),
    )
    return [((row[0], row[1]), Stats(*row[2:])) for row in rows]


def put_merged(connection: Connection, attempt_id: str, groups: dict[Group, Stats]) -> None:
    """Stage the merged statistics."""
    with connection.transaction():
        _put_statistics(connection, attempt_id, MERGED, groups)


def clear(connection: Connection, attempt_id: str) -> None:
    """Remove all staging rows of an attempt; the attempt itself stays on record."""
    with connection.transaction():
        for table in TABLES:
            connection.execute(
                sql.SQL("DELETE FROM {table} WHERE attempt_id = %s").format(table=_table(table)),
                (attempt_id,),
            )


def _put_statistics(
    connection: Connection, attempt_id: str, partition: str, groups: dict[Group, Stats]
) -> None:
    _one_at_a_time(connection, "staged_statistics", attempt_id)
    connection.execute(
        "DELETE FROM etl.staged_statistics WHERE attempt_id = %s AND partition = %s",
        (attempt_id, partition),
    )
    _copy(
        connection,
        "staged_statistics",
        STATISTICS_COLUMNS,
        attempt_id,
        ((partition, *group, *_stats_row(stats)) for group, stats in groups.items()),
    )


def _quarantine_row(item: Rejected) -> tuple[int, str, str]:
    return item.row.row_number, item.reason, item.detail


def _enriched_row(position: int, row: EnrichedFlight) -> tuple[Any, ...]:
    return (position, *_valid_row(row.flight), *_derived_row(row))


def _replace(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    attempt_id: str,
    rows: Iterable[tuple[Any, ...]],
) -> int:
    _one_at_a_time(connection, table, attempt_id)
    connection.execute(
        sql.SQL("DELETE FROM {table} WHERE attempt_id = %s").format(table=_table(table)),
        (attempt_id,),
    )
    return _copy(connection, table, columns, attempt_id, rows)


def _one_at_a_time(connection: Connection, table: str, attempt_id: str) -> None:
    """Wait until nobody else writes these rows, until the end of the transaction.

    With several workers Tasker Core 0.1.8 often gives one step to two of them at the same moment.
    Then the second must find the rows of the first, and replace them.
    """
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", (f"{table}:{attempt_id}",)
    )


def _copy(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    attempt_id: str,
    rows: Iterable[tuple[Any, ...]],
) -> int:
    statement = sql.SQL("COPY {table} (attempt_id, {columns}) FROM STDIN").format(
        table=_table(table), columns=_identifiers(columns)
    )
    count = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row((attempt_id, *row))
            count += 1
    return count


def _select(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    attempt_id: str,
    order: str | None = None,
) -> list[tuple[Any, ...]]:
    statement = sql.SQL("SELECT {columns} FROM {table} WHERE attempt_id = %s").format(
        columns=_identifiers(columns), table=_table(table)
    )
    if order:
        statement = statement + sql.SQL(" ORDER BY {order}").format(order=sql.Identifier(order))
    return connection.execute(statement, (attempt_id,)).fetchall()


def _table(name: str) -> sql.Identifier:
    return sql.Identifier("etl", name)


def _identifiers(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
