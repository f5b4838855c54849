"""Reading the sources: what is accepted, and what the errors say."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.parse import (
    FLIGHT_COLUMNS,
    SourceFormatError,
    parse_airports,
    parse_flights,
    parse_route_page,
)
from app.pipeline.records import RawFlight, Route

HEADER = "iata,name,city,state,country,latitude,longitude\n"
FLIGHT = {"date": "2001/01/01 00:47", "delay": 66, "distance": 1750, "origin": "DTW"}


def test_airports() -> None:
    first, second = parse_airports(
        HEADER + "LAX,Los Angeles,Los Angeles,CA,USA,33.9,-118.4\nSCE,Univ,NA,NA,USA,40,-77\n"
    )
    assert (first.iata, first.state, first.latitude) == ("LAX", "CA", 33.9)
    assert second.state is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("iata,name\nLAX,Los Angeles\n", "missing city, state, country, latitude, longitude"),
        ("", "missing iata"),
        (HEADER + "LAX,a,b,CA,USA,north,1\n", "line 2: latitude and longitude of 'LAX'"),
        (HEADER + "LAX,a,b,CA,USA,1,1\nLAX,a,b,CA,USA,1,1\n", "line 3: airport 'LAX' occurs twice"),
    ],
)
def test_a_broken_register_names_the_place(text: str, message: str) -> None:
    with pytest.raises(SourceFormatError, match=message):
        parse_airports(text, "airports.csv")


def test_json_fields_become_text() -> None:
    content = json.dumps([{**FLIGHT, "destination": "LAS"}, {**FLIGHT, "delay": None}, 5])
    rows = list(parse_flights(content.encode(), "f.json"))
    assert rows[0] == RawFlight(1, "2001/01/01 00:47", "66", "1750", "DTW", "LAS")
    assert rows[1] == RawFlight(2, "2001/01/01 00:47", None, "1750", "DTW", None)
    assert rows[2] == RawFlight(3, None, None, None, None, None)


simple = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1, max_size=9)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(FLIGHT_COLUMNS, simple)), max_size=8))
def test_csv_and_json_mean_the_same(rows: list[dict[str, str]]) -> None:
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, FLIGHT_COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    from_csv = list(parse_flights(sheet.getvalue().encode(), "f.csv"))
    from_json = list(parse_flights(json.dumps(rows).encode(), "f.json"))
    assert from_csv == from_json


def test_text_that_postgresql_cannot_store_is_marked() -> None:
    content = json.dumps([{**FLIGHT, "origin": "D\0W", "destination": "LAS"}])
    (row,) = parse_flights(content.encode(), "f.json")
    assert row.origin == "D\ufffdW"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("f.txt", b"", r"f\.txt: the name must end in \.json or \.csv"),
        ("f.json", b"\xff", "byte 0 is not UTF-8"),
        ("f.json", b"[1,", "line 1, column 4: not JSON"),
        ("f.json", b"{}", "expected a JSON array"),
        ("f.json", b'[{"date": "x"}]', "first flight: missing delay, distance"),
        ("f.csv", b"date,delay\n", "missing distance, origin, destination"),
        ("f.csv", b"", "missing date"),
    ],
)
def test_a_broken_file_names_the_place(name: str, content: bytes, message: str) -> None:
    with pytest.raises(SourceFormatError, match=message):
        list(parse_flights(content, name))


def test_route_page() -> None:
    page = {"page": 1, "pages": 3, "items": [{"origin": "A", "destination": "B", "count": 5}]}
    assert parse_route_page(page) == ([Route("A", "B", 5)], 3)


@pytest.mark.parametrize("page", [{}, {"pages": 1, "items": [{}]}, {"pages": "x", "items": []}, []])
def test_a_broken_page_is_a_format_error(page: dict[str, object]) -> None:
    with pytest.raises(SourceFormatError, match="expected"):
        parse_route_page(page, "routes")
