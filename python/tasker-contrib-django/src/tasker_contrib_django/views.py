"""Health, metrics and, for those who have a permission, tasks."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from pydantic import BaseModel, Field, ValidationError
from tasker_contrib._internal import metrics as shared_metrics
from tasker_contrib.errors import TaskerClientError, TaskerContribError

from .client import client
from .conf import permissions
from .health import readiness

View = Callable[..., HttpResponseBase]

_PROBLEM = "application/problem+json"


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers."""
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200, or 503 with the components that fail."""
    status, body = readiness()
    return JsonResponse(body, status=status)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text of this process: calls to the server. A worker has `--health-port`."""
    return HttpResponse(shared_metrics.render(), content_type=shared_metrics.CONTENT_TYPE)


class CreateTask(BaseModel):
    """Body of `POST tasks`."""

    name: str
    namespace: str = "default"
    version: str = "1.0.0"
    context: dict[str, Any] = Field(default_factory=dict)
    idempotent: bool = False
    priority: int | None = Field(default=None, ge=-100, le=100)
    tags: list[str] | None = None
    reason: str = "requested over HTTP"


def problem(status: int, title: str, detail: str) -> JsonResponse:
    """An answer as RFC 9457 wants it."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JsonResponse(body, status=status, content_type=_PROBLEM)


def guarded(**needed: str) -> Callable[[View], View]:
    """Ask for a permission of `TASKER["PERMISSIONS"]`, by the request's method."""

    def decorate(view: View) -> View:
        @never_cache
        @require_http_methods(list(needed))
        @wraps(view)
        def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            permission = getattr(permissions(), needed[request.method or ""])
            if permission is None:
                raise Http404("the project names no permission for this route")
            user = getattr(request, "user", None)
            if user is None or not user.is_authenticated:
                return problem(401, "Not logged in", "log in first")
            if not user.has_perm(permission):
                return problem(403, "Not allowed", f"you do not have the permission {permission}")
            try:
                return view(request, *args, **kwargs)
            except TaskerClientError as error:
                return problem(error.status, error.title, str(error))
            except TaskerContribError as error:
                return problem(503, "Tasker is not available", str(error))

        return guard

    return decorate


@guarded(GET="view", POST="create")
def tasks(request: HttpRequest) -> JsonResponse:
    """`GET`: a page of tasks. `POST`: create one."""
    if request.method == "POST":
        return _create(request)
    query = request.GET
    try:
        page, per_page = int(query.get("page", 1)), int(query.get("per_page", 25))
    except ValueError:
        return problem(422, "Invalid request", "page and per_page must be numbers")
    found = client.list_tasks(
        namespace=query.get("namespace"),
        status=query.get("status"),
        page=page,
        per_page=per_page,
    )
    return JsonResponse(found.model_dump(mode="json"))


def _create(request: HttpRequest) -> JsonResponse:
    try:
        body = CreateTask.model_validate_json(request.body)
    except ValidationError as error:
        details = json.loads(error.json(include_url=False, include_input=False))
        texts = [f"{'.'.join(map(str, d['loc'])) or '(body)'}: {d['msg']}" for d in details]
        return problem(422, "Invalid request", "; ".join(texts))
    task = client.create_task(
        body.name,
        body.context,
        namespace=body.namespace,
        version=body.version,
        idempotent=body.idempotent,
        priority=body.priority,
        tags=body.tags,
        reason=body.reason,
        initiator=f"user:{request.user.pk}",
    )
    return JsonResponse(task.model_dump(mode="json"), status=201)


@guarded(GET="view", DELETE="manage")
def task(request: HttpRequest, task_uuid: UUID) -> JsonResponse:
    """`GET`: a task with its steps. `DELETE`: cancel it."""
    if request.method == "DELETE":
        return JsonResponse(client.cancel_task(task_uuid).model_dump(mode="json"))
    found = client.get_task(task_uuid).model_dump(mode="json")
    found["steps"] = [step.model_dump(mode="json") for step in client.steps(task_uuid)]
    return JsonResponse(found)
