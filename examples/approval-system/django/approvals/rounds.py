"""What the steps do with a request and its rounds.

Each function is one transaction, looks at what is there, and may run any number of times. `None`
means that the request has moved on (changed, withdrawn, decided): the task has nothing to do.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from . import budget, chain, people
from .actions import Status, locked
from .audit import record
from .models import PurchaseRequest, Round, Seat
from .notices import queue


class NobodyToAsk(Exception):
    """A stage has no approver; somebody must be put into its group."""


def current(request_id: int, revision: int, *statuses: str) -> PurchaseRequest | None:
    """The locked request, if it is still as the task expects it."""
    request = locked(request_id)
    return request if request.revision == revision and request.status in statuses else None


@transaction.atomic
def reserve(request_id: int, revision: int) -> dict[str, Any] | None:
    request = current(request_id, revision, *PurchaseRequest.OPEN)
    if request is None:
        return None
    funded = budget.reserve(request)
    if funded:
        event = f"request-{request.pk}.r{revision}.reserved"
        record(request, "budget reserved", key=event, amount=str(request.total))
    return {"funded": funded, "total": str(request.total)}


@transaction.atomic
def plan(request_id: int, revision: int, stage: chain.StageName) -> bool:
    request = current(request_id, revision, *PurchaseRequest.OPEN)
    if request is None:
        return False
    asked = people.approvers(stage, request.requester)
    if not asked:
        raise NobodyToAsk(
            f"nobody can decide the stage {stage!r} of request {request.pk}: put somebody other "
            f"than the requester into the group, or give {request.requester} a manager"
        )
    request.rounds.get_or_create(
        revision=revision,
        stage=stage,
        defaults={
            "position": chain.ORDER.index(stage),
            "quorum": people.quorum(stage, len(asked)),
        },
    )
    return True


@transaction.atomic
def open_next(request_id: int, revision: int) -> Round | None:
    """Open the first planned round, and write to those who are asked."""
    request = current(request_id, revision, *PurchaseRequest.OPEN)
    if request is None:
        return None
    rounds = list(request.rounds.filter(revision=revision))
    statuses = {round_.status for round_ in rounds}
    if Round.Status.OPEN in statuses:
        return next(round_ for round_ in rounds if round_.status == Round.Status.OPEN)
    planned = [round_ for round_ in rounds if round_.status == Round.Status.PLANNED]
    if not planned or Round.Status.REJECTED in statuses:
        return None
    _open(request, planned[0], timezone.now())
    return planned[0]


def _open(request: PurchaseRequest, round_: Round, now: datetime) -> None:
    asked = people.approvers(round_.stage, request.requester)
    Seat.objects.bulk_create([Seat(round=round_, approver=user) for user in asked])
    round_.status = Round.Status.OPEN
    round_.opened_at = now
    round_.remind_at = now + settings.APPROVALS["REMIND_AFTER"]
    round_.escalate_at = now + settings.APPROVALS["ESCALATE_AFTER"]
    round_.save()
    request.status = Status.WAITING
    request.save()
    names = [user.get_username() for user in asked]
    record(request, "asked", stage=round_.stage, approvers=names, quorum=round_.quorum)
    text = f"{request.requester} asks for {request.total:,.2f} €: {request.title}."
    queue(request, asked, f"{round_.stage}.asked", f"Please decide: {request}", text)


@transaction.atomic
def widen(request_id: int, revision: int, round_id: int) -> list[str] | None:
    """Ask further people, because a round was not answered in time."""
    request = current(request_id, revision, Status.WAITING)
    round_ = Round.objects.select_for_update().get(pk=round_id)
    if request is None or round_.status != Round.Status.OPEN:
        return None
    helpers = people.helpers(round_)
    Seat.objects.bulk_create(
        [Seat(round=round_, approver=user, escalated=True) for user in helpers],
        ignore_conflicts=True,
    )
    names = [user.get_username() for user in helpers]
    key = f"request-{request.pk}.r{revision}.{round_.stage}.escalated"
    record(request, "escalated", key=key, stage=round_.stage, to=names)
    text = f"Nobody has decided about {request} in time, so you are asked, too."
    queue(request, helpers, f"{round_.stage}.escalated", f"Escalated to you: {request}", text)
    return names


@transaction.atomic
def outcome(request_id: int, revision: int, round_id: int) -> dict[str, Any] | None:
    """What a decided round means for the chain."""
    request = current(request_id, revision, Status.WAITING, Status.SETTLING)
    if request is None:
        return None
    round_ = request.rounds.get(pk=round_id)
    later = request.rounds.filter(revision=revision, position__gt=round_.position)
    if later.exclude(status=Round.Status.PLANNED).exists():
        return None
    key = f"request-{request.pk}.r{revision}.{round_.stage}.{round_.status}"
    record(request, round_.status, key=key, stage=round_.stage)
    return {
        "outcome": round_.status,
        "stage": round_.stage,
        "is_last": not later.exists(),
    }


@transaction.atomic
def spend(request_id: int, revision: int) -> bool:
    request = current(request_id, revision, Status.SETTLING)
    if request:
        budget.spend(request)
    return request is not None


@transaction.atomic
def release(request_id: int, revision: int, *statuses: str) -> bool:
    request = current(request_id, revision, *statuses)
    if request:
        budget.release(request)
    return request is not None


@transaction.atomic
def close(request_id: int, revision: int, status: Status, text: str) -> bool:
    """End a request, and tell the requester."""
    before = Status.SUBMITTED if status == Status.UNFUNDED else Status.SETTLING
    request = current(request_id, revision, before)
    if request is None:
        return False
    request.status = status
    request.closed_at = timezone.now()
    request.save()
    record(request, f"closed: {status}")
    queue(request, [request.requester], status, f"{request}: {status.label}", text)
    return True


@transaction.atomic
def confirm_withdrawal(request_id: int, revision: int) -> None:
    request = current(request_id, revision, Status.WITHDRAWN)
    if request:
        seats = Seat.objects.filter(round__request=request, round__status=Round.Status.VOID)
        asked = {seat.approver for seat in seats.select_related("approver")}
        text = f"{request.requester} has withdrawn the request. There is nothing left to decide."
        queue(request, asked, "withdrawn", f"Withdrawn: {request}", text)
