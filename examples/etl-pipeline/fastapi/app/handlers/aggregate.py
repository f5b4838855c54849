"""Statistics in partitions: cut the rows, count each part, merge the parts."""

from __future__ import annotations

from typing import Annotated

from tasker_contrib_fastapi import (
    BatchConfig,
    BatchContext,
    BatchResults,
    Config,
    Input,
    Result,
    RetryableError,
    batch_analyzer,
    batch_worker,
    step_handler,
)

from app.db import Database
from app.models import AggregatedPartition, Job, Merged, Transformed
from app.pipeline.aggregate import TOTAL, aggregate, merge
from app.store import staging
from app.store.publishing import figures


@batch_analyzer("etl.partition", worker="aggregate_partition")
def partition(
    transformed: Annotated[Transformed, Result("transform")],
    rows_per_partition: Annotated[int, Config("rows_per_partition")],
) -> BatchConfig:
    """Cut the enriched rows into partitions of equal size."""
    return BatchConfig(total_items=transformed.rows, batch_size=rows_per_partition)


@batch_worker("etl.aggregate_partition")
def aggregate_partition(
    job: Annotated[Job, Input()], batch: BatchContext, database: Database
) -> AggregatedPartition:
    """Count one partition."""
    rows = staging.get_enriched(database, job.attempt_id, batch.start, batch.end)
    groups = aggregate(rows)
    staging.put_partition(database, job.attempt_id, batch.batch_id, groups)
    return AggregatedPartition(start=batch.start, end=batch.end, rows=len(rows), groups=len(groups))


@step_handler("etl.merge_aggregates")
def merge_aggregates(
    job: Annotated[Job, Input()],
    transformed: Annotated[Transformed, Result("transform")],
    parts: Annotated[list[AggregatedPartition], BatchResults("aggregate_partition")],
    database: Database,
) -> Merged:
    """Merge the statistics of all partitions into those of the run."""
    counted = sum(part.rows for part in parts)
    if counted != transformed.rows:
        # Never publish totals over a part of the rows, whatever made this step start early.
        raise RetryableError(
            f"the partitions have {counted} rows, but {transformed.rows} were transformed"
        )
    groups = merge(staging.get_partitions(database, job.attempt_id))
    staging.put_merged(database, job.attempt_id, groups)
    total = groups.get(TOTAL)
    return Merged(
        partitions=len(parts),
        groups=len(groups),
        total=figures(total) if total else None,
    )
