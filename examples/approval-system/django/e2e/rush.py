"""Many requests at once while workers are killed; afterwards the books must be exact."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import httpx

from .books import Books, until
from .person import Person, Unserved

# How many; 500 takes some minutes.
COUNT = int(os.environ.get("APPROVALS_RUSH", "100"))
REQUESTERS = ["erik", "elena", "emil"]
VOTERS = ["mira", "max", "fatima", "felix", "frida"]
KILLS = 3
WORKER = [sys.executable, "manage.py", "tasker", "worker", "--no-reload"]


def price(index: int) -> str:
    """One in ten needs finance, too."""
    return "1500.00" if index % 10 == 0 else "100.00"


def rush(books: Books) -> dict[str, Any]:
    first = last_id(books)
    before = float(books.free("it"))
    over = threading.Event()
    end_with_a_signal(over)
    killer = threading.Thread(target=kill, args=(first, over))
    killer.start()
    with voters(first, over, Books):
        submit_all(books.budget("it"), over)
        # Also those whose step was taken into the grave, until the periodic job notices.
        until(
            lambda: is_over(books, first, COUNT),
            lambda: f"still open: {left(books, first)}",
            400 + 2 * COUNT,
        )
    killer.join(60)
    return {**report(books, first, before, COUNT), "workers_killed": KILLS}


def last_id(books: Books) -> int:
    return int(books.value("SELECT coalesce(max(id), 0) FROM approvals_purchaserequest"))


@contextmanager
def voters(first: int, over: threading.Event, read: Callable[[], Books]) -> Iterator[None]:
    """Let everybody who is asked answer, until the end of the block."""
    threads = [threading.Thread(target=vote, args=(name, first, over, read)) for name in VOTERS]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(60)


def end_with_a_signal(over: threading.Event) -> None:
    """Let all threads end, above all the one whose worker does not get the signal."""

    def end(number: int, _: object) -> None:
        over.set()
        sys.exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def submit_all(budget: int, over: threading.Event) -> None:
    def run(place: int) -> None:
        person = Person(REQUESTERS[place])
        for index in range(place, COUNT, len(REQUESTERS)):
            if over.is_set():
                return
            person.submit(f"Rush {index}", price(index), budget)

    with ThreadPoolExecutor(len(REQUESTERS)) as pool:
        list(pool.map(run, range(len(REQUESTERS))))


def vote(name: str, first: int, over: threading.Event, read: Callable[[], Books]) -> None:
    """Answer everything in one's inbox until the rush is over."""
    books = read()
    person = None
    while not over.is_set():
        # A vote whose answer came too late is counted, or still in the inbox.
        with suppress(httpx.TransportError, Unserved):
            person = person or Person(name)
            if answer_inbox(name, first, person, books):
                continue
        over.wait(0.1)


def answer_inbox(name: str, first: int, person: Person, books: Books) -> int:
    """Answer what is in one's inbox, each seventh request with no; how many it were."""
    asked = books.rows(
        """SELECT r.id, r.request_id, q.title FROM approvals_seat s
           JOIN approvals_round r ON r.id = s.round_id
           JOIN approvals_purchaserequest q ON q.id = r.request_id
           JOIN auth_user u ON u.id = s.approver_id
           WHERE r.status = 'open' AND u.username = %(name)s AND q.id > %(first)s
             AND NOT EXISTS (SELECT 1 FROM approvals_vote v WHERE v.seat_id = s.id)
           ORDER BY r.id LIMIT 20""",
        name=name,
        first=first,
    )
    token = person.token("/requests/new/") if asked else ""
    for row in asked:
        data = {
            "csrfmiddlewaretoken": token,
            "round": row["id"],
            "verdict": "reject" if int(row["title"].split()[1]) % 7 == 3 else "approve",
        }
        person.http.post(f"/requests/{row['request_id']}/vote/", data=data, follow_redirects=False)
    return len(asked)


def kill(first: int, over: threading.Event) -> None:
    """Start workers beside the application's own, and kill each one in the middle of its work."""
    books = Books()
    for turn in range(1, KILLS + 1):
        if over.is_set():
            return
        # In a group of its own, so that its processes die together and nothing else does.
        worker = subprocess.Popen(WORKER, stdout=sys.stderr, start_new_session=True)
        try:
            mark = COUNT * turn // (KILLS + 1)
            while closed(books, first) < mark and not over.is_set():
                over.wait(0.02)
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


def closed(books: Books, first: int) -> int:
    return int(
        books.value(
            """SELECT count(*) FROM approvals_purchaserequest
               WHERE id > %(first)s AND status IN ('approved', 'rejected')""",
            first=first,
        )
    )


def is_over(books: Books, first: int, count: int) -> bool:
    return closed(books, first) == count and not left(books, first)


def left(books: Books, first: int) -> list[dict[str, Any]]:
    return books.rows(
        """SELECT key, attempt, task_uuid::text FROM approvals_dispatch
           WHERE request_id > %(first)s AND done_at IS NULL LIMIT 5""",
        first=first,
    )


def report(books: Books, first: int, before: float, count: int) -> dict[str, Any]:
    rejected = [index for index in range(count) if index % 7 == 3]
    spent = sum(float(price(index)) for index in range(count) if index not in rejected)
    sums = books.rows(
        """SELECT kind, count(*), sum(amount)::float FROM approvals_booking
           WHERE request_id > %(first)s GROUP BY kind""",
        first=first,
    )
    booked = {row["kind"]: (row["count"], row["sum"]) for row in sums}
    total = sum(float(price(index)) for index in range(count))
    repeated = books.value(
        "SELECT count(*) FROM approvals_dispatch WHERE request_id > %(first)s AND attempt > 1",
        first=first,
    )
    print(f"rush: {count} requests, {repeated} tasks had to be repeated", file=sys.stderr)
    return {
        "all_closed": closed(books, first) == count,
        "reserved_exactly": booked.get("reserved") == (count, total),
        "spent_exactly": booked.get("spent") == (count - len(rejected), spent),
        "released_exactly": booked.get("released") == (len(rejected), total - spent),
        "budget_is_exact": before - spent == float(books.free("it")),
        "wrong_ends": books.rows(
            """SELECT q.id FROM approvals_purchaserequest q WHERE q.id > %(first)s AND NOT EXISTS (
                 SELECT 1 FROM approvals_booking b WHERE b.request_id = q.id AND b.kind =
                   CASE q.status WHEN 'approved' THEN 'spent' ELSE 'released' END)""",
            first=first,
        ),
        "closed_twice": books.rows(
            """SELECT request_id FROM approvals_auditentry
               WHERE request_id > %(first)s AND event LIKE 'closed: %%'
               GROUP BY request_id HAVING count(*) > 1""",
            first=first,
        ),
        "people_told_twice": books.rows(
            """SELECT request_id, recipient_id, subject FROM approvals_notice
               WHERE request_id > %(first)s GROUP BY 1, 2, 3 HAVING count(*) > 1""",
            first=first,
        ),
    }
