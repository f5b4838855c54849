"""What Core and its database can store of a JSON value, and what they cannot."""

from __future__ import annotations

import math
from typing import Any

#: Core parses a result inside a message with a limit of 128 levels, and hands it to later steps a
#: few levels deeper.
MAX_DEPTH = 100
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


def problem_of(value: Any) -> str | None:
    """Why a value cannot be stored, with the place in it; None if it can.

    Core does not refuse all of it: a result with a NUL is taken, and its step never ends; a number
    that is too large becomes another one.
    """
    # No recursion: the value may be deeper than the interpreter's stack.
    pending: list[tuple[Any, str, int]] = [(value, "", 0)]
    while pending:
        item, place, depth = pending.pop()
        if depth > MAX_DEPTH:
            return f"{_short(place)}: is nested more than {MAX_DEPTH} levels deep"
        if isinstance(item, dict):
            for key, inner in item.items():
                if not isinstance(key, str):
                    return f"{_named(place)}: has the key {key!r}, which is not a text"
                found = _text_problem(key)
                if found:
                    return f"{_named(place)}: has a key with {found}"
                pending.append((inner, f"{place}.{key}" if place else key, depth + 1))
        elif isinstance(item, (list, tuple)):
            pending += [(inner, f"{place}[{n}]", depth + 1) for n, inner in enumerate(item)]
        else:
            found = _scalar_problem(item)
            if found:
                return f"{_named(place)}: {found}"
    return None


def _scalar_problem(item: Any) -> str | None:
    if item is None or isinstance(item, bool):
        return None
    if isinstance(item, str):
        found = _text_problem(item)
        return f"has {found}" if found else None
    if isinstance(item, int):
        fits = _SMALLEST <= item <= _LARGEST
        return None if fits else "is a number of more than 64 bits; write it as a text"
    if isinstance(item, float):
        return None if math.isfinite(item) else f"is {item}, which JSON does not have"
    return f"is a {type(item).__name__}, which JSON does not have"


def _text_problem(text: str) -> str | None:
    if "\0" in text:
        return "a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "half of a surrogate pair"
    return None


def storable_text(text: str) -> str:
    """A text without what cannot be stored; for messages, which must get through."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def _named(place: str) -> str:
    return _short(place) or "the value"


def _short(place: str) -> str:
    return place if len(place) <= 100 else f"{place[:60]}…{place[-30:]}"
