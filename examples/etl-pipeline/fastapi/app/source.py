"""The paginated source: yearly traffic per route, served page by page as JSON over HTTP.

In real life this is somebody else's service; here the application serves it itself, so that the
example needs no network, and so that a run can ask for a source that is down or gone.
"""

from __future__ import annotations

import csv
import math
import threading
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel

from app.settings import get_settings

ROUTES_FILE = "flights-airport.csv"

router = APIRouter(prefix="/source", tags=["source"])


class RouteItem(BaseModel):
    """Traffic of one route: flights in the year 2008."""

    origin: str
    destination: str
    count: int


class RoutePage(BaseModel):
    """One page; pages count from 1."""

    page: int
    pages: int
    total: int
    items: list[RouteItem]


class Outages:
    """Counts the requests of each run key, to fail the first ones.

    Only the newest keys are remembered, so a long-lived process does not grow.
    """

    def __init__(self, remembered: int = 1000) -> None:
        self._remembered = remembered
        self._requests: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def fails(self, key: str, fail_first: int) -> bool:
        """Count a request and say whether it is one of the first that must fail."""
        with self._lock:
            count = self._requests.pop(key, 0) + 1
            self._requests[key] = count
            while len(self._requests) > self._remembered:
                self._requests.popitem(last=False)
        return count <= fail_first


outages = Outages()


@lru_cache(maxsize=1)
def _routes(path: Path, changed: float) -> tuple[RouteItem, ...]:
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(RouteItem.model_validate(row) for row in csv.DictReader(file))


@router.get("/routes")
def routes(
    page: Annotated[int, Query(ge=1)] = 1,
    per_page: Annotated[int, Query(ge=1, le=2000)] = 1000,
    run_key: Annotated[str, Query(max_length=200)] = "",
    fail_first: Annotated[int, Query(ge=0, le=100)] = 0,
    gone: bool = False,
) -> RoutePage:
    """Return one page of routes.

    `fail_first` makes the first requests with the same `run_key` fail with 503; `gone` makes every
    request fail with 410.
    """
    if gone:
        raise HTTPException(410, "the route source was shut down and will not come back")
    if outages.fails(run_key, fail_first):
        raise HTTPException(
            503, "the route source is being restarted", headers={"Retry-After": "1"}
        )
    path = get_settings().data_dir / ROUTES_FILE
    try:
        items = _routes(path, path.stat().st_mtime)
    except FileNotFoundError:
        raise HTTPException(404, f"{ROUTES_FILE} is missing; run `python -m app.data`") from None
    pages = max(1, math.ceil(len(items) / per_page))
    first = (page - 1) * per_page
    return RoutePage(
        page=page, pages=pages, total=len(items), items=list(items[first : first + per_page])
    )
