"""What `tasker outbox …` and `manage.py tasker outbox …` print and do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timezone

from .._internal.names import counted
from ..outbox.rows import OutboxRow, Store
from .errors import UsageProblem


def listing(store: Store, *, dead: bool, limit: int) -> Iterator[str]:
    """Lines about the rows, the oldest first, and a sum.

    Args:
        store: has them.
        dead: only those that wait for a person.
        limit: how many.
    """
    for row in store.rows(dead=dead, limit=limit):
        yield f"{row.id}  {row.namespace}/{row.name} {row.version}  {_state(row)}"
        if row.last_error:
            yield f"    {row.last_error}"
    stats = store.stats()
    yield f"{stats.open} open (the oldest for {stats.lag_seconds:.0f} s), {stats.dead} dead"


def listing_json(store: Store, *, dead: bool, limit: int) -> str:
    """The same for programs."""
    rows = [asdict(row) for row in store.rows(dead=dead, limit=limit)]
    return json.dumps({"rows": rows, **asdict(store.stats())}, indent=2, default=str)


def retry(store: Store, ids: Sequence[int], *, all_dead: bool) -> str:
    """Make rows due now; says how many.

    Raises:
        UsageProblem: neither ids nor `--all-dead`, or both; or there is no such row.
    """
    return f"{_counted(store.retry(_which(ids, all_dead)), ids)} will be tried now"


def discard(store: Store, ids: Sequence[int], *, all_dead: bool) -> str:
    """Remove rows without creating their tasks; says how many.

    Raises:
        UsageProblem: as for `retry`.
    """
    return f"{_counted(store.discard(_which(ids, all_dead)), ids)} discarded"


def _which(ids: Sequence[int], all_dead: bool) -> Sequence[int] | None:
    if bool(ids) == all_dead:
        raise UsageProblem(
            "which rows?", fix="give their ids, as `outbox list` shows them, or --all-dead"
        )
    return None if all_dead else ids


def _counted(count: int, ids: Sequence[int]) -> str:
    if ids and count == 0:
        raise UsageProblem(
            f"no row has the id {', '.join(map(str, ids))}", fix="`outbox list` shows the ids"
        )
    return counted(count, "row")


def _state(row: OutboxRow) -> str:
    age = (datetime.now(timezone.utc) - row.created_at).total_seconds()
    words = ["dead" if row.dead_at else "open", f"for {age:.0f} s"]
    if row.attempts:
        words.append(f"after {counted(row.attempts, 'failure')}")
    if row.ordering_key is not None:
        words.append(f"key {row.ordering_key!r}")
    return ", ".join(words)
