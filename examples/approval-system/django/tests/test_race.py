"""Two clicks in the same moment, with real commits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from approvals import actions
from approvals.models import Booking, Budget, Dispatch, Round, Vote
from tests.conftest import Company


def at_once(*functions: Callable[[], object]) -> list[object]:
    """Run them in threads that begin together; a refusal is a result."""
    barrier = threading.Barrier(len(functions))

    def run(function: Callable[[], object]) -> object:
        try:
            barrier.wait(10)
            return function()
        except actions.Refused as why:
            return str(why)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))


def voting(company: Company, pk: int, *names: str) -> list[object]:
    round_ = company.open_round(pk)
    users = [company.user(name) for name in names]
    return at_once(*[lambda user=user: actions.vote(round_.pk, user, "approve") for user in users])


def test_two_of_three_click_at_once_and_the_round_is_decided_once(
    lasting_company: Company,
) -> None:
    pk = lasting_company.submitted(total="2000.00")
    lasting_company.vote(pk, "mira")
    voting(lasting_company, pk, "fatima", "felix")
    assert Vote.objects.filter(round__stage="finance").count() == 2
    assert Dispatch.objects.filter(template="settle_round", key__contains="finance").count() == 1
    lasting_company.work()
    assert lasting_company.status(pk) == "approved"
    assert lasting_company.bookings(pk) == [(1, "reserved", "2000.00"), (1, "spent", "2000.00")]


def test_of_three_clicks_at_once_the_third_is_too_late(lasting_company: Company) -> None:
    pk = lasting_company.submitted(total="2000.00")
    lasting_company.vote(pk, "mira")
    answers = voting(lasting_company, pk, "fatima", "felix", "frida")
    assert answers.count("This is decided already.") == 1
    assert Vote.objects.filter(round__stage="finance").count() == 2


def test_the_same_click_twice_is_one_vote(lasting_company: Company) -> None:
    pk = lasting_company.submitted()
    answers = voting(lasting_company, pk, "mira", "mira")
    assert answers.count("This is decided already.") == 1
    assert Vote.objects.count() == 1


def test_a_vote_and_a_withdrawal_at_once_never_both_count(lasting_company: Company) -> None:
    pk = lasting_company.submitted()
    round_ = lasting_company.open_round(pk)
    mira, erik = lasting_company.user("mira"), lasting_company.user("erik")
    at_once(
        lambda: actions.vote(round_.pk, mira, "approve"),
        lambda: actions.withdraw(pk, erik),
    )
    lasting_company.work()
    last = lasting_company.bookings(pk)[-1][1]
    assert (lasting_company.status(pk), last) in [("approved", "spent"), ("withdrawn", "released")]


@pytest.mark.parametrize("_try", range(2))
def test_two_reservations_at_once_cannot_overdraw(lasting_company: Company, _try: int) -> None:
    from approvals import rounds

    ones = [lasting_company.request(who, "3000.00", "travel") for who in ("erik", "elena")]
    for pk in ones:
        actions.submit(pk, lasting_company.user({0: "erik", 1: "elena"}[ones.index(pk)]))
    found = at_once(*[lambda pk=pk: rounds.reserve(pk, 1) for pk in ones])
    assert sorted(one["funded"] for one in found if isinstance(one, dict)) == [False, True]
    assert Budget.objects.get(code="travel").free == 2000
    assert Booking.objects.count() == 1
    assert Round.objects.count() == 0
