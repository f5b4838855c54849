"""Routes for health, metrics and, if wanted, tasks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from tasker_contrib._internal import metrics
from tasker_contrib._internal.readiness import readiness
from tasker_contrib.client import StepInfo, Task, TaskPage

from .lifespan import TaskerClientDep
from .problems import ProblemRoute

__all__ = ["CreateTask", "router"]


class CreateTask(BaseModel):
    """Body of `POST /tasks`."""

    name: str
    namespace: str = "default"
    version: str = "1.0.0"
    context: dict[str, Any] = Field(default_factory=dict)
    idempotent: bool = False
    priority: int | None = Field(default=None, ge=-100, le=100)
    tags: list[str] | None = None
    reason: str = "requested over HTTP"


class TaskWithSteps(Task):
    """Answer of `GET /tasks/{task_uuid}`: the task, and its steps so far."""

    steps: list[StepInfo]


def router(*, tasks: bool = False) -> APIRouter:
    """Return a router with `/live`, `/ready` and `/metrics`.

    - `GET /live`: 200 as long as the process answers.
    - `GET /ready`: 200, or 503 with the failing components; 503 from the start of a drain.
    - `GET /metrics`: Prometheus text, per handler.

    Args:
        tasks: also `POST /tasks`, `GET /tasks`, `GET /tasks/{task_uuid}` (with steps) and
            `DELETE /tasks/{task_uuid}`. They have no authentication: add
            `dependencies=[Depends(…)]` where you include the router.

    Example:
        ```python
        app.include_router(tasker.router(), prefix="/tasker", tags=["tasker"])
        ```
    """
    routes = APIRouter(route_class=ProblemRoute)
    routes.add_api_route("/live", _live, methods=["GET"], summary="Liveness")
    routes.add_api_route("/ready", _ready, methods=["GET"], summary="Readiness")
    routes.add_api_route("/metrics", _metrics, methods=["GET"], summary="Prometheus metrics")
    if tasks:
        routes.add_api_route("/tasks", _create, methods=["POST"], status_code=201)
        routes.add_api_route("/tasks", _list, methods=["GET"])
        routes.add_api_route("/tasks/{task_uuid}", _get, methods=["GET"])
        routes.add_api_route("/tasks/{task_uuid}", _cancel, methods=["DELETE"])
    return routes


async def _live() -> dict[str, str]:
    return {"status": "alive"}


async def _ready(request: Request) -> JSONResponse:
    status, body = await readiness(getattr(request.state, "tasker", None))
    return JSONResponse(body, status_code=status)


async def _metrics() -> Response:
    return Response(metrics.render(), headers={"content-type": metrics.CONTENT_TYPE})


async def _create(body: CreateTask, client: TaskerClientDep) -> Task:
    return await client.create_task(
        body.name,
        body.context,
        namespace=body.namespace,
        version=body.version,
        idempotent=body.idempotent,
        priority=body.priority,
        tags=body.tags,
        reason=body.reason,
    )


async def _list(
    client: TaskerClientDep,
    namespace: str | None = None,
    status: str | None = None,
    page: int = Query(default=1, ge=1),
    per_page: int = Query(default=25, ge=1, le=100),
) -> TaskPage:
    return await client.list_tasks(namespace=namespace, status=status, page=page, per_page=per_page)


async def _get(task_uuid: UUID, client: TaskerClientDep) -> TaskWithSteps:
    task = await client.get_task(task_uuid)
    steps = await client.steps(task_uuid)
    return TaskWithSteps.model_validate({**task.model_dump(), "steps": steps})


async def _cancel(task_uuid: UUID, client: TaskerClientDep) -> Task:
    return await client.cancel_task(task_uuid)
