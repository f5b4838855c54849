"""Partitioning never changes the statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.aggregate import DIMENSIONS, TOTAL, aggregate, groups_of, merge
from app.pipeline.enrich import enrich
from app.pipeline.records import Airport, EnrichedFlight, Flight

STATES = {"LAX": "CA", "SFO": "CA", "JFK": "NY", "ORD": "IL"}
AIRPORTS = {
    iata: Airport(iata, iata, iata, state, "USA", 0.0, 0.0) for iata, state in STATES.items()
}
START = datetime(2001, 1, 1)

flights = st.builds(
    lambda row, minutes, route, delay, distance: Flight(
        row, START + timedelta(minutes=minutes), route[0], route[1], delay, distance
    ),
    row=st.integers(1, 10_000),
    minutes=st.integers(0, 200_000),
    route=st.tuples(st.sampled_from(list(STATES)), st.sampled_from(list(STATES))),
    delay=st.integers(-180, 1440),
    distance=st.integers(1, 5000),
)
enriched = st.lists(flights, max_size=60).map(
    lambda rows: list(enrich(rows, AIRPORTS, {("LAX", "JFK"): 9000}))
)


@given(enriched, st.integers(1, 70))
def test_equal_partitions_give_the_totals_of_the_whole(
    rows: Sequence[EnrichedFlight], size: int
) -> None:
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    merged = merge(item for part in parts for item in aggregate(part).items())
    assert merged == aggregate(rows)


@given(enriched, st.lists(st.integers(0, 4), min_size=60, max_size=60), st.randoms())
def test_any_distribution_in_any_order_gives_the_totals_of_the_whole(
    rows: Sequence[EnrichedFlight], choice: Sequence[int], random: object
) -> None:
    parts: list[list[EnrichedFlight]] = [[] for _ in range(5)]
    for row, part in zip(rows, choice, strict=False):
        parts[part].append(row)
    items = [item for part in reversed(parts) for item in aggregate(part).items()]
    random.shuffle(items)  # type: ignore[attr-defined]
    assert merge(items) == aggregate(rows)


@given(enriched)
def test_every_dimension_counts_every_flight_once(rows: Sequence[EnrichedFlight]) -> None:
    counts: Counter[str] = Counter()
    for (dimension, _), stats in aggregate(rows).items():
        counts[dimension] += stats.flights
    assert counts == Counter(dict.fromkeys(DIMENSIONS, len(rows)) if rows else {})


@given(enriched.filter(bool))
def test_statistics_are_those_of_the_rows(rows: Sequence[EnrichedFlight]) -> None:
    total = aggregate(rows)[TOTAL]
    delays = [row.flight.delay_minutes for row in rows]
    assert total.flights == len(rows)
    assert (total.delay_min, total.delay_max) == (min(delays), max(delays))
    assert total.mean_delay == sum(delays) / len(delays)
    assert total.late == sum(delay >= 15 for delay in delays)
    assert total.late_share == total.late / total.flights
    assert total.distance_sum == sum(row.flight.distance_miles for row in rows)


def test_groups_and_derived_fields() -> None:
    flight = Flight(7, datetime(2001, 2, 3, 4, 5), "LAX", "JFK", 15, 2475)
    unknown = Flight(8, datetime(2001, 2, 3, 4, 5), "JFK", "LAX", 14, 499)
    first, second = enrich([flight, unknown], AIRPORTS, {("LAX", "JFK"): 9000})
    assert groups_of(first) == (
        ("all", "all"),
        ("origin", "LAX"),
        ("state", "CA"),
        ("month", "2001-02"),
        ("haul", "long"),
    )
    assert (first.late, first.flights_per_year, first.destination_state) == (True, 9000, "NY")
    assert (second.late, second.flights_per_year, second.haul) == (False, None, "short")


def test_nothing_merges_to_nothing() -> None:
    assert merge([]) == {} == aggregate([])
