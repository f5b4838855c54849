"""Bookings, exactly once. Callers hold the lock of the request."""

from __future__ import annotations

from .models import Booking, Budget, PurchaseRequest

Kind = Booking.Kind


def reserve(request: PurchaseRequest) -> bool:
    """Give back what earlier revisions hold, and reserve this one's total.

    Both happen in the transaction of the caller, so nobody else can take the money in between.

    Returns:
        Whether the budget suffices.
    """
    if _booked(request, request.revision, Kind.RESERVED):
        return True
    release(request)
    # Everybody who reserves from this budget waits here.
    budget = Budget.objects.select_for_update(no_key=True).get(pk=request.budget_id)
    if budget.free < request.total:
        return False
    Booking.objects.create(
        budget=budget,
        request=request,
        revision=request.revision,
        kind=Kind.RESERVED,
        amount=request.total,
    )
    return True


def release(request: PurchaseRequest) -> None:
    """Give back everything that the request holds."""
    for held in request.bookings.filter(kind=Kind.RESERVED):
        if not _booked(request, held.revision, Kind.RELEASED, Kind.SPENT):
            _end(held, Kind.RELEASED)


def spend(request: PurchaseRequest) -> None:
    """Turn the reservation of this revision into an expense."""
    held = request.bookings.get(kind=Kind.RESERVED, revision=request.revision)
    if not _booked(request, held.revision, Kind.SPENT):
        _end(held, Kind.SPENT)


def _booked(request: PurchaseRequest, revision: int, *kinds: str) -> bool:
    return request.bookings.filter(revision=revision, kind__in=kinds).exists()


def _end(held: Booking, kind: Kind) -> None:
    # From the budget and with the amount that were reserved, whatever the request says now.
    Booking.objects.create(
        budget_id=held.budget_id,
        request_id=held.request_id,
        revision=held.revision,
        kind=kind,
        amount=held.amount,
    )
