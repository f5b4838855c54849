"""What the database itself refuses."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from approvals import budget
from approvals.actions import locked
from approvals.models import (
    AuditEntry,
    AuditIsFinal,
    Booking,
    Delegation,
    PurchaseRequest,
    Round,
    Seat,
    Vote,
)
from tests.conftest import Company


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approvals_auditentry SET event = 'forged'",
        "DELETE FROM approvals_auditentry",
        "TRUNCATE approvals_auditentry",
    ],
)
def test_sql_cannot_change_the_audit_trail(company: Company, statement: str) -> None:
    pk = company.submitted()
    before = list(AuditEntry.objects.filter(request=pk).values_list("event", flat=True))
    # Else TRUNCATE stops at checks of foreign keys that still wait for the commit.
    connection.check_constraints()
    with pytest.raises(DatabaseError, match="the audit trail is final"), transaction.atomic():
        connection.cursor().execute(statement)
    assert list(AuditEntry.objects.filter(request=pk).values_list("event", flat=True)) == before
    assert before == ["submitted", "budget reserved", "asked"]


def test_neither_can_the_orm(company: Company) -> None:
    company.submitted()
    entry = AuditEntry.objects.earliest("pk")
    entry.event = "forged"
    with pytest.raises(AuditIsFinal):
        entry.save()
    with pytest.raises(AuditIsFinal):
        entry.delete()
    with pytest.raises(AuditIsFinal):
        AuditEntry.objects.update(event="forged")
    with pytest.raises(AuditIsFinal):
        AuditEntry.objects.all().delete()
    with pytest.raises(AuditIsFinal):
        AuditEntry.objects.bulk_update([entry], ["event"])


@pytest.mark.parametrize(
    ("kinds", "constraint"),
    [
        (["reserved", "reserved"], "booked_once"),
        (["spent", "released"], "released_or_spent"),
        (["spent", "spent"], "booked_once|released_or_spent"),
    ],
)
def test_nothing_is_booked_twice(company: Company, kinds: list[str], constraint: str) -> None:
    request = PurchaseRequest.objects.get(pk=company.request())

    def book(kind: str) -> None:
        Booking.objects.create(
            budget=request.budget, request=request, revision=1, kind=kind, amount=Decimal(1)
        )

    book(kinds[0])
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        book(kinds[1])


def test_a_budget_ends_at_its_last_cent(company: Company) -> None:
    first = locked(company.request(total="4999.99", budget="travel"))
    assert budget.reserve(first)
    assert not budget.reserve(locked(company.request(total="0.02", budget="travel")))
    assert budget.reserve(locked(company.request(total="0.01", budget="travel")))
    assert first.budget.free == Decimal(0)


def test_one_person_has_one_vote(company: Company) -> None:
    pk = company.submitted(total="2000.00")
    round_ = company.open_round(pk)
    seat = Seat.objects.get(round=round_)
    other = Seat.objects.create(round=round_, approver=company.user("max"))
    mira = company.user("mira")
    Vote.objects.create(seat=seat, round=round_, actor=mira, verdict="approve")
    with pytest.raises(IntegrityError, match="one_vote_per_person"), transaction.atomic():
        Vote.objects.create(seat=other, round=round_, actor=mira, verdict="approve")


def test_one_round_is_open_at_a_time(company: Company) -> None:
    pk = company.submitted(total="2000.00")
    with pytest.raises(IntegrityError, match="one_open_round"), transaction.atomic():
        Round.objects.filter(request=pk, stage="finance").update(status="open")


@pytest.mark.parametrize(
    ("delegate", "last_day", "constraint"),
    [
        ("max", date(2026, 1, 1), "ends_after_it_begins"),
        ("mira", date(2026, 2, 2), "to_somebody_else"),
    ],
)
def test_a_delegation_makes_sense(
    company: Company, delegate: str, last_day: date, constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Delegation.objects.create(
            principal=company.user("mira"),
            delegate=company.user(delegate),
            first_day=date(2026, 2, 1),
            last_day=last_day,
        )
