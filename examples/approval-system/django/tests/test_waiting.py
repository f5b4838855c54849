"""What waiting costs: rows, and nothing that grows with them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals import periodic
from approvals.models import Dispatch, Round, Seat
from approvals.waiting import make_waiting
from tests.conftest import Company

MANY = 10_000


def look() -> list[str]:
    """The statements of one look that finds nothing."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        looked = periodic.look()
    assert (looked.reminders, looked.escalations, looked.tasks) == (0, 0, 0)
    return [query["sql"] for query in queries]


def scanned(statement: str) -> tuple[int, set[str]]:
    """How many pages PostgreSQL touches for a statement, and by which indexes."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}")
        plan = cursor.fetchone()[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    indexes: set[str] = set()

    def walk(node: dict[str, Any]) -> None:
        indexes.update(filter(None, [node.get("Index Name")]))
        for child in node.get("Plans", []):
            walk(child)

    top = plan[0]["Plan"]
    walk(top)
    return top["Shared Hit Blocks"] + top["Shared Read Blocks"], indexes


def test_ten_thousand_waiting_requests_cost_what_ten_cost(company: Company) -> None:
    make_waiting(10)
    few = look()
    make_waiting(MANY)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE approvals_round, approvals_dispatch, approvals_purchaserequest")
    many = look()
    assert Round.objects.filter(status="open").count() == MANY + 10
    assert len(many) == len(few)
    selects = [statement for statement in many if statement.startswith("SELECT")]
    used: set[str] = set()
    for statement in selects:
        pages, indexes = scanned(statement)
        used |= indexes
        assert pages < 20, f"{pages} pages for {statement}"
    assert {"round_remind_at", "round_escalate_at"} <= used
    assert not Dispatch.objects.filter(done_at=None).exists(), "no task waits in Tasker"


def test_bulk_made_waiting_requests_are_as_real_ones(company: Company) -> None:
    """What is measured with `make_waiting` is what a submitted request leaves behind."""
    real = company.submitted(total="10.00")
    (made,) = make_waiting(1)

    def left(pk: int) -> dict[str, Any]:
        request = Round.objects.get(request=pk).request
        round_ = company.open_round(pk)
        return {
            "request": (request.status, request.revision, request.total),
            "round": (round_.stage, round_.quorum, round_.status, round_.reminders),
            "waits": [
                at is not None and at > timezone.now()
                for at in (round_.remind_at, round_.escalate_at)
            ],
            "seats": list(Seat.objects.filter(round=round_).values_list("approver__username")),
            "bookings": [(kind, str(amount)) for _, kind, amount in company.bookings(pk)],
            "audit": [entry.event for entry in request.audit.all()],
            "tasks": [(row.template, row.done_at is not None) for row in request.dispatches.all()],
        }

    assert left(made) == left(real)


@pytest.mark.parametrize("due", [5, 250])
def test_what_is_due_is_done_in_batches(company: Company, due: int) -> None:
    make_waiting(due)
    later = timezone.now() + timedelta(hours=49)
    found = [periodic.remind_due(later) for _ in range(4)]
    assert sum(found) == due
    assert max(found) <= periodic.BATCH
