"""Tasks for Tasker, none lost and none twice.

The row is written in the transaction that makes the task necessary. After the commit the task is
created at once; if that fails, or this process dies, the periodic job creates it. The last step of
every task sets `done_at`; a task that is over without it, or stands still, gets a successor. All
steps may run any number of times.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from . import engine
from .models import Dispatch, PurchaseRequest, Round

log = logging.getLogger(__name__)

# Time for the process that wrote the row to create the task itself.
HEAD_START = timedelta(seconds=5)


def dispatch(
    request: PurchaseRequest, template: str, *event: str, round_: Round | None = None
) -> None:
    """Have a task done for an event of a request's revision; the same event counts once."""
    key = ".".join([f"request-{request.pk}", f"r{request.revision}", *event])
    context = {
        "key": key,
        "request": request.pk,
        "revision": request.revision,
        "round": round_.pk if round_ else None,
    }
    row, is_new = Dispatch.objects.get_or_create(
        key=key,
        defaults={
            "request": request,
            "template": template,
            "context": context,
            "due_at": timezone.now() + HEAD_START,
        },
    )
    if is_new:
        transaction.on_commit(partial(send, row.pk), robust=True)


def send(pk: int) -> bool:
    """Create the task of a row, and say whether that worked."""
    row = Dispatch.objects.get(pk=pk)
    if row.task_uuid or row.done_at:
        return True
    try:
        uuid = engine.create(row.template, {**row.context, "attempt": row.attempt})
    except engine.Unavailable as why:
        log.warning("the task of %s is not created yet: %s", row.key, why)
        Dispatch.objects.filter(pk=pk).update(error=str(why))
        return False
    # Not if somebody else was faster: the same context is the same task, so the UUID is, too.
    Dispatch.objects.filter(pk=pk, attempt=row.attempt).update(
        task_uuid=uuid, error="", due_at=timezone.now() + patience(row)
    )
    return True


def patience(row: Dispatch) -> timedelta:
    """How long a task may stand still. Doubled by each try, so that a slow server gets no flood."""
    found: timedelta = settings.APPROVALS["REPEAT_AFTER"] * 2 ** min(row.attempt - 1, 10)
    return found


def finish(key: str) -> None:
    Dispatch.objects.filter(key=key, done_at=None).update(done_at=timezone.now())


def deliver_due(now: datetime, limit: int) -> int:
    """Create the tasks that are still missing, and successors of those that came to nothing."""
    with transaction.atomic():
        due = Dispatch.objects.select_for_update(skip_locked=True).filter(
            done_at=None, due_at__lte=now
        )
        rows = list(due.order_by("due_at")[:limit])
        # Whoever else looks meanwhile leaves them alone.
        later = now + max(HEAD_START, settings.APPROVALS["REPEAT_AFTER"])
        Dispatch.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=later)
    return sum(_try(row, now) for row in rows)


def _try(row: Dispatch, now: datetime) -> bool:
    try:
        return _deliver(row, now)
    except Exception:
        # What is wrong with one must not hold up the others; it is due again later.
        log.exception("the task of %s cannot be created", row.key)
        return False


def _deliver(row: Dispatch, now: datetime) -> bool:
    if row.task_uuid:
        try:
            if _goes_on(row.task_uuid, now, patience(row)):
                return False
        except engine.Unavailable as why:
            log.warning("the task of %s cannot be looked at: %s", row.key, why)
            return False
        log.warning("the task of %s came to nothing; it gets another", row.key)
        again = Dispatch.objects.filter(pk=row.pk, attempt=row.attempt, done_at=None)
        again.update(attempt=row.attempt + 1, task_uuid=None)
    return send(row.pk)


def _goes_on(uuid: UUID, now: datetime, patience: timedelta) -> bool:
    """Whether a task still moves. A step whose worker died stays in progress forever."""
    task = engine.look(uuid)
    if task is None or task.ended:
        return False
    return not any(step.stands_still(now, patience) for step in task.steps)
