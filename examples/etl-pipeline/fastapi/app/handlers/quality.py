"""Validation with quarantine, and the decision between publishing and holding."""

from __future__ import annotations

from typing import Annotated

from tasker_contrib_fastapi import (
    Config,
    Decision,
    Input,
    Result,
    decision_handler,
    step_handler,
)

from app.db import Database
from app.models import Job, Validated
from app.pipeline import validate as rules
from app.pipeline.gate import reasons_to_hold
from app.store import staging


@step_handler("etl.validate")
def validate(
    job: Annotated[Job, Input()],
    database: Database,
    min_delay: Annotated[int, Config("min_delay_minutes")],
    max_delay: Annotated[int, Config("max_delay_minutes")],
    tolerance: Annotated[float, Config("distance_tolerance")],
) -> Validated:
    """Split the extracted flights into good rows and quarantined rows."""
    outcome = rules.validate(
        staging.get_raw_flights(database, job.attempt_id),
        staging.get_airports(database, job.attempt_id),
        rules.Limits(
            min_delay_minutes=min_delay,
            max_delay_minutes=max_delay,
            distance_tolerance=tolerance,
        ),
    )
    staging.put_validation(database, job.attempt_id, outcome)
    return Validated(
        rows=outcome.rows,
        good=len(outcome.good),
        quarantined=len(outcome.rejected),
        quality=outcome.quality,
        reasons=outcome.reasons,
    )


@decision_handler("etl.quality_gate")
def quality_gate(
    job: Annotated[Job, Input()],
    validated: Annotated[Validated, Result("validate")],
    default_threshold: Annotated[float, Config("quality_threshold")],
) -> Decision:
    """Publish a run that is good enough, hold one that is not."""
    threshold = threshold_of(job, default_threshold)
    reasons = reasons_to_hold(validated.quality, threshold, validated.rows, validated.reasons)
    return Decision.route(
        ["hold" if reasons else "load"],
        quality=validated.quality,
        threshold=threshold,
        reasons=reasons,
    )


def threshold_of(job: Job, default: float) -> float:
    """The threshold of the request, or the template's."""
    return default if job.quality_threshold is None else job.quality_threshold
