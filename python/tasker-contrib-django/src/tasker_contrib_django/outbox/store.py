"""The rows, through Django's models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet
from django.utils import timezone
from tasker_contrib.outbox import OutboxRow, OutboxStats

from .models import OutboxEntry


class DjangoStore:
    """The table of one database of the project.

    Args:
        using: the database's alias.
    """

    def __init__(self, using: str = DEFAULT_DB_ALIAS) -> None:
        self.using = using

    @contextmanager
    def batch(self, limit: int) -> Iterator[DjangoBatch]:
        """A transaction with rows that are due and that no other relay has."""
        with self._usable(), transaction.atomic(using=self.using):
            rows = [_row(entry) for entry in self._due()[:limit]]
            yield DjangoBatch(self._all(), rows)

    def stats(self) -> OutboxStats:
        """Count."""
        opened = Q(dead_at__isnull=True)
        with self._usable():
            found = self._all().aggregate(
                open=Count("pk", filter=opened),
                dead=Count("dead_at"),
                oldest=Min("created_at", filter=opened),
            )
        oldest = found["oldest"]
        lag = 0.0 if oldest is None else max(0.0, (timezone.now() - oldest).total_seconds())
        return OutboxStats(found["open"], found["dead"], lag)

    def rows(self, *, dead: bool = False, limit: int = 50) -> list[OutboxRow]:
        """The oldest rows; with `dead` only those that wait for a person."""
        found = self._all().order_by("pk")
        if dead:
            found = found.filter(dead_at__isnull=False)
        return [_row(entry) for entry in found[:limit]]

    def retry(self, ids: Sequence[int] | None = None) -> int:
        """Make rows due now; all that are dead without ids. Returns how many."""
        return self._which(ids).update(dead_at=None, attempts=0, not_before=timezone.now())

    def discard(self, ids: Sequence[int] | None = None) -> int:
        """Remove rows; all that are dead without ids. Returns how many."""
        return self._which(ids).delete()[0]

    def close(self) -> None:
        """Close the connection of this thread."""
        connections[self.using].close()

    def _all(self) -> QuerySet[OutboxEntry]:
        return OutboxEntry.objects.using(self.using)

    def _which(self, ids: Sequence[int] | None) -> QuerySet[OutboxEntry]:
        return (
            self._all().filter(dead_at__isnull=False)
            if ids is None
            else self._all().filter(pk__in=ids)
        )

    def _due(self) -> QuerySet[OutboxEntry]:
        """Of a key only the oldest row is due, and a dead one holds the others back."""
        earlier = self._all().filter(ordering_key=OuterRef("ordering_key"), pk__lt=OuterRef("pk"))
        due = self._all().filter(
            ~Exists(earlier), dead_at__isnull=True, not_before__lte=timezone.now()
        )
        # SQLite has no such locks, and one writer: Django leaves them out there.
        return due.select_for_update(skip_locked=True).order_by("pk")

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """After a failure the next use connects again."""
        try:
            yield
        except Exception:
            connection = connections[self.using]
            if not connection.in_atomic_block:
                with suppress(Exception):
                    connection.close()
            raise


class DjangoBatch:
    """Rows that are locked until the transaction ends."""

    def __init__(self, entries: QuerySet[OutboxEntry], rows: Sequence[OutboxRow]) -> None:
        self.rows = rows
        self._entries = entries

    def done(self, row: OutboxRow) -> None:
        """Remove a row: its task exists."""
        self._entries.filter(pk=row.id).delete()

    def later(self, row: OutboxRow, seconds: float, error: str) -> None:
        """Try a row again after a while: it failed."""
        self._failed(row, error, not_before=timezone.now() + timedelta(seconds=seconds))

    def wait(self, row: OutboxRow, seconds: float, error: str) -> None:
        """Try a row again after a while, through no fault of its own: no try is counted."""
        self._entries.filter(pk=row.id).update(
            last_error=error, not_before=timezone.now() + timedelta(seconds=seconds)
        )

    def dead(self, row: OutboxRow, error: str) -> None:
        """Leave a row to a person."""
        self._failed(row, error, dead_at=timezone.now())

    def _failed(self, row: OutboxRow, error: str, **values: Any) -> None:
        self._entries.filter(pk=row.id).update(
            attempts=F("attempts") + 1, last_error=error, **values
        )


def _row(entry: OutboxEntry) -> OutboxRow:
    return OutboxRow(
        id=entry.pk,
        created_at=entry.created_at,
        namespace=entry.namespace,
        name=entry.name,
        version=entry.version,
        context=entry.context,
        correlation_id=entry.correlation_id,
        options=entry.options,
        ordering_key=entry.ordering_key,
        attempts=entry.attempts,
        last_error=entry.last_error,
        dead_at=entry.dead_at,
    )
