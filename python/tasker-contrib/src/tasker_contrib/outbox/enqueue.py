"""Writes a row of the outbox, in the transaction that the application has open."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel

from ..client.context import task_context
from ..errors import TaskerConfigError
from .rows import OnConflict, as_uuid, request_options
from .schema import TABLE, checked_table

# The lock makes the second of two transactions with the same key wait for the first one's end, so
# that the ids of a key are in the order of the commits. Without a key it locks nothing.
_INSERT = """
with key_lock as materialized (
    select pg_advisory_xact_lock(
        hashtextextended('{table}' || ':' || cast({ordering_key} as text), 0)
    )
)
insert into {table} (namespace, name, version, context, options, ordering_key, correlation_id)
select cast({namespace} as text), cast({name} as text), cast({version} as text),
    cast(cast({context} as text) as jsonb), cast(cast({options} as text) as jsonb),
    cast({ordering_key} as text), cast(cast({correlation_id} as text) as uuid)
from key_lock
returning id
"""
_NAMES = (
    "namespace",
    "name",
    "version",
    "context",
    "options",
    "ordering_key",
    "correlation_id",
)


@dataclass(frozen=True)
class Enqueued:
    """A row that was written. The task has no UUID before a relay has created it.

    Attributes:
        id: of the row.
        correlation_id: of the task that will be; find the task by it in logs.
    """

    id: int
    correlation_id: UUID


class Outbox:
    """Writes tasks into a table of the application's database (PostgreSQL).

    Args:
        table: its name, with a schema or without one. `tasker outbox sql` prints its DDL.

    Raises:
        TaskerConfigError: the table's name is not a plain name.
    """

    def __init__(self, table: str = TABLE) -> None:
        self.table = checked_table(table)

    def enqueue(
        self,
        connection: Any,
        name: str,
        context: Mapping[str, Any] | BaseModel | None = None,
        *,
        namespace: str = "default",
        version: str = "1.0.0",
        ordering_key: str | None = None,
        on_conflict: OnConflict = "dead",
        correlation_id: UUID | str | None = None,
        parent_correlation_id: UUID | str | None = None,
        initiator: str | None = None,
        source_system: str | None = None,
        reason: str | None = None,
        priority: int | None = None,
        tags: list[str] | None = None,
    ) -> Enqueued:
        """Write a task into the open transaction: one statement, and no call of the server.

        The task is created soon after the commit, and never when the transaction is rolled back.

        Args:
            connection: with the open transaction: SQLAlchemy's `Session` or `Connection`, or a
                DB-API cursor of psycopg.
            name: the template's name.
            context: a JSON object or a pydantic model; the handlers' input.
            namespace: the template's namespace.
            version: the template's version, exactly.
            ordering_key: tasks with the same key are created in the order of their commits. A
                second transaction that uses the key waits for the end of the first one.
            on_conflict: what to do when somebody else has created a task with the same template
                and context: `dead` keeps the row for a person, `ignore` is content with that task.
            correlation_id: to follow a request through systems; a new one when left out. The relay
                recognises its own task by it.
            parent_correlation_id: of the request that led to this one.
            initiator: who asks for it.
            source_system: where the request comes from.
            reason: why, for people.
            priority: -100 to 100.
            tags: free words.

        Raises:
            TaskerValidationError: the context is not JSON, or an id is not a UUID.
            TaskerConfigError: the connection is not one of those, or it is asynchronous.
        """
        options = request_options(
            on_conflict=on_conflict,
            parent_correlation_id=parent_correlation_id,
            initiator=initiator,
            source_system=source_system,
            reason=reason,
            priority=priority,
            tags=tags,
        )
        row = _Row(name, namespace, version, context, options, ordering_key, correlation_id)
        result = row.execute(self.table, connection)
        if inspect.isawaitable(result):
            getattr(result, "close", lambda: None)()
            raise TaskerConfigError(
                f"{type(connection).__name__} is asynchronous: use `await "
                "outbox.enqueue_async(…)`; nothing was written"
            )
        return row.written(connection, result)

    async def enqueue_async(
        self,
        connection: Any,
        name: str,
        context: Mapping[str, Any] | BaseModel | None = None,
        *,
        namespace: str = "default",
        version: str = "1.0.0",
        ordering_key: str | None = None,
        on_conflict: OnConflict = "dead",
        correlation_id: UUID | str | None = None,
        parent_correlation_id: UUID | str | None = None,
        initiator: str | None = None,
        source_system: str | None = None,
        reason: str | None = None,
        priority: int | None = None,
        tags: list[str] | None = None,
    ) -> Enqueued:
        """The same for SQLAlchemy's `AsyncSession` and `AsyncConnection`, and psycopg's async ones.

        See `enqueue` for the arguments and the errors.
        """
        options = request_options(
            on_conflict=on_conflict,
            parent_correlation_id=parent_correlation_id,
            initiator=initiator,
            source_system=source_system,
            reason=reason,
            priority=priority,
            tags=tags,
        )
        row = _Row(name, namespace, version, context, options, ordering_key, correlation_id)
        result = row.execute(self.table, connection)
        if inspect.isawaitable(result):
            result = await result
        fetched = row.fetch(connection, result)
        if inspect.isawaitable(fetched):
            fetched = await fetched
        return Enqueued(int(fetched[0]), row.correlation_id)


class _Row:
    """The values of one row, checked, and the statement in the words of each library."""

    def __init__(
        self,
        name: str,
        namespace: str,
        version: str,
        context: Mapping[str, Any] | BaseModel | None,
        options: dict[str, Any],
        ordering_key: str | None,
        correlation_id: UUID | str | None,
    ) -> None:
        self.correlation_id = (
            uuid4() if correlation_id is None else as_uuid(correlation_id, "correlation_id")
        )
        self._values = {
            "namespace": namespace,
            "name": name,
            "version": version,
            "context": json.dumps(task_context(context)),
            "options": json.dumps(options),
            "ordering_key": ordering_key,
            "correlation_id": str(self.correlation_id),
        }

    def execute(self, table: str, connection: Any) -> Any:
        if not callable(getattr(connection, "execute", None)):
            raise TaskerConfigError(
                f"{type(connection).__name__} has no transaction to write into: give a SQLAlchemy "
                "Session or Connection, or a DB-API cursor"
            )
        if _is_sqlalchemy(connection):
            from sqlalchemy import text

            names = {name: f":{name}" for name in _NAMES}
            return connection.execute(text(_INSERT.format(table=table, **names)), self._values)
        names = {name: f"%({name})s" for name in _NAMES}
        return connection.execute(_INSERT.format(table=table, **names), self._values)

    def fetch(self, connection: Any, result: Any) -> Any:
        """The row that was returned; from the cursor when `execute` returns none (psycopg2)."""
        return (connection if result is None else result).fetchone()

    def written(self, connection: Any, result: Any) -> Enqueued:
        return Enqueued(int(self.fetch(connection, result)[0]), self.correlation_id)


def _is_sqlalchemy(connection: Any) -> bool:
    return any(base.__module__.startswith("sqlalchemy.") for base in type(connection).__mro__)
