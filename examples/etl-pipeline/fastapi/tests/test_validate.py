"""The checks, one by one and as properties."""

from __future__ import annotations

import string
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.records import Airport, RawFlight
from app.pipeline.validate import DATE_FORMAT, REASONS, Limits, validate

# Real coordinates, so that real distances fit.
AIRPORTS = {
    airport.iata: airport
    for airport in (
        Airport("LAX", "Los Angeles", "Los Angeles", "CA", "USA", 33.94253611, -118.4080744),
        Airport("JFK", "Kennedy", "New York", "NY", "USA", 40.63975111, -73.77892556),
        Airport("SFO", "San Francisco", "San Francisco", "CA", "USA", 37.61900194, -122.3748433),
        Airport("SCE", "University Park", "NA", None, "USA", 40.85120556, -77.84630167),
    )
}
GOOD = ("2001/02/03 04:05", "12", "2475", "LAX", "JFK")


def raw(
    date: str | None = GOOD[0],
    delay: str | None = GOOD[1],
    distance: str | None = GOOD[2],
    origin: str | None = GOOD[3],
    destination: str | None = GOOD[4],
    row_number: int = 1,
) -> RawFlight:
    return RawFlight(row_number, date, delay, distance, origin, destination)


def test_a_good_row_is_kept_with_its_types() -> None:
    outcome = validate([raw()], AIRPORTS)
    (flight,) = outcome.good
    assert flight.departed_at.strftime(DATE_FORMAT) == "2001/02/03 04:05"
    assert (flight.origin, flight.destination) == ("LAX", "JFK")
    assert (flight.delay_minutes, flight.distance_miles) == (12, 2475)
    assert outcome.quality == 1.0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (raw(date=None), "bad_date"),
        (raw(date="2001-02-03 04:05"), "bad_date"),
        (raw(date="2001/02/30 04:05"), "bad_date"),
        (raw(origin="ZZ9"), "unknown_airport"),
        (raw(destination=None), "unknown_airport"),
        (raw(origin="SCE"), "incomplete_airport"),
        (raw(destination="SCE"), "incomplete_airport"),
        (raw(destination="LAX"), "same_airport"),
        (raw(delay=None), "missing_delay"),
        (raw(delay="late"), "missing_delay"),
        (raw(delay="1.5"), "missing_delay"),
        (raw(delay="nan"), "missing_delay"),
        (raw(delay="1e999"), "missing_delay"),
        (raw(delay="-181"), "absurd_delay"),
        (raw(delay="1441"), "absurd_delay"),
        (raw(distance=None), "missing_distance"),
        (raw(distance="far"), "missing_distance"),
        (raw(distance="0"), "absurd_distance"),
        (raw(distance="-2475"), "absurd_distance"),
        (raw(distance="24750"), "absurd_distance"),
        (raw(distance="2300"), "absurd_distance"),
    ],
)
def test_a_bad_row_goes_into_quarantine_with_its_reason(row: RawFlight, reason: str) -> None:
    outcome = validate([row], AIRPORTS)
    (rejected,) = outcome.rejected
    assert (outcome.good, rejected.row, rejected.reason) == ([], row, reason)
    assert rejected.detail


def test_limits_are_inclusive() -> None:
    rows = [raw(delay="-180"), raw(delay="1440", date="2001/02/04 04:05")]
    assert len(validate(rows, AIRPORTS).good) == 2


def test_limits_can_be_set() -> None:
    outcome = validate([raw(delay="61")], AIRPORTS, Limits(max_delay_minutes=60))
    assert outcome.reasons == {"absurd_delay": 1}


def test_of_equal_flights_the_first_good_one_stays() -> None:
    rows = [raw(delay=None), raw(row_number=2), raw(row_number=3, delay="99")]
    outcome = validate(rows, AIRPORTS)
    assert [flight.row_number for flight in outcome.good] == [2]
    assert outcome.reasons == {"missing_delay": 1, "duplicate_flight": 1}
    assert "row 2" in outcome.rejected[-1].detail


def test_no_rows_have_no_quality() -> None:
    assert validate([], AIRPORTS).quality == 0.0


texts = st.none() | st.text(string.printable, max_size=20)
rows_strategy = st.lists(
    st.builds(
        raw,
        date=st.sampled_from([GOOD[0], "2001/02/03 04:06", "2001/03/01 00:00"]) | texts,
        delay=st.integers(-300, 2000).map(str) | texts,
        distance=st.sampled_from(["2475", "338", "2586"]) | texts,
        origin=st.sampled_from([*AIRPORTS, "ZZ9", None]),
        destination=st.sampled_from([*AIRPORTS, "ZZ9", None]),
    ),
    max_size=30,
).map(
    lambda rows: [
        raw(row.date, row.delay, row.distance, row.origin, row.destination, number)
        for number, row in enumerate(rows, start=1)
    ]
)


@given(rows_strategy)
def test_every_row_ends_in_exactly_one_place(rows: Sequence[RawFlight]) -> None:
    outcome = validate(rows, AIRPORTS)
    kept = [flight.row_number for flight in outcome.good]
    rejected = [item.row.row_number for item in outcome.rejected]
    assert sorted(kept + rejected) == [row.row_number for row in rows]
    assert 0.0 <= outcome.quality <= 1.0
    assert {item.reason for item in outcome.rejected} <= set(REASONS)


@given(rows_strategy)
def test_published_keys_are_unique(rows: Sequence[RawFlight]) -> None:
    good = validate(rows, AIRPORTS).good
    assert len({(f.departed_at, f.origin, f.destination) for f in good}) == len(good)


@given(rows_strategy)
def test_good_rows_stay_good(rows: Sequence[RawFlight]) -> None:
    by_number = {row.row_number: row for row in rows}
    good = validate(rows, AIRPORTS).good
    again = validate([by_number[flight.row_number] for flight in good], AIRPORTS)
    assert again.good == good
    assert again.rejected == []
