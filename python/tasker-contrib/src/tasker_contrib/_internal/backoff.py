"""How long to wait before a step is tried again: the template's `retry`, which Core leaves out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

DEFAULT_BASE_MS = 1000
DEFAULT_MAX_MS = 30000


def delay_ms(retry: Mapping[str, Any] | None, attempt: int) -> int:
    """Milliseconds to wait after a failed attempt.

    Args:
        retry: the step's `retry` mapping; missing keys have Core's documented defaults.
        attempt: which attempt failed, the first one is 1.
    """
    retry = retry or {}
    kind = retry.get("backoff") or "exponential"
    base = _or(retry.get("backoff_base_ms"), DEFAULT_BASE_MS)
    limit = _or(retry.get("max_backoff_ms"), DEFAULT_MAX_MS)
    attempt = max(1, min(attempt, 64))
    if kind == "none":
        return 0
    factor = {
        "linear": attempt,
        "exponential": 2 ** (attempt - 1),
        "fibonacci": _fibonacci(attempt),
    }.get(str(kind), 1)
    return int(min(base * factor, limit))


def seconds(retry: Mapping[str, Any] | None, attempt: int, asked: float | None) -> int:
    """Whole seconds for the retry-after header, the only delay that Core honours.

    What the handler asked for (`RetryableError(retry_after=…)`) counts more than the template.
    Core knows whole seconds only, so the wait is rounded up: never shorter than promised.
    """
    if asked is not None:
        return math.ceil(asked)
    return math.ceil(delay_ms(retry, attempt) / 1000)


def _or(value: Any, default: int) -> int:
    return default if value is None else int(value)


def _fibonacci(count: int) -> int:
    a, b = 1, 1
    for _ in range(count - 1):
        a, b = b, a + b
    return a
