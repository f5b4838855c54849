"""What people do: submit, change, withdraw, vote. Each is one transaction, and starts a task."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from . import chain, people
from .audit import record
from .models import PurchaseRequest, Round, Vote
from .outbox import dispatch

Status = PurchaseRequest.Status


class Refused(Exception):
    """Something that is not allowed, or no longer; the message is for the person."""


def locked(pk: int) -> PurchaseRequest:
    """Everything that changes a request waits here for its turn."""
    return PurchaseRequest.objects.select_for_update(no_key=True).get(pk=pk)


@transaction.atomic
def submit(pk: int, actor: User) -> PurchaseRequest:
    request = _own(pk, actor)
    if request.status != Status.DRAFT:
        raise Refused("This request has been submitted already.")
    if not request.lines.exists():
        raise Refused("A request needs at least one line.")
    _start(request, actor, "submitted")
    return request


@transaction.atomic
def restart(pk: int, actor: User) -> PurchaseRequest:
    """After a change in the same transaction: a new revision, and the chain from its start."""
    request = changeable(pk, actor)
    if request.status == Status.DRAFT:
        return request
    _void(request)
    request.revision += 1
    _start(request, actor, "changed")
    return request


def changeable(pk: int, actor: User) -> PurchaseRequest:
    request = _own(pk, actor)
    if request.status != Status.DRAFT and not request.is_open:
        raise Refused("This request is decided and cannot be changed.")
    return request


@transaction.atomic
def withdraw(pk: int, actor: User) -> PurchaseRequest:
    request = _own(pk, actor)
    if not request.is_open:
        raise Refused("Only a request that is not decided yet can be withdrawn.")
    _void(request)
    request.status = Status.WITHDRAWN
    request.closed_at = timezone.now()
    request.save()
    record(request, "withdrawn", actor)
    dispatch(request, "withdraw_request", "withdrawn")
    return request


@transaction.atomic
def vote(round_id: int, actor: User, verdict: str, comment: str = "") -> Round:
    """Answer in a round. The vote that decides it starts the next task, in the same transaction.

    The request is locked, so of two votes in the same moment the second sees the first.
    """
    if not Round.objects.filter(pk=round_id).exists():
        raise Refused("There is nothing to decide.")
    request = locked(Round.objects.values_list("request_id", flat=True).get(pk=round_id))
    round_ = Round.objects.select_for_update().get(pk=round_id)
    if actor.pk == request.requester_id:
        raise Refused("Nobody decides about their own request.")
    if round_.status == Round.Status.VOID:
        raise Refused("The request was changed or withdrawn meanwhile. Please look at it again.")
    if round_.status != Round.Status.OPEN:
        raise Refused("This is decided already.")
    seat = people.free_seats(actor).filter(round=round_).first()
    if seat is None:
        raise Refused("You have voted already, or are not asked.")
    Vote.objects.create(seat=seat, round=round_, actor=actor, verdict=verdict, comment=comment)
    owner = seat.approver
    behalf = {} if owner == actor else {"for": owner.get_username()}
    record(request, "vote", actor, stage=round_.stage, verdict=verdict, comment=comment, **behalf)
    _decide(request, round_)
    return round_


def _decide(request: PurchaseRequest, round_: Round) -> None:
    verdicts = round_.votes.values_list("verdict", flat=True)
    outcome = chain.outcome(verdicts, round_.quorum, round_.seats.count())
    if outcome is None:
        return
    round_.status = Round.Status(outcome)
    round_.decided_at = timezone.now()
    round_.save()
    planned = request.rounds.filter(revision=request.revision, status=Round.Status.PLANNED)
    if outcome == "rejected" or not planned.exists():
        request.status = Status.SETTLING
        request.save()
    dispatch(request, "settle_round", round_.stage, outcome, round_=round_)


def _own(pk: int, actor: User) -> PurchaseRequest:
    request = locked(pk)
    if request.requester_id != actor.pk:
        raise Refused("Only the requester can do this.")
    return request


def _void(request: PurchaseRequest) -> None:
    undecided = [Round.Status.PLANNED, Round.Status.OPEN]
    request.rounds.filter(status__in=undecided).update(status=Round.Status.VOID)


def _start(request: PurchaseRequest, actor: User, event: str) -> None:
    request.status = Status.SUBMITTED
    request.save()
    record(request, event, actor, total=str(request.total), budget=request.budget.code)
    dispatch(request, "submit_request", "submitted")
