"""The decision between publishing a run and holding it back."""

from __future__ import annotations

from collections.abc import Mapping


def reasons_to_hold(
    quality: float, threshold: float, rows: int, quarantined: Mapping[str, int]
) -> list[str]:
    """Return why a run must be held back; an empty list means that it may be published.

    Args:
        quality: Share of good rows, 0 to 1.
        threshold: Lowest quality that may be published, 0 to 1.
        rows: Number of rows in the input.
        quarantined: Number of quarantined rows per reason.

    Example:
        >>> reasons_to_hold(0.5, 0.9, 4, {"bad_date": 2})
        ['quality 0.5000 is below the threshold 0.9000', '2 of 4 rows: bad_date']
    """
    if rows == 0:
        return ["the input has no rows"]
    if quality >= threshold and quality > 0:
        return []
    headline = (
        f"quality {quality:.4f} is below the threshold {threshold:.4f}"
        if quality > 0
        else "no row passed the checks"
    )
    worst = sorted(quarantined.items(), key=lambda item: (-item[1], item[0]))
    return [
        headline,
        *(f"{count} of {rows} rows: {reason}" for reason, count in worst),
    ]
