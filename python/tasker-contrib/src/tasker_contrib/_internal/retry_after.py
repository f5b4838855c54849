"""The header `Retry-After`."""

from __future__ import annotations

import email.utils
from datetime import datetime, timezone


def retry_after(value: str | None) -> float | None:
    """Seconds of a `Retry-After` header in either of its two forms."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
