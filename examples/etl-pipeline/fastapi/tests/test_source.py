"""The route source that the application serves to itself."""

from __future__ import annotations

import httpx
import pytest

from app.source import Outages


@pytest.fixture
def api(environment: dict[str, str], source_url: str) -> httpx.Client:
    return httpx.Client(base_url=f"{source_url}/source", timeout=10)


def test_pages_cover_every_route_once(api: httpx.Client) -> None:
    pages = [api.get("/routes", params={"page": page, "per_page": 2000}).json() for page in (1, 2)]
    third = api.get("/routes", params={"page": 3, "per_page": 2000}).json()
    items = [(i["origin"], i["destination"]) for p in (*pages, third) for i in p["items"]]
    assert third["pages"] == 3
    assert len(items) == len(set(items)) == third["total"] == 5366


def test_a_page_behind_the_last_is_empty(api: httpx.Client) -> None:
    assert api.get("/routes", params={"page": 99}).json()["items"] == []


@pytest.mark.parametrize("query", [{"page": 0}, {"per_page": 0}, {"per_page": 5000}])
def test_bad_pages_are_refused(api: httpx.Client, query: dict[str, int]) -> None:
    assert api.get("/routes", params=query).status_code == 422


def test_gone(api: httpx.Client) -> None:
    answer = api.get("/routes", params={"gone": True})
    assert answer.status_code == 410
    assert "shut down" in answer.json()["detail"]


def test_the_first_requests_of_a_key_fail(api: httpx.Client) -> None:
    def status(key: str) -> int:
        query: dict[str, str | int] = {"run_key": key, "fail_first": 2}
        return api.get("/routes", params=query).status_code

    assert [status("a"), status("a"), status("b"), status("a")] == [503, 503, 503, 200]


def test_old_keys_are_forgotten() -> None:
    outages = Outages(remembered=2)
    assert outages.fails("a", 1)
    assert not outages.fails("a", 1)
    for key in ("b", "c"):
        outages.fails(key, 1)
    assert outages.fails("a", 1)
