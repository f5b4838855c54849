"""The scenarios of the example, without a server: real database, real steps, tasks in memory."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from approvals import actions, people, periodic
from approvals.models import AuditEntry, Budget, Delegation, Dispatch, Round, Seat, Vote
from tests.conftest import Company, run_task


def test_a_small_request_needs_the_manager_alone(company: Company) -> None:
    pk = company.submitted(total="100.00")
    assert company.bookings(pk) == [(1, "reserved", "100.00")]
    assert company.rounds(pk) == [(1, "manager", "open")]
    company.vote(pk, "mira")
    assert company.status(pk) == "approved"
    assert company.bookings(pk) == [(1, "reserved", "100.00"), (1, "spent", "100.00")]
    assert [(one.to, one.subject) for one in mail.outbox] == [
        (["mira@example.com"], f"Please decide: #{pk} Chairs"),
        (["erik@example.com"], f"#{pk} Chairs: approved"),
    ]


@pytest.mark.parametrize(
    ("total", "stages"),
    [
        ("1000.00", ["manager"]),
        ("1000.01", ["manager", "finance"]),
        ("10000.00", ["manager", "finance"]),
        ("10000.01", ["manager", "finance", "board"]),
    ],
)
def test_the_amount_decides_who_must_agree(company: Company, total: str, stages: list[str]) -> None:
    pk = company.submitted(total=total)
    expected = [(1, stage, "planned") for stage in stages]
    assert company.rounds(pk) == [(1, "manager", "open"), *expected[1:]]


def test_a_large_request_goes_through_the_whole_chain(company: Company) -> None:
    pk = company.submitted(total="20000.00")
    for who in ("mira", "fatima", "felix", "vera", "viktor"):
        company.vote(pk, who)
    assert company.rounds(pk) == [
        (1, "manager", "approved"),
        (1, "finance", "approved"),
        (1, "board", "approved"),
    ]
    assert company.status(pk) == "approved"
    assert company.bookings(pk) == [(1, "reserved", "20000.00"), (1, "spent", "20000.00")]


def test_a_rejection_in_the_middle_gives_the_budget_back(company: Company) -> None:
    pk = company.submitted(total="20000.00")
    before = Budget.objects.get(code="it").free
    company.vote(pk, "mira")
    company.vote(pk, "fatima", "reject")
    assert company.status(pk) == "waiting", "two of three can still agree"
    company.vote(pk, "felix", "reject")
    assert company.status(pk) == "rejected"
    assert company.rounds(pk)[1:] == [(1, "finance", "rejected"), (1, "board", "planned")]
    assert company.bookings(pk) == [(1, "reserved", "20000.00"), (1, "released", "20000.00")]
    assert Budget.objects.get(code="it").free == before + 20000


def test_a_request_over_budget_is_declined(company: Company) -> None:
    pk = company.submitted(total="5000.01", budget="travel")
    assert (company.status(pk), company.bookings(pk), company.rounds(pk)) == ("unfunded", [], [])
    assert mail.outbox[0].to == ["erik@example.com"]


def test_a_third_vote_is_refused_when_two_have_agreed(company: Company) -> None:
    pk = company.submitted(total="2000.00")
    company.vote(pk, "mira")
    round_ = company.open_round(pk)
    company.vote(pk, "fatima")
    company.vote(pk, "felix")
    with pytest.raises(actions.Refused, match="decided already"):
        actions.vote(round_.pk, company.user("frida"), "reject")
    assert Vote.objects.filter(round=round_).count() == 2


def test_a_delegate_answers_for_the_absent(company: Company) -> None:
    today = timezone.localdate()
    Delegation.objects.create(
        principal=company.user("mira"),
        delegate=company.user("max"),
        first_day=today,
        last_day=today,
    )
    pk = company.submitted()
    company.vote(pk, "max")
    vote = Vote.objects.get(round__request=pk)
    assert (vote.seat.approver.username, vote.actor.username) == ("mira", "max")
    assert AuditEntry.objects.get(request=pk, event="vote").detail["for"] == "mira"
    assert company.status(pk) == "approved"


@pytest.mark.parametrize("days", [-1, 1])
def test_a_delegation_counts_on_its_days_only(company: Company, days: int) -> None:
    day = timezone.localdate() + timedelta(days=days)
    Delegation.objects.create(
        principal=company.user("mira"),
        delegate=company.user("max"),
        first_day=day,
        last_day=day,
    )
    pk = company.submitted()
    with pytest.raises(actions.Refused, match="not asked"):
        company.vote(pk, "max")


def test_a_delegate_has_one_vote_in_a_round_and_none_on_their_own_request(
    company: Company,
) -> None:
    today = timezone.localdate()
    for delegate in ("felix", "erik"):
        Delegation.objects.create(
            principal=company.user("fatima"),
            delegate=company.user(delegate),
            first_day=today,
            last_day=today,
        )
    pk = company.submitted(total="2000.00")
    company.vote(pk, "mira")
    with pytest.raises(actions.Refused, match="own request"):
        company.vote(pk, "erik")
    company.vote(pk, "felix")
    with pytest.raises(actions.Refused, match="voted already"):
        company.vote(pk, "felix")


def test_nobody_answers_so_they_are_reminded_and_then_others_are_asked(company: Company) -> None:
    pk = company.submitted()
    mail.outbox.clear()
    now = timezone.now()
    assert periodic.remind_due(now) == periodic.escalate_due(now) == 0
    assert periodic.remind_due(now + timedelta(hours=49)) == 1
    assert periodic.remind_due(now + timedelta(hours=49)) == 0, "once"
    company.work()
    assert [(one.to, one.subject) for one in mail.outbox] == [
        (["mira@example.com"], f"Reminder: #{pk} Chairs")
    ]
    assert periodic.escalate_due(now + timedelta(hours=97)) == 1
    assert periodic.escalate_due(now + timedelta(hours=97)) == 0, "once"
    company.work()
    seats = Seat.objects.filter(round__request=pk)
    assert [(seat.approver.username, seat.escalated) for seat in seats] == [
        ("mira", False),
        ("vera", True),
    ]
    company.vote(pk, "vera")
    assert company.status(pk) == "approved"


def test_the_timeouts_are_settings(company: Company, settings: Any) -> None:
    settings.APPROVALS = {**settings.APPROVALS, "REMIND_AFTER": timedelta(hours=1)}
    company.submitted()
    assert periodic.remind_due(timezone.now() + timedelta(hours=2)) == 1


def test_a_withdrawn_request_leaves_nothing_behind(company: Company) -> None:
    pk = company.submitted(total="2000.00")
    round_ = company.open_round(pk)
    actions.withdraw(pk, company.user("erik"))
    company.work()
    assert company.status(pk) == "withdrawn"
    assert company.bookings(pk) == [(1, "reserved", "2000.00"), (1, "released", "2000.00")]
    assert {status for _, _, status in company.rounds(pk)} == {"void"}
    with pytest.raises(actions.Refused, match="changed or withdrawn"):
        actions.vote(round_.pk, company.user("mira"), "approve")
    assert mail.outbox[-1].subject == f"Withdrawn: #{pk} Chairs"
    later = timezone.now() + timedelta(days=30)
    assert periodic.remind_due(later) == periodic.escalate_due(later) == 0


def test_a_change_starts_the_chain_again(company: Company) -> None:
    pk = company.submitted(total="2000.00")
    company.vote(pk, "mira")
    old = company.open_round(pk)
    change(company, pk, "500.00")
    company.work()
    assert company.rounds(pk) == [
        (1, "manager", "approved"),
        (1, "finance", "void"),
        (2, "manager", "open"),
    ]
    assert company.bookings(pk) == [
        (1, "reserved", "2000.00"),
        (1, "released", "2000.00"),
        (2, "reserved", "500.00"),
    ]
    with pytest.raises(actions.Refused, match="changed or withdrawn"):
        actions.vote(old.pk, company.user("fatima"), "approve")
    company.vote(pk, "mira")
    assert company.bookings(pk)[3:] == [(2, "spent", "500.00")]


def change(company: Company, pk: int, total: str) -> None:
    request = actions.changeable(pk, company.user("erik"))
    request.lines.update(unit_price=total)
    actions.restart(pk, company.user("erik"))


def test_a_change_before_the_first_task_ran_reserves_the_new_total_only(company: Company) -> None:
    pk = company.request(total="2000.00")
    actions.submit(pk, company.user("erik"))
    change(company, pk, "500.00")
    company.work()
    assert company.bookings(pk) == [(2, "reserved", "500.00")]
    assert company.rounds(pk) == [(2, "manager", "open")]


def test_a_change_beyond_the_budget_keeps_nothing(company: Company) -> None:
    pk = company.submitted(total="4000.00", budget="travel")
    change(company, pk, "6000.00")
    company.work()
    assert company.status(pk) == "unfunded"
    assert company.bookings(pk) == [(1, "reserved", "4000.00"), (1, "released", "4000.00")]
    assert Budget.objects.get(code="travel").free == 5000


def test_a_change_may_use_the_money_that_the_request_holds(company: Company) -> None:
    pk = company.submitted(total="4000.00", budget="travel")
    change(company, pk, "4500.00")
    company.work()
    assert company.bookings(pk)[-1] == (2, "reserved", "4500.00")


def test_what_is_being_booked_can_neither_be_withdrawn_nor_changed(company: Company) -> None:
    pk = company.submitted()
    company.vote(pk, "mira", work=False)
    for action in (actions.withdraw, actions.restart):
        with pytest.raises(actions.Refused):
            action(pk, company.user("erik"))
    company.work()
    assert company.status(pk) == "approved"


def test_somebody_at_the_top_asks_the_board(company: Company) -> None:
    pk = company.submitted("vera")
    seats = Seat.objects.filter(round__request=pk)
    assert [seat.approver.username for seat in seats] == ["viktor", "vilma"]


def test_every_task_may_run_again_at_any_time(company: Company) -> None:
    pk = company.submitted(total="2000.00")
    run_again(pk)
    company.vote(pk, "mira", work=False)
    run_again(pk)
    company.work()
    assert company.rounds(pk) == [(1, "manager", "approved"), (1, "finance", "open")]
    company.vote(pk, "fatima", "reject")
    company.vote(pk, "frida", "reject", work=False)
    run_again(pk)
    company.work()
    books = company.bookings(pk), company.rounds(pk), AuditEntry.objects.count()
    mails = len(mail.outbox)
    for _ in range(2):
        run_again(pk)
    assert (company.bookings(pk), company.rounds(pk), AuditEntry.objects.count()) == books
    assert len(mail.outbox) == mails
    assert company.status(pk) == "rejected"


def run_again(pk: int) -> None:
    for row in Dispatch.objects.filter(request=pk, done_at__isnull=False):
        run_task(row).assert_complete()


def test_a_task_of_a_withdrawn_request_changes_nothing(company: Company) -> None:
    pk = company.submitted()
    company.vote(pk, "mira")
    actions.submit(other := company.request(), company.user("erik"))
    actions.withdraw(other, company.user("erik"))
    company.work()
    assert company.bookings(other) == []
    assert not Dispatch.objects.filter(done_at=None).exists()


def test_a_stage_without_people_fails_with_advice_and_goes_on_when_there_are_some(
    company: Company,
) -> None:
    mira = company.user("mira")
    company.user("erik").employee.delete()
    for name in ("vera", "viktor", "vilma"):
        company.user(name).groups.clear()
    pk = company.request()
    actions.submit(pk, company.user("erik"))
    row = Dispatch.objects.get(request=pk)
    run = run_task(row).assert_failed()
    assert "give erik a manager" in (run["plan_manager"].error or "")
    assert people.manager_of(company.user("erik")) is None
    from approvals.models import Employee

    Employee.objects.create(user=company.user("erik"), manager=mira)
    company.work()
    assert company.rounds(pk) == [(1, "manager", "open")]
    assert Round.objects.get(request=pk).quorum == 1
