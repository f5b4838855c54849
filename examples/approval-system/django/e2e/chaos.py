"""The rush while the worker, Tasker's server and PostgreSQL are killed again and again."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import psycopg

from .books import Books, until
from .person import Person, Unserved
from .rush import (
    REQUESTERS,
    end_with_a_signal,
    is_over,
    last_id,
    left,
    price,
    report,
    voters,
)

# PostgreSQL is back within seconds.
PATIENCE = 60
TASKS = "SELECT to_state, count(*) FROM tasker.task_transitions WHERE most_recent GROUP BY 1"
ENDS = {"complete", "error", "cancelled", "blocked_by_failures"}


class PatientBooks(Books):
    """Books that are read again while PostgreSQL is away."""

    def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if self.connection.closed:
                    self.connection = self.connect()
                return super().rows(statement, **values)
            except psycopg.OperationalError:
                self.connection.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def chaos(count: int) -> dict[str, Any]:
    books = PatientBooks()
    first = last_id(books)
    before = float(books.free("it"))
    over = threading.Event()
    end_with_a_signal(over)
    with voters(first, over, PatientBooks):
        submit_all(count, first, books.budget("it"), over)
        until(
            lambda: is_over(books, first, count) and tasks(books).keys() <= ENDS,
            lambda: f"still open: {left(books, first)}, tasks: {tasks(books)}",
            840,
        )
    states = tasks(books)
    return {
        **report(books, first, before, count),
        "tasks": "all complete" if states.keys() == {"complete"} else str(states),
    }


def tasks(books: Books) -> dict[str, int]:
    """How many of Tasker's tasks are in which state."""
    return {row["to_state"]: row["count"] for row in books.rows(TASKS)}


def submit_all(count: int, first: int, budget: int, over: threading.Event) -> None:
    def run(place: int) -> None:
        books = PatientBooks()
        person = None
        for index in range(place, count, len(REQUESTERS)):
            title = f"Rush {index}"
            while not over.is_set() and not is_submitted(books, first, title):
                with suppress(httpx.TransportError, Unserved):
                    person = person or Person(REQUESTERS[place])
                    submit(person, books, first, title, price(index), budget)
                    continue
                over.wait(0.1)

    with ThreadPoolExecutor(len(REQUESTERS)) as pool:
        list(pool.map(run, range(len(REQUESTERS))))


def submit(person: Person, books: Books, first: int, title: str, price: str, budget: int) -> None:
    """Send what is still missing: an answer that never came says nothing about the request."""
    drafts = requests(books, first, title)
    pk = drafts[0]["id"] if drafts else person.draft(title, price, budget)
    person.click(pk, "submit")


def is_submitted(books: Books, first: int, title: str) -> bool:
    return any(row["status"] != "draft" for row in requests(books, first, title))


def requests(books: Books, first: int, title: str) -> list[dict[str, Any]]:
    return books.rows(
        """SELECT id, status FROM approvals_purchaserequest
           WHERE id > %(first)s AND title = %(title)s""",
        first=first,
        title=title,
    )
