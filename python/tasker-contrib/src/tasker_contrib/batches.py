"""Batch processing: the range a batch worker gets, and checkpoints."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasker_core import StepContext


__all__ = ["BatchContext", "Checkpoint"]


@dataclass(frozen=True)
class BatchContext:
    """The part of the work that one batch worker has to do.

    Attributes:
        batch_id: `"001"`, `"002"`, …
        start: first item, included.
        end: last item, excluded.
        metadata: the template's `batch_config` as Core passes it on.
        cursor: where to go on: `start`, or what the last `Checkpoint` said.
        items_processed: items done before the last `Checkpoint`; 0 without one.
        accumulated: what the last `Checkpoint` carried; None without one.

    Example:
        ```python
        @batch_worker("etl.aggregate_partition")
        def aggregate(batch: BatchContext) -> Part:
            return Part.of(rows[batch.start : batch.end])
        ```
    """

    batch_id: str
    start: int
    end: int
    metadata: dict[str, Any] = field(default_factory=dict)
    cursor: Any = None
    items_processed: int = 0
    accumulated: Any = None

    @property
    def size(self) -> int:
        """Number of items in the range."""
        return self.end - self.start


@dataclass(frozen=True)
class Checkpoint:
    """Returned by a batch worker to store its progress and be called again from there.

    Attributes:
        cursor: any JSON value; the next call finds it in `BatchContext.cursor`.
        items_processed: items done so far in this batch.
        accumulated: any JSON value to carry forward.

    Example:
        ```python
        return Checkpoint(cursor=batch.cursor + 1000, items_processed=1000, accumulated=totals)
        ```
    """

    cursor: Any
    items_processed: int
    accumulated: Any = None


def batch_context(context: StepContext) -> BatchContext | None:
    """Read the range out of a step's inputs; None when the step is not a batch worker's."""
    cursor = context.step_inputs.get("cursor")
    if not isinstance(cursor, dict) or "start_cursor" not in cursor:
        return None
    resumed = context.checkpoint_cursor
    return BatchContext(
        batch_id=str(cursor.get("batch_id", "")),
        start=int(cursor["start_cursor"]),
        end=int(cursor["end_cursor"]),
        metadata=dict(context.step_inputs.get("batch_metadata") or {}),
        cursor=resumed if resumed is not None else int(cursor["start_cursor"]),
        items_processed=context.checkpoint_items_processed,
        accumulated=context.accumulated_results,
    )


def is_no_op(context: StepContext) -> bool:
    """True for the placeholder that Core runs when the analyzer found nothing to do."""
    return context.step_inputs.get("is_no_op") is True


def batch_results(context: StepContext, worker: str) -> list[Any]:
    """Results of all instances of a batch worker, in batch order, without the placeholder."""
    pattern = re.compile(rf"{re.escape(worker)}_(?:batch_)?(\d+)")
    found: list[tuple[int, Any]] = []
    for name in context.dependency_results:
        match = pattern.fullmatch(name)
        if match is None:
            continue
        result = context.get_dependency_result(name)
        if result is None or (isinstance(result, dict) and result.get("no_op") is True):
            continue
        found.append((int(match.group(1)), result))
    return [result for _, result in sorted(found, key=lambda item: item[0])]
