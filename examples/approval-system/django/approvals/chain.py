"""Who must agree to what, as pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

StageName = Literal["manager", "finance", "board"]
Outcome = Literal["approved", "rejected"]
ORDER: tuple[StageName, ...] = ("manager", "finance", "board")


@dataclass(frozen=True)
class Limits:
    """Above which amounts finance and the board decide, too."""

    finance_above: Decimal
    board_above: Decimal


def stages_for(amount: Decimal, limits: Limits) -> list[StageName]:
    """The stages of a chain, in their order."""
    stages: list[StageName] = ["manager"]
    if amount > limits.finance_above:
        stages.append("finance")
    if amount > limits.board_above:
        stages.append("board")
    return stages


def outcome(verdicts: Iterable[str], quorum: int, seats: int) -> Outcome | None:
    """Approved when the quorum agrees, rejected when it cannot be reached any more.

    Where all seats are needed, the first "no" decides; in a group of three with a quorum of two it
    takes two.
    """
    answers = list(verdicts)
    if answers.count("approve") >= quorum:
        return "approved"
    if seats - answers.count("reject") < quorum:
        return "rejected"
    return None
