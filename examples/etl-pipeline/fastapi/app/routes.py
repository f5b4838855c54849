"""The application's own endpoints: start a run, read its report, count its rows."""

from __future__ import annotations

from uuid import uuid4

from fastapi import APIRouter, HTTPException, status
from tasker_contrib_fastapi import TaskerClientDep

from app.db import Database
from app.models import Identifier, Job, PipelineCreated, PipelineRequest, Report, RunRows
from app.store import publishing

NAMESPACE = "etl"
TEMPLATE = "flights_pipeline"
TEMPLATE_VERSION = "1.0.0"

router = APIRouter(tags=["pipelines"])


@router.post("/pipelines", status_code=status.HTTP_201_CREATED)
async def create_pipeline(request: PipelineRequest, client: TaskerClientDep) -> PipelineCreated:
    """Start a run.

    The same run may be started again at any time: the attempt id makes the task a new one, and
    publishing replaces the rows of the run instead of adding to them.
    """
    job = Job(**request.model_dump(), attempt_id=uuid4().hex)
    task = await client.create_task(
        TEMPLATE,
        job.model_dump(mode="json"),
        namespace=NAMESPACE,
        version=TEMPLATE_VERSION,
    )
    return PipelineCreated(
        task_uuid=str(task.task_uuid), run_id=job.run_id, attempt_id=job.attempt_id
    )


@router.get("/reports/{run_id}")
def get_report(run_id: Identifier, database: Database) -> Report:
    """Return the latest report of a run."""
    report = publishing.get_report(database, run_id)
    if report is None:
        raise HTTPException(
            404, f"run {run_id!r} has no report; it never came to its end (or never started)"
        )
    return report


@router.get("/runs/{run_id}/rows")
def get_rows(run_id: Identifier, database: Database) -> RunRows:
    """Count the rows that a run has in every table, staged and published."""
    return publishing.count_rows(database, run_id)
