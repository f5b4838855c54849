"""The checks that decide whether a flight is good enough to be counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.pipeline.geo import great_circle_miles
from app.pipeline.records import Airport, Flight, RawFlight, Rejected

DATE_FORMAT = "%Y/%m/%d %H:%M"

# Why a row is quarantined, in the order in which the checks are made: a row gets the first reason
# that applies to it.
REASONS: tuple[str, ...] = (
    "bad_date",
    "unknown_airport",
    "incomplete_airport",
    "same_airport",
    "missing_delay",
    "absurd_delay",
    "missing_distance",
    "absurd_distance",
    "duplicate_flight",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as absurd.

    Attributes:
        min_delay_minutes: The earliest plausible arrival.
        max_delay_minutes: The latest plausible arrival.
        distance_tolerance: Allowed deviation of the reported distance from the great circle, as a
            share (0.05 = 5 %); deviations below `distance_slack_miles` are always allowed.
        distance_slack_miles: See above; short hops are reported in whole miles.
    """

    min_delay_minutes: int = -180
    max_delay_minutes: int = 1440
    distance_tolerance: float = 0.05
    distance_slack_miles: float = 10.0


@dataclass(frozen=True, slots=True)
class Validation:
    """The outcome of a validation: every row is in exactly one of the two lists."""

    good: list[Flight] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Number of rows that were checked."""
        return len(self.good) + len(self.rejected)

    @property
    def quality(self) -> float:
        """Share of good rows, 0 to 1; an input without rows has quality 0."""
        return len(self.good) / self.rows if self.rows else 0.0

    @property
    def reasons(self) -> dict[str, int]:
        """Number of quarantined rows per reason, most frequent first."""
        return dict(Counter(item.reason for item in self.rejected).most_common())


class _Bad(Exception):
    """Why a row is bad; never leaves this module."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


def validate(
    rows: Iterable[RawFlight],
    airports: Mapping[str, Airport],
    limits: Limits | None = None,
) -> Validation:
    """Split flights into good rows and quarantined rows.

    Args:
        rows: The flights as extracted, in file order. Of two flights with the same departure,
            origin and destination the first is kept: the three together are the published key.
        airports: The airport register by code.
        limits: What counts as absurd.
    """
    limits = limits or Limits()
    outcome = Validation()
    seen: dict[tuple[datetime, str, str], int] = {}
    for row in rows:
        try:
            flight = _check(row, airports, limits)
            key = (flight.departed_at, flight.origin, flight.destination)
            first = seen.setdefault(key, row.row_number)
            if first != row.row_number:
                raise _Bad(
                    "duplicate_flight",
                    f"same departure, origin and destination as row {first}",
                )
        except _Bad as bad:
            outcome.rejected.append(Rejected(row, bad.reason, bad.detail))
        else:
            outcome.good.append(flight)
    return outcome


def _check(row: RawFlight, airports: Mapping[str, Airport], limits: Limits) -> Flight:
    departed_at = _date(row.date)
    origin = _airport(row.origin, "origin", airports)
    destination = _airport(row.destination, "destination", airports)
    if origin is destination:
        raise _Bad("same_airport", f"origin and destination are both {origin.iata}")
    delay = _whole_number(row.delay)
    if delay is None:
        raise _Bad("missing_delay", f"delay {row.delay!r} is not a whole number of minutes")
    if not limits.min_delay_minutes <= delay <= limits.max_delay_minutes:
        raise _Bad(
            "absurd_delay",
            f"delay of {delay} min is outside "
            f"{limits.min_delay_minutes}..{limits.max_delay_minutes}",
        )
    distance = _whole_number(row.distance)
    if distance is None:
        raise _Bad("missing_distance", f"distance {row.distance!r} is not a whole number of miles")
    expected = great_circle_miles(origin, destination)
    allowed = max(limits.distance_slack_miles, limits.distance_tolerance * expected)
    if distance <= 0 or abs(distance - expected) > allowed:
        raise _Bad(
            "absurd_distance",
            f"distance of {distance} mi, but {origin.iata} to {destination.iata} "
            f"is about {expected:.0f} mi",
        )
    return Flight(row.row_number, departed_at, origin.iata, destination.iata, delay, distance)


def _date(text: str | None) -> datetime:
    try:
        return datetime.strptime(text or "", DATE_FORMAT)
    except ValueError:
        raise _Bad("bad_date", f"date {text!r} is not YYYY/MM/DD HH:MM") from None


def _airport(code: str | None, role: str, airports: Mapping[str, Airport]) -> Airport:
    airport = airports.get(code or "")
    if airport is None:
        raise _Bad("unknown_airport", f"{role} {code!r} is not in the airport register")
    if airport.state is None:
        raise _Bad("incomplete_airport", f"{role} {code} has no state in the airport register")
    return airport


def _whole_number(text: str | None) -> int | None:
    """Read `"12"`, `"-3"` or `"12.0"`; anything else is `None`."""
    try:
        number = float(text or "")
        return int(number) if number.is_integer() else None
    except (ValueError, OverflowError):
        return None
