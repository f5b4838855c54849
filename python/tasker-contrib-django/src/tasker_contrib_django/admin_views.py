"""Tasks and steps in the admin, over the client: read-only, with retry, resolve and cancel.

There are no models behind them. `TASKER["PERMISSIONS"]` says who sees ("VIEW") and who acts
("MANAGE"); where it names no permission, superusers do.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST, require_safe
from tasker_contrib.client import StepInfo, Task
from tasker_contrib.errors import TaskerContribError

from .client import client
from .conf import permissions

View = Callable[..., HttpResponseBase]

_PER_PAGE = 25
_STATES = ("incomplete", "complete")


def may(request: HttpRequest, kind: str) -> bool:
    """Whether the user has the permission for `view` or `manage`."""
    permission = getattr(permissions(), kind)
    if permission is None:
        return bool(request.user.is_superuser)
    return request.user.has_perm(permission)


def _for(kind: str) -> Callable[[View], View]:
    """An admin view for those who may `view` or `manage`; others are asked to log in."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not may(request, kind):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return admin.site.admin_view(guard)

    return decorate


def _page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "may_manage": may(request, "manage"),
        **context,
    }
    return TemplateResponse(request, f"tasker_contrib_django/{template}.html", context)


@require_safe
@_for("view")
def tasks(request: HttpRequest) -> HttpResponse:
    """A page of tasks, the newest first."""
    status = request.GET.get("status")
    number = request.GET.get("page", "1")
    page, problem = None, None
    try:
        page = client.list_tasks(
            status=status if status in _STATES else None,
            namespace=request.GET.get("namespace") or None,
            page=int(number) if number.isdecimal() else 1,
            per_page=_PER_PAGE,
        )
    except TaskerContribError as error:
        problem = str(error)
    return _page(
        request,
        "tasks",
        title="Tasks",
        tasks=page,
        problem=problem,
        states=_STATES,
        status=status,
        namespace=request.GET.get("namespace", ""),
    )


@require_safe
@_for("view")
def task(request: HttpRequest, task_uuid: UUID) -> HttpResponse:
    """A task with its steps."""
    found, steps, problem = None, [], None
    try:
        found = client.get_task(task_uuid)
        steps = [_row(step) for step in client.steps(task_uuid)]
    except TaskerContribError as error:
        problem = str(error)
    return _page(
        request,
        "task",
        title=f"{found.namespace}/{found.name}" if found else "Task",
        task=found,
        task_uuid=task_uuid,
        context_json=_pretty(found.context) if found else "",
        steps=steps,
        can_cancel=found is not None and _can_cancel(found),
        problem=problem,
    )


def _can_cancel(found: Task) -> bool:
    return found.status not in ("complete", "error", "cancelled", "resolved_manually")


def _row(step: StepInfo) -> dict[str, Any]:
    return {
        "step": step,
        "failed": step.current_state == "error",
        "error": (step.error or {}).get("message"),
        "result": _pretty(step.result) if step.result else "",
    }


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


@require_POST
@_for("manage")
def act(request: HttpRequest, task_uuid: UUID) -> HttpResponseBase:
    """Retry or resolve a step, or cancel the task."""
    action, step = request.POST.get("action", ""), request.POST.get("step", "")
    by = request.user.get_username()
    reason = request.POST.get("reason") or "asked for in the admin"
    try:
        if action == "cancel":
            done = f"The task is {client.cancel_task(task_uuid).status}."
        elif action == "retry":
            done = _state(client.retry_step(task_uuid, step, reason=reason, by=by))
        elif action == "resolve":
            done = _state(client.resolve_step(task_uuid, step, reason=reason, by=by))
        else:
            raise TaskerContribError(f"there is no action {action!r}")
        messages.success(request, done)
    except TaskerContribError as error:
        messages.error(request, str(error))
    return redirect("tasker_admin:task", task_uuid=task_uuid)


def _state(step: StepInfo) -> str:
    return f"The step {step.name} is {step.current_state}."
