"""Somebody at a browser without JavaScript: signs in, fills in forms, clicks buttons."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import httpx

URL = os.environ.get("APPROVALS_URL", "http://127.0.0.1:8000")
PASSWORD = os.environ.get("APPROVALS_DEMO_PASSWORD", "approve-me")

Click = Callable[[], httpx.Response]

_FIELD = re.compile(r'<input type="hidden" name="([\w-]+)"(?: value="([^"]*)")?')


class Unserved(SystemExit):
    """A page is not what it must be; the message says what is there instead."""


class Person:
    """A signed-in user of the demo.

    Raises:
        Unserved: signing in fails, and later whenever a page lacks its form.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        # Pages answer in milliseconds; on a busy machine signing in takes seconds.
        self.http = httpx.Client(base_url=URL, follow_redirects=True, timeout=60)
        page = self.send("/login/", username=name, password=PASSWORD)
        if "Sign out" not in page.text:
            raise Unserved(f"{name} cannot sign in at {URL}; has `manage.py demo` run?")

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path)

    def token(self, page: str) -> str:
        """The token against forged requests; each page has it in its forms."""
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(page).text)
        if not found:
            raise Unserved(f"{self.name} sees no form on {page}")
        return found[1]

    def send(self, page: str, to: str = "", **data: Any) -> httpx.Response:
        """Send a form that is on a page."""
        return self.http.post(
            to or page,
            data={"csrfmiddlewaretoken": self.token(page), **data},
            headers={"Referer": URL + page},
        )

    def draft(self, title: str, price: str, budget: int) -> int:
        """Fill in a new request of one line, and return its number."""
        page = self.send("/requests/new/", **request_form(title, price, budget))
        found = re.search(r"/requests/(\d+)/$", str(page.url))
        if not found:
            raise Unserved(f"the form was not taken: {page.text}")
        return int(found[1])

    def submit(self, title: str, price: str, budget: int) -> int:
        pk = self.draft(title, price, budget)
        self.click(pk, "submit")
        return pk

    def change(self, pk: int, price: str) -> httpx.Response:
        page = f"/requests/{pk}/edit/"
        text = self.get(page).text
        data = dict(_FIELD.findall(text))
        budget = re.search(r'<option value="(\d+)" selected', text)
        if not budget:
            raise Unserved(f"request {pk} cannot be changed: {text}")
        return self.http.post(
            page, data={**data, **request_form("Changed", price, int(budget[1]), old=True, **data)}
        )

    def click(self, pk: int, button: str) -> httpx.Response:
        return self.send(f"/requests/{pk}/", f"/requests/{pk}/{button}/")

    def decide(self, pk: int, verdict: str = "approve", comment: str = "") -> httpx.Response:
        return self.decision(pk, verdict, comment)()

    def decision(self, pk: int, verdict: str = "approve", comment: str = "") -> Click:
        """Look at the page now, and click when the answer is called."""
        text = self.get(f"/requests/{pk}/").text
        data = dict(_FIELD.findall(text))
        if "round" not in data:
            raise Unserved(f"{self.name} is not asked about request {pk}")
        data |= {"verdict": verdict, "comment": comment}
        return lambda: self.http.post(f"/requests/{pk}/vote/", data=data)


def request_form(
    title: str, price: str, budget: int, *, old: bool = False, **data: str
) -> dict[str, Any]:
    return {
        "title": title,
        "budget": budget,
        "lines-TOTAL_FORMS": 1,
        "lines-INITIAL_FORMS": int(old),
        "lines-0-id": data.get("lines-0-id", ""),
        "lines-0-description": "chair",
        "lines-0-quantity": 1,
        "lines-0-unit_price": price,
    }
