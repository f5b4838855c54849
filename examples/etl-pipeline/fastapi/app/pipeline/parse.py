"""Reading the three sources: airports (CSV), flights (JSON or CSV), routes (JSON pages).

A source that cannot be read at all raises `SourceFormatError`, because no retry will mend it. A
single odd *flight* is not an error here: its fields are passed on as text and judged by
`app.pipeline.validate`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from app.pipeline.records import Airport, RawFlight, Route

AIRPORT_COLUMNS = ("iata", "name", "city", "state", "country", "latitude", "longitude")
FLIGHT_COLUMNS = ("date", "delay", "distance", "origin", "destination")
ROUTE_COLUMNS = ("origin", "destination", "count")

# What the register writes where it does not know a value.
NOT_AVAILABLE = "NA"


class SourceFormatError(ValueError):
    """A source has not the agreed form; the message names the source, the place and the fix."""


def parse_airports(text: str, source: str = "airports.csv") -> list[Airport]:
    """Parse the airport register.

    Args:
        text: The CSV file's content, with a header line.
        source: Name used in error messages.

    Raises:
        SourceFormatError: A column is missing, a coordinate is not a number, or a code comes twice.
    """
    reader = csv.DictReader(io.StringIO(text))
    _require_columns(reader.fieldnames or (), AIRPORT_COLUMNS, source)
    airports: dict[str, Airport] = {}
    for row in reader:
        iata = row["iata"]
        if iata in airports:
            raise SourceFormatError(
                f"{source}, line {reader.line_num}: airport {iata!r} occurs twice; "
                "keep one row per code"
            )
        try:
            latitude, longitude = float(row["latitude"]), float(row["longitude"])
        except (TypeError, ValueError) as error:
            raise SourceFormatError(
                f"{source}, line {reader.line_num}: latitude and longitude of {iata!r} "
                f"must be numbers ({error})"
            ) from None
        state = row["state"]
        airports[iata] = Airport(
            iata=iata,
            name=row["name"],
            city=row["city"],
            state=None if state in ("", NOT_AVAILABLE) else state,
            country=row["country"],
            latitude=latitude,
            longitude=longitude,
        )
    return list(airports.values())


def parse_flights(content: bytes, file_name: str) -> Iterator[RawFlight]:
    """Parse a flights file; the suffix of its name decides the format.

    Args:
        content: The file's bytes, UTF-8: a JSON array of objects (`.json`) or CSV with a header
            line (`.csv`), with the fields `date`, `delay`, `distance`, `origin`, `destination`.
        file_name: Name with suffix, also used in error messages.

    Raises:
        SourceFormatError: Another suffix, not UTF-8, not JSON or CSV, or a column is missing.
            In a JSON file a *field* may be missing from a row; that row is then judged invalid.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceFormatError(
            f"{file_name}: byte {error.start} is not UTF-8; save the file as UTF-8"
        ) from None
    if file_name.endswith(".json"):
        return _flights_from_json(text, file_name)
    if file_name.endswith(".csv"):
        return _flights_from_csv(text, file_name)
    raise SourceFormatError(f"{file_name}: the name must end in .json or .csv")


def parse_route_page(page: Mapping[str, Any], source: str = "routes") -> tuple[list[Route], int]:
    """Parse one page of the route source.

    Returns:
        The routes of this page and the number of pages there are.

    Raises:
        SourceFormatError: The page has not the agreed form.
    """
    try:
        routes = [
            Route(
                origin=str(item["origin"]),
                destination=str(item["destination"]),
                flights_per_year=int(item["count"]),
            )
            for item in page["items"]
        ]
        return routes, int(page["pages"])
    except (KeyError, TypeError, ValueError) as error:
        raise SourceFormatError(
            f"{source}: expected {{pages, items: [{', '.join(ROUTE_COLUMNS)}]}}; "
            f"{type(error).__name__}: {error}"
        ) from None


def _flights_from_json(text: str, file_name: str) -> Iterator[RawFlight]:
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise SourceFormatError(
            f"{file_name}, line {error.lineno}, column {error.colno}: not JSON ({error.msg})"
        ) from None
    if not isinstance(rows, list):
        raise SourceFormatError(f"{file_name}: expected a JSON array of flights")
    if rows and isinstance(rows[0], dict):
        _require_columns(rows[0], FLIGHT_COLUMNS, f"{file_name}, first flight")

    def read() -> Iterator[RawFlight]:
        for number, row in enumerate(rows, start=1):
            fields = row if isinstance(row, dict) else {}
            yield RawFlight(number, *(_as_text(fields.get(name)) for name in FLIGHT_COLUMNS))

    return read()


def _flights_from_csv(text: str, file_name: str) -> Iterator[RawFlight]:
    reader = csv.DictReader(io.StringIO(text))
    _require_columns(reader.fieldnames or (), FLIGHT_COLUMNS, file_name)

    def read() -> Iterator[RawFlight]:
        for number, row in enumerate(reader, start=1):
            yield RawFlight(number, *(row.get(name) or None for name in FLIGHT_COLUMNS))

    return read()


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        # PostgreSQL text cannot hold NUL; such a field is garbage in any case.
        return value.replace("\0", "\ufffd") if value else None
    return json.dumps(value)


def _require_columns(found: object, wanted: tuple[str, ...], source: str) -> None:
    names = set(found)  # type: ignore[call-overload]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise SourceFormatError(
            f"{source}: missing {', '.join(missing)}; expected the columns {', '.join(wanted)}"
        )
