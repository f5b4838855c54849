"""Many requests that wait for their manager, made in bulk to measure what waiting costs."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from .models import (
    AuditEntry,
    Booking,
    Budget,
    Dispatch,
    Line,
    PurchaseRequest,
    Round,
    Seat,
)

# Small, so that all of them fit into the budget.
TOTAL = Decimal("10.00")


@transaction.atomic
def make_waiting(count: int) -> list[int]:
    """Leave the rows that `count` submitted requests of Erik leave; a test compares them."""
    erik, mira = User.objects.get(username="erik"), User.objects.get(username="mira")
    budget = Budget.objects.get(code="it")
    now = timezone.now()
    requests = PurchaseRequest.objects.bulk_create(
        PurchaseRequest(requester=erik, budget=budget, title="Chairs", status="waiting")
        for _ in range(count)
    )
    Line.objects.bulk_create(
        Line(request=one, description="chair", quantity=1, unit_price=TOTAL) for one in requests
    )
    Booking.objects.bulk_create(
        Booking(budget=budget, request=one, revision=1, kind="reserved", amount=TOTAL)
        for one in requests
    )
    AuditEntry.objects.bulk_create(
        AuditEntry(request=one, revision=1, event=event)
        for one in requests
        for event in ("submitted", "budget reserved", "asked")
    )
    rounds = Round.objects.bulk_create(
        Round(
            request=one,
            revision=1,
            position=0,
            stage="manager",
            quorum=1,
            status="open",
            opened_at=now,
            remind_at=now + settings.APPROVALS["REMIND_AFTER"],
            escalate_at=now + settings.APPROVALS["ESCALATE_AFTER"],
        )
        for one in requests
    )
    Seat.objects.bulk_create(Seat(round=round_, approver=mira) for round_ in rounds)
    Dispatch.objects.bulk_create(
        Dispatch(
            request=one,
            template="submit_request",
            key=f"request-{one.pk}.r1.submitted",
            context={},
            due_at=now,
            done_at=now,
        )
        for one in requests
    )
    return [one.pk for one in requests]
