"""Ten thousand requests wait for an answer: what do they cost?"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from .books import Books
from .stories import straight

MANY = 10_000
LOOKS = 20


def waiting(books: Books) -> dict[str, Any]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "company.settings")
    import django

    django.setup()
    from approvals.waiting import make_waiting

    make_waiting(10)
    few = cost()
    quiet = latency(books)
    make_waiting(MANY)
    books.connection.execute("ANALYZE approvals_round, approvals_dispatch")
    many = cost()
    loaded = latency(books)
    print(
        f"waiting: 10 and {MANY:,} requests: a look of the periodic job takes "
        f"{few['ms']:.1f} and {many['ms']:.1f} ms, "
        f"from form to approval {quiet:.1f} and {loaded:.1f} s",
        file=sys.stderr,
    )
    open_rounds = books.value("SELECT count(*) FROM approvals_round WHERE status = 'open'")
    return {
        "at_least_10_000_wait": open_rounds >= MANY,
        "queries_are_constant": few["queries"] == many["queries"],
        "queries": many["queries"],
        # A factor of 1,000 in requests; the limits leave room for a busy machine.
        "look_stays_short": many["ms"] < 10 * few["ms"] + 50,
        "approval_stays_fast": loaded < 5 * quiet + 5,
        **in_tasker(books),
    }


def cost() -> dict[str, float]:
    """Queries and milliseconds of one look that finds nothing, at best."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from approvals.periodic import look

    times = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        with CaptureQueriesContext(connection) as queries:
            look()
        times.append(1000 * (time.perf_counter() - began))
    return {"queries": len(queries), "ms": min(times)}


def latency(books: Books) -> float:
    began = time.perf_counter()
    straight(books)
    return time.perf_counter() - began


def in_tasker(books: Books) -> dict[str, int]:
    """What waits in Tasker: nothing."""
    return {
        "steps_taken_by_workers": books.value(
            """SELECT count(*) FROM tasker.workflow_step_transitions
               WHERE most_recent AND to_state = 'in_progress'"""
        ),
        "messages_in_the_queue": books.value("SELECT count(*) FROM pgmq.q_worker_approvals_queue"),
    }
