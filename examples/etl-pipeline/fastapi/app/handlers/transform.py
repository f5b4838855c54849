"""Joining the valid flights with airports and routes."""

from __future__ import annotations

from typing import Annotated

from tasker_contrib_fastapi import Input, step_handler

from app.db import Database
from app.models import Job, Transformed
from app.pipeline.enrich import enrich
from app.store import staging


@step_handler("etl.transform")
def transform(job: Annotated[Job, Input()], database: Database) -> Transformed:
    """Enrich the valid flights and number them for partitioning."""
    rows = list(
        enrich(
            staging.get_valid_flights(database, job.attempt_id),
            staging.get_airports(database, job.attempt_id),
            staging.get_routes(database, job.attempt_id),
        )
    )
    staging.put_enriched(database, job.attempt_id, rows)
    return Transformed(
        rows=len(rows),
        on_known_routes=sum(row.flights_per_year is not None for row in rows),
        late=sum(row.late for row in rows),
    )
