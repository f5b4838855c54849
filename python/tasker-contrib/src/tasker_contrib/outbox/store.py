"""The rows in PostgreSQL, through any DB-API driver."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from .connections import Connections
from .rows import OutboxRow, OutboxStats
from .schema import TABLE, checked_table

_COLUMNS = (
    "id, created_at, namespace, name, version, context, correlation_id, options, ordering_key, "
    "attempts, last_error, dead_at"
)
# Of a key only the oldest row is due, and a dead one holds the others back.
_CLAIM = """
select {columns} from {table} o
where dead_at is null and not_before <= now() and (
    ordering_key is null
    or not exists (select 1 from {table} p where p.ordering_key = o.ordering_key and p.id < o.id)
)
order by id limit %s for update of o skip locked
"""
_STATS = """
select count(*) filter (where dead_at is null), count(dead_at),
    coalesce(extract(epoch from now() - min(created_at) filter (where dead_at is null)), 0)
from {table}
"""
_RETRY = "update {table} set dead_at = null, attempts = 0, not_before = now() where {which}"


class SqlStore:
    """The table of an outbox.

    Args:
        database: a URL (needs psycopg), a SQLAlchemy `Engine`, or a function that returns a new
            DB-API connection to PostgreSQL.
        table: its name, with a schema or without one.

    Raises:
        TaskerConfigError: the database or the table's name cannot be used.
    """

    def __init__(self, database: str | Callable[[], Any] | Any, table: str = TABLE) -> None:
        self.table = checked_table(table)
        self._connections = Connections(database, table)

    @contextlib.contextmanager
    def batch(self, limit: int) -> Iterator[SqlBatch]:
        """A transaction with rows that are due and that no other relay has."""
        with self._connections.cursor() as cursor:
            rows = self._rows(cursor, _CLAIM, (limit,))
            yield SqlBatch(cursor, self.table, rows)

    def stats(self) -> OutboxStats:
        """Count."""
        with self._connections.cursor() as cursor:
            cursor.execute(_STATS.format(table=self.table))
            opened, dead, lag = cursor.fetchone()
        return OutboxStats(int(opened), int(dead), float(lag))

    def rows(self, *, dead: bool = False, limit: int = 50) -> list[OutboxRow]:
        """The oldest rows.

        Args:
            dead: only those that wait for a person.
            limit: how many.
        """
        where = "where dead_at is not null" if dead else ""
        statement = f"select {{columns}} from {{table}} {where} order by id limit %s"
        with self._connections.cursor() as cursor:
            return self._rows(cursor, statement, (limit,))

    def retry(self, ids: Sequence[int] | None = None) -> int:
        """Make rows due now, dead or not; all that are dead when no ids are given.

        Returns:
            How many.
        """
        return self._change(_RETRY, ids)

    def discard(self, ids: Sequence[int] | None = None) -> int:
        """Remove rows without creating their tasks; all that are dead when no ids are given.

        Returns:
            How many.
        """
        return self._change("delete from {table} where {which}", ids)

    def close(self) -> None:
        """Close the connection."""
        self._connections.close()

    def _change(self, statement: str, ids: Sequence[int] | None) -> int:
        which = "dead_at is not null" if ids is None else "id = any(%s)"
        with self._connections.cursor() as cursor:
            cursor.execute(
                statement.format(table=self.table, which=which), () if ids is None else (list(ids),)
            )
            count: int = cursor.rowcount
        return count

    def _rows(self, cursor: Any, statement: str, values: Sequence[Any]) -> list[OutboxRow]:
        cursor.execute(statement.format(columns=_COLUMNS, table=self.table), values)
        return [_row(found) for found in cursor.fetchall()]


class SqlBatch:
    """Rows that are locked until the transaction of `cursor` ends."""

    def __init__(self, cursor: Any, table: str, rows: Sequence[OutboxRow]) -> None:
        self.rows = rows
        self._cursor = cursor
        self._table = table

    def done(self, row: OutboxRow) -> None:
        """Remove a row: its task exists."""
        self._cursor.execute(f"delete from {self._table} where id = %s", (row.id,))

    def later(self, row: OutboxRow, seconds: float, error: str) -> None:
        """Try a row again after a while: it failed."""
        self._put_off(row, seconds, error, failures=1)

    def wait(self, row: OutboxRow, seconds: float, error: str) -> None:
        """Try a row again after a while, through no fault of its own: no try is counted."""
        self._put_off(row, seconds, error, failures=0)

    def _put_off(self, row: OutboxRow, seconds: float, error: str, failures: int) -> None:
        self._cursor.execute(
            f"update {self._table} set attempts = attempts + %s, last_error = %s, "
            "not_before = clock_timestamp() + make_interval(secs => %s) where id = %s",
            (failures, error, seconds, row.id),
        )

    def dead(self, row: OutboxRow, error: str) -> None:
        """Leave a row to a person."""
        self._cursor.execute(
            f"update {self._table} set attempts = attempts + 1, last_error = %s, "
            "dead_at = clock_timestamp() where id = %s",
            (error, row.id),
        )


def _row(found: Sequence[Any]) -> OutboxRow:
    values: Mapping[str, Any] = dict(zip(_COLUMNS.split(", "), found, strict=True))
    decoded = {
        "context": _json(values["context"]),
        "options": _json(values["options"]),
        "correlation_id": UUID(str(values["correlation_id"])),
    }
    return OutboxRow(**{**values, **decoded})


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
