"""Comparing results with the expectation files."""

from __future__ import annotations

from typing import Any

import pytest


def approximately(value: Any, relative: float) -> Any:
    """Return a value that equals another one if all floats in them are that close.

    `pytest.approx` itself does not look into nested values.
    """
    if isinstance(value, dict):
        return {key: approximately(item, relative) for key, item in value.items()}
    if isinstance(value, list):
        return [approximately(item, relative) for item in value]
    return pytest.approx(value, rel=relative) if isinstance(value, float) else value


def assert_contains(actual: dict[str, Any], expected: dict[str, Any]) -> None:
    """Fail unless every expected key is there with its value; there may be more keys."""
    for key, value in expected.items():
        if isinstance(value, dict):
            assert_contains(actual[key], value)
        else:
            assert actual[key] == approximately(value, 1e-9), key
