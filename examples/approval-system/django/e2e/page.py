"""A request in a browser, by the keyboard alone; its page follows what Tasker does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .books import Books
from .browser import ENTER, Browser, browser
from .person import PASSWORD, URL, Person

PICTURES = Path(os.environ.get("APPROVALS_PICTURES", "."))
STATUS = "#live .status"
# HTMX has asked, and shows the next round.
REFRESHED = """
    const asked = performance.getEntriesByType("resource").map((one) => new URL(one.name).pathname);
    const open = document.querySelector("#live .chain .open");
    return asked.includes(arguments[0]) && open !== null && open.innerText.startsWith("Finance");
"""
CONTROLS = "a, button, input:not([type=hidden]), select, textarea"


def page(books: Books) -> dict[str, Any]:
    with browser() as window:
        return story(window, books)


def story(window: Browser, books: Books) -> dict[str, Any]:
    nameless: list[str] = []

    def look(name: str) -> None:
        """A picture, and whether a screen reader could name everything that can be used."""
        window.picture(PICTURES / f"{name}.png")
        found = window.names(CONTROLS)
        nameless.extend(f"{name}: {role}" for role, label in found if not label)

    sign_in(window, "erik")
    window.open(f"{URL}/requests/new/")
    fill(window, "title", "Standing desk")
    choose(window, "budget", books.budget("it"))
    for field, text in {"description": "desk", "quantity": "1", "unit_price": "1640"}.items():
        fill(window, f"lines-0-{field}", text)
    look("new-request")
    follow(window, "form.card > button", "/requests/")
    pk = int(window.run("return location.pathname.split('/')[2]"))
    follow(window, f"form[action='/requests/{pk}/submit/'] button", f"/requests/{pk}/")
    books.asked(pk, "manager")
    follow(window, "nav form button", "/login/")

    sign_in(window, "mira")
    look("inbox")
    follow(window, f"a[href='/requests/{pk}/']", f"/requests/{pk}/")
    look("to-decide")
    # The first Tab leads to the link that goes past the navigation.
    window.tab_to("a.skip")
    window.type(ENTER)
    skipped_to = window.until("return document.activeElement.id")
    follow(window, "button[value=approve]", f"/requests/{pk}/")
    window.run("window.stayed = true")  # until the page is loaded again
    window.until(REFRESHED, f"/requests/{pk}/live/")
    stayed = window.run("return window.stayed === true")
    look("decided")
    for name in ("fatima", "felix"):
        Person(name).decide(pk)
    books.settled(pk, "approved")
    window.open(f"{URL}/requests/{pk}/")
    look("approved")
    return {
        **books.audit(pk),
        "without_a_name": nameless,
        "skip_link_leads_to": skipped_to,
        "page_was_not_loaded_again": stayed,
        "status_is": window.names(STATUS)[0][0],
    }


def sign_in(window: Browser, name: str) -> None:
    window.open(f"{URL}/login/")
    fill(window, "username", name)
    fill(window, "password", PASSWORD)
    window.type(ENTER)
    window.until("return document.querySelector('nav form button')?.innerText.includes('Sign out')")


def fill(window: Browser, field: str, text: str) -> None:
    window.tab_to(f"[name='{field}']")
    window.type(text)


def choose(window: Browser, field: str, value: int) -> None:
    """Type the name of an option of a select."""
    window.tab_to(f"[name='{field}']")
    option = f"[name='{field}'] option[value='{value}']"
    window.type(window.run("return document.querySelector(arguments[0]).innerText", option))
    window.until("return document.querySelector(arguments[0]).selected", option)


def follow(window: Browser, selector: str, path: str) -> None:
    """Reach a link or a button with Tab, press Enter, and wait for the page that comes."""
    window.tab_to(selector)
    window.run("window.before = true")
    window.type(ENTER)
    window.until(
        "return window.before !== true && document.readyState === 'complete'"
        " && location.pathname.startsWith(arguments[0])",
        path,
    )
