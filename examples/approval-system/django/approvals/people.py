"""Who is asked in a stage, who may answer for whom."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from .chain import Limits, StageName
from .models import Delegation, PurchaseRequest, Round, Seat

# Whose answer helps when nobody in a stage gives one.
ESCALATES_TO = {"finance": "board"}


def limits() -> Limits:
    return Limits(settings.APPROVALS["FINANCE_ABOVE"], settings.APPROVALS["BOARD_ABOVE"])


def manager_of(user: User) -> User | None:
    employee = getattr(user, "employee", None)
    return employee.manager if employee else None


def members(group: str) -> list[User]:
    return list(User.objects.filter(groups__name=group, is_active=True).order_by("pk"))


def approvers(stage: str, requester: User) -> list[User]:
    """Who is asked in a stage: never the requester.

    Somebody without a manager is at the top, and the board decides in the manager's place.
    """
    if stage == "manager":
        manager = manager_of(requester)
        found = [manager] if manager else members("board")
    else:
        found = members(stage)
    return [user for user in found if user != requester]


def quorum(stage: StageName, seats: int) -> int:
    """How many must agree. A group that is smaller than its quorum must be unanimous."""
    wanted = {
        "manager": 1,
        "finance": settings.APPROVALS["FINANCE_QUORUM"],
        "board": settings.APPROVALS["BOARD_QUORUM"],
    }
    return max(1, min(wanted[stage], seats))


def helpers(round_: Round) -> list[User]:
    """Who is asked in addition when a round is not answered in time."""
    requester = round_.request.requester
    asked = set(round_.seats.values_list("approver_id", flat=True))
    if round_.stage == "manager":
        higher = [manager_of(seat.approver) for seat in round_.seats.select_related("approver")]
        found = [user for user in higher if user] or members("board")
    else:
        found = members(ESCALATES_TO.get(round_.stage, ""))
    return [user for user in found if user != requester and user.pk not in asked]


def principals(user: User, today: date | None = None) -> list[User]:
    """Those for whom somebody answers today."""
    today = today or timezone.localdate()
    away = Delegation.objects.filter(delegate=user, first_day__lte=today, last_day__gte=today)
    return [delegation.principal for delegation in away.select_related("principal")]


def free_seats(user: User, today: date | None = None) -> QuerySet[Seat]:
    """Seats from which somebody may answer: their own first, then those of the absent."""
    owners = [user, *principals(user, today)]
    free = Seat.objects.filter(round__status=Round.Status.OPEN, vote=None, approver__in=owners)
    # Nobody decides about their own request, nor twice in a round.
    free = free.exclude(round__request__requester=user).exclude(round__votes__actor=user)
    return free.select_related("round__request__requester", "approver").order_by("pk")


def can_see(user: User, request: PurchaseRequest) -> bool:
    if user.pk == request.requester_id or user.has_perm("approvals.view_every_request"):
        return True
    owners = [user, *principals(user)]
    return Seat.objects.filter(round__request=request, approver__in=owners).exists()
