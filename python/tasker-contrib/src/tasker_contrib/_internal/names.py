"""Names and numbers in messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """`; did you mean 'x'?`, or nothing."""
    candidates = list(known)
    found = difflib.get_close_matches(name, candidates, n=1, cutoff=cutoff)
    if not found:
        # A wrong or missing section with the right last word is the other usual mistake.
        last = name.rsplit(".", 1)[-1]
        same = [c for c in candidates if c.rsplit(".", 1)[-1] == last]
        found = same[:1]
    return f"; did you mean {found[0]!r}?" if found else ""


def counted(number: int, noun: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
