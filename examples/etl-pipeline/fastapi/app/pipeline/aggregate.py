"""Statistics that can be computed in parts and merged without changing the result.

All parts are whole numbers (counts, sums, extremes); averages and shares are derived at the very
end. So any partitioning of the rows gives the same totals, to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.pipeline.records import EnrichedFlight

# A group is (dimension, key), for example ("state", "CA") or ("all", "all").
Group = tuple[str, str]

DIMENSIONS: tuple[str, ...] = ("all", "origin", "state", "month", "haul")
TOTAL: Group = ("all", "all")


@dataclass(frozen=True, slots=True)
class Stats:
    """Statistics of a group of flights; delays in minutes, distances in miles."""

    flights: int
    late: int
    delay_sum: int
    delay_min: int
    delay_max: int
    distance_sum: int

    @classmethod
    def of(cls, item: EnrichedFlight) -> Stats:
        """Return the statistics of one flight."""
        delay = item.flight.delay_minutes
        return cls(1, int(item.late), delay, delay, delay, item.flight.distance_miles)

    def __add__(self, other: Stats) -> Stats:
        return Stats(
            self.flights + other.flights,
            self.late + other.late,
            self.delay_sum + other.delay_sum,
            min(self.delay_min, other.delay_min),
            max(self.delay_max, other.delay_max),
            self.distance_sum + other.distance_sum,
        )

    @property
    def mean_delay(self) -> float:
        """Average delay in minutes."""
        return self.delay_sum / self.flights

    @property
    def late_share(self) -> float:
        """Share of late flights, 0 to 1."""
        return self.late / self.flights


def groups_of(item: EnrichedFlight) -> tuple[Group, ...]:
    """Return the groups a flight is counted in: one per dimension."""
    return (
        TOTAL,
        ("origin", item.flight.origin),
        ("state", item.origin_state),
        ("month", item.month),
        ("haul", item.haul),
    )


def aggregate(rows: Iterable[EnrichedFlight]) -> dict[Group, Stats]:
    """Count flights in every group of every dimension."""
    result: dict[Group, Stats] = {}
    for row in rows:
        stats = Stats.of(row)
        for group in groups_of(row):
            known = result.get(group)
            result[group] = stats if known is None else known + stats
    return result


def merge(parts: Iterable[tuple[Group, Stats]]) -> dict[Group, Stats]:
    """Merge the statistics of several partitions."""
    result: dict[Group, Stats] = {}
    for group, stats in parts:
        known = result.get(group)
        result[group] = stats if known is None else known + stats
    return result
