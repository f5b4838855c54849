"""The rules, for every input."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from approvals.chain import ORDER, Limits, outcome, stages_for

LIMITS = Limits(Decimal(1000), Decimal(10000))
VERDICTS = st.sampled_from(["approve", "reject"])


@given(st.decimals(0, 100_000, places=2), st.decimals(0, 100_000, places=2))
def test_more_money_never_needs_fewer_people(one: Decimal, other: Decimal) -> None:
    less, more = sorted([one, other])
    assert set(stages_for(less, LIMITS)) <= set(stages_for(more, LIMITS))
    assert stages_for(more, LIMITS) == list(ORDER[: len(stages_for(more, LIMITS))])


@given(st.data(), st.integers(1, 7))
def test_every_round_ends_when_all_have_voted_and_no_later_vote_turns_it(
    data: st.DataObject, seats: int
) -> None:
    quorum = data.draw(st.integers(1, seats))
    votes = data.draw(st.lists(VERDICTS, min_size=seats, max_size=seats))
    decided = [outcome(votes[:count], quorum, seats) for count in range(seats + 1)]
    assert decided[-1] == ("approved" if votes.count("approve") >= quorum else "rejected")
    first = next(index for index, found in enumerate(decided) if found)
    assert set(decided[first:]) == {decided[-1]}
    assert decided[0] is None
