"""The three extracts. They do not depend on each other and run in parallel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import httpx
from fastapi import Depends
from tasker_contrib_fastapi import Config, Input, PermanentError, api_handler, step_handler

from app.db import Database
from app.models import ExtractedAirports, ExtractedFlights, ExtractedRoutes, Job
from app.pipeline.parse import SourceFormatError, parse_airports, parse_flights, parse_route_page
from app.pipeline.records import Route
from app.settings import Settings, get_settings
from app.store import staging

AIRPORTS_FILE = "airports.csv"

CurrentSettings = Annotated[Settings, Depends(get_settings)]


@step_handler("etl.extract_airports")
def extract_airports(
    job: Annotated[Job, Input()], database: Database, settings: CurrentSettings
) -> ExtractedAirports:
    """Read the airport register (CSV) into staging."""
    content = _read(settings.data_dir, AIRPORTS_FILE)
    try:
        airports = parse_airports(content.decode("utf-8"), AIRPORTS_FILE)
    except (SourceFormatError, UnicodeDecodeError) as error:
        raise PermanentError(str(error)) from error
    staging.register_attempt(database, job.attempt_id, job.run_id)
    staging.put_airports(database, job.attempt_id, airports)
    return ExtractedAirports(
        file=AIRPORTS_FILE,
        rows=len(airports),
        without_state=sum(airport.state is None for airport in airports),
    )


@step_handler("etl.extract_flights")
def extract_flights(
    job: Annotated[Job, Input()], database: Database, settings: CurrentSettings
) -> ExtractedFlights:
    """Read the flights of the run (JSON or CSV) into staging, as text."""
    content = _read(settings.data_dir, job.flights_file)
    try:
        flights = parse_flights(content, job.flights_file)
    except SourceFormatError as error:
        raise PermanentError(str(error)) from error
    staging.register_attempt(database, job.attempt_id, job.run_id)
    rows = staging.put_raw_flights(database, job.attempt_id, flights)
    return ExtractedFlights(file=job.flights_file, rows=rows, bytes=len(content))


@api_handler("etl.extract_routes", timeout=10.0)
def extract_routes(
    job: Annotated[Job, Input()],
    page_size: Annotated[int, Config("page_size")],
    api: httpx.Client,
    database: Database,
    settings: CurrentSettings,
) -> ExtractedRoutes:
    """Read all pages of the route source into staging.

    An answer like 503 is retried, one like 404 is not: `api_handler` tells them apart. Nothing is
    stored before the last page has arrived, so a retry starts from an empty table.
    """
    url = f"{settings.route_source_url}/source/routes"
    routes: list[Route] = []
    page = pages = 1
    while page <= pages:
        response = api.get(
            url,
            params={
                "page": page,
                "per_page": page_size,
                "run_key": job.attempt_id,
                "fail_first": job.source.fail_first,
                "gone": job.source.gone,
            },
        )
        if response.status_code == httpx.codes.GONE:
            raise PermanentError(
                f"the route source {url} is gone for good (HTTP 410: {_detail(response)}); "
                f"run {job.run_id!r} cannot be completed, and nothing of it was published. "
                "Point ETL_SOURCE_URL at a source that works and start the run again."
            )
        response.raise_for_status()
        try:
            items, pages = parse_route_page(response.json(), source=url)
        except (SourceFormatError, ValueError) as error:
            raise PermanentError(str(error)) from error
        routes += items
        page += 1
    staging.register_attempt(database, job.attempt_id, job.run_id)
    staging.put_routes(database, job.attempt_id, routes)
    return ExtractedRoutes(
        rows=len(routes),
        pages=pages,
        flights_per_year=sum(route.flights_per_year for route in routes),
    )


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise PermanentError(
            f"there is no file {name!r} in the data folder {folder} (ETL_DATA_DIR); "
            "copy it there, or run `python -m app.data` for the example's own files"
        ) from None


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase
