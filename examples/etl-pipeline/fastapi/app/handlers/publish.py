"""The two branches behind the quality gate, and the report that closes both."""

from __future__ import annotations

from typing import Annotated

from tasker_contrib_fastapi import Config, Input, PermanentError, Result, step_handler

from app.db import Connection, Database
from app.handlers.quality import threshold_of
from app.models import Held, Job, Loaded, Report, ReportSummary, Validated
from app.pipeline.aggregate import Stats
from app.pipeline.gate import reasons_to_hold
from app.store import publishing


@step_handler("etl.load")
def load(job: Annotated[Job, Input()], database: Database) -> Loaded:
    """Publish the run: flights and statistics, in one transaction."""
    return publishing.load(database, job.run_id, job.attempt_id)


@step_handler("etl.hold")
def hold(
    job: Annotated[Job, Input()],
    validated: Annotated[Validated, Result("validate")],
    database: Database,
    default_threshold: Annotated[float, Config("quality_threshold")],
) -> Held:
    """Hold the run: record why, publish nothing."""
    threshold = threshold_of(job, default_threshold)
    reasons = reasons_to_hold(validated.quality, threshold, validated.rows, validated.reasons)
    publishing.hold(database, job.run_id, job.attempt_id, validated.quality, threshold, reasons)
    return Held(reasons=reasons)


@step_handler("etl.report")
def report(
    job: Annotated[Job, Input()],
    validated: Annotated[Validated, Result("validate")],
    loaded: Annotated[Loaded | None, Result("load")],
    held: Annotated[Held | None, Result("hold")],
    database: Database,
    top: Annotated[int, Config("top")],
    min_flights: Annotated[int, Config("min_flights_of_airport")],
) -> ReportSummary:
    """Write the report of the run, whichever branch it took, and clear its staging rows."""
    result = Report(
        run_id=job.run_id,
        attempt_id=job.attempt_id,
        outcome="published" if loaded else "held",
        flights_file=job.flights_file,
        rows=validated.rows,
        good=validated.good,
        quality=validated.quality,
        quarantined=validated.reasons,
        held_because=held.reasons if held else [],
    )
    with publishing.exclusive(database, job.run_id):
        if loaded:
            _add_figures(result, database, top, min_flights)
        publishing.save_report(database, result)
    return ReportSummary(
        run_id=job.run_id,
        outcome=result.outcome,
        flights=result.total.flights if result.total else 0,
    )


def _add_figures(report: Report, database: Connection, top: int, min_flights: int) -> None:
    """Fill in the published figures.

    Raises:
        PermanentError: Another attempt of the run has published in the meantime; its figures must
            not appear in the report of this one.
    """
    owner = publishing.published_by(database, report.run_id)
    if owner != report.attempt_id:
        raise PermanentError(
            f"attempt {report.attempt_id} of run {report.run_id!r} was replaced by attempt "
            f"{owner}, which published while this one was running; that attempt's report counts"
        )

    def published(dimension: str) -> dict[str, Stats]:
        return publishing.statistics(database, report.run_id, dimension)

    report.total = publishing.total(database, report.run_id)
    report.by_month = publishing.group_figures(published("month"))
    report.by_haul = publishing.group_figures(published("haul"))
    report.busiest_states = publishing.group_figures(_busiest(published("state"), top))
    report.latest_airports = publishing.group_figures(
        _latest(published("origin"), top, min_flights)
    )


def _busiest(groups: dict[str, Stats], top: int) -> dict[str, Stats]:
    ranked = sorted(groups.items(), key=lambda item: (-item[1].flights, item[0]))
    return dict(ranked[:top])


def _latest(groups: dict[str, Stats], top: int, min_flights: int) -> dict[str, Stats]:
    busy = (item for item in groups.items() if item[1].flights >= min_flights)
    ranked = sorted(busy, key=lambda item: (-item[1].late_share, item[0]))
    return dict(ranked[:top])
