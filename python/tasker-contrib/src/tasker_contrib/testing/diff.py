"""Comparisons whose failure shows what differs."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any


def contains(actual: Any, expected: Any) -> bool:
    """Whether ``actual`` has everything in ``expected``: mappings may have more keys.

    Numbers are equal within 1e-9, relative.
    """
    if isinstance(expected, Mapping):
        return isinstance(actual, Mapping) and all(
            key in actual and contains(actual[key], value) for key, value in expected.items()
        )
    if isinstance(expected, Sequence) and not isinstance(expected, str):
        return (
            isinstance(actual, Sequence)
            and not isinstance(actual, str)
            and len(actual) == len(expected)
            and all(map(contains, actual, expected))
        )
    if isinstance(expected, bool) or isinstance(actual, bool):
        return actual is expected
    if isinstance(expected, (int, float)) and isinstance(actual, (int, float)):
        return math.isclose(actual, expected, rel_tol=1e-9)
    return bool(actual == expected)


def diff(actual: Any, expected: Any) -> str:
    """A unified diff of the two as JSON; keys that only ``actual`` has are left out."""
    return "\n".join(
        difflib.unified_diff(
            _lines(expected),
            _lines(_narrowed(actual, expected)),
            fromfile="expected",
            tofile="actual",
            lineterm="",
        )
    )


def _narrowed(actual: Any, expected: Any) -> Any:
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        return {
            key: _narrowed(actual[key], value) for key, value in expected.items() if key in actual
        }
    return actual


def _lines(value: Any) -> list[str]:
    return json.dumps(value, indent=2, sort_keys=True, default=str).splitlines()
