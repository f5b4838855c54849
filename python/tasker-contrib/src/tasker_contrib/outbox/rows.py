"""What a relay works with: rows, and the store that keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from ..errors import TaskerValidationError

#: What becomes of a row when somebody else has created the same task.
OnConflict = Literal["dead", "ignore"]


@dataclass(frozen=True)
class OutboxRow:
    """A task that is to be created.

    Attributes:
        id: rows with the same `ordering_key` are relayed in the order of their ids.
        options: arguments of the client's `create_task`, and `on_conflict`.
        attempts: tries that failed. A server that is away is no failure of a row.
        last_error: of the last one.
        dead_at: since when the relay leaves it alone; None while it is open.
    """

    id: int
    created_at: datetime
    namespace: str
    name: str
    version: str
    context: dict[str, Any]
    correlation_id: UUID
    options: dict[str, Any] = field(default_factory=dict)
    ordering_key: str | None = None
    attempts: int = 0
    last_error: str | None = None
    dead_at: datetime | None = None

    def __str__(self) -> str:
        return f"outbox row {self.id} ({self.namespace}/{self.name} {self.version})"


@dataclass(frozen=True)
class OutboxStats:
    """How an outbox is doing.

    Attributes:
        open: rows that a relay has still to deliver.
        dead: rows that wait for a person.
        lag_seconds: age of the oldest open row; 0 without one.
    """

    open: int
    dead: int
    lag_seconds: float


class Batch(Protocol):
    """Rows that are locked for one relay until its transaction ends."""

    rows: Sequence[OutboxRow]

    def done(self, row: OutboxRow) -> None:
        """Remove a row: its task exists."""

    def later(self, row: OutboxRow, seconds: float, error: str) -> None:
        """Try a row again after a while: it failed."""

    def wait(self, row: OutboxRow, seconds: float, error: str) -> None:
        """Try a row again after a while, through no fault of its own: no try is counted."""

    def dead(self, row: OutboxRow, error: str) -> None:
        """Leave a row to a person."""


class Store(Protocol):
    """Where the rows are."""

    def batch(self, limit: int) -> AbstractContextManager[Batch]:
        """A transaction with rows that are due and that no other relay has."""

    def stats(self) -> OutboxStats:
        """Count."""

    def rows(self, *, dead: bool = False, limit: int = 50) -> Sequence[OutboxRow]:
        """The oldest rows; with `dead` only those that wait for a person."""

    def retry(self, ids: Sequence[int] | None = None) -> int:
        """Make rows due now; all that are dead without ids. Returns how many."""

    def discard(self, ids: Sequence[int] | None = None) -> int:
        """Remove rows; all that are dead without ids. Returns how many."""

    def close(self) -> None:
        """Close the connection."""


def request_options(
    *,
    parent_correlation_id: UUID | str | None,
    on_conflict: OnConflict,
    **others: Any,
) -> dict[str, Any]:
    """The column `options`: what is not None.

    Raises:
        TaskerValidationError: one of them is not what it must be.
    """
    if on_conflict not in ("dead", "ignore"):
        raise TaskerValidationError(f"on_conflict must be 'dead' or 'ignore', not {on_conflict!r}")
    options = {key: value for key, value in others.items() if value is not None}
    if parent_correlation_id is not None:
        options["parent_correlation_id"] = str(
            as_uuid(parent_correlation_id, "parent_correlation_id")
        )
    if on_conflict != "dead":
        options["on_conflict"] = on_conflict
    return options


def as_uuid(value: UUID | str, what: str) -> UUID:
    """A UUID.

    Raises:
        TaskerValidationError: it is not one.
    """
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        raise TaskerValidationError(f"{what} must be a UUID, not {value!r}") from None
