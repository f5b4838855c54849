"""`python -m e2e.chaos RUNS`: many small runs while application, server and database are killed.

Each run is started until it was accepted, once. Afterwards every run must have the same report and
the same rows; `tests.expected` computes which.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx
import psycopg
from psycopg import sql

from app.data import FEW
from app.settings import get_settings

T = TypeVar("T")

# Whatever was killed is back within seconds; then the server creates no tasks for half a minute.
PATIENCE = 300
# Then nothing more becomes of a request whose answer was lost.
SETTLED = 1
AT_ONCE = 8
UNTIL_THE_END = 840
STATES = sql.SQL(
    "SELECT to_state, count(*) FROM tasker.task_transitions WHERE most_recent GROUP BY 1"
)
ENDS = {"complete", "error", "cancelled", "blocked_by_failures"}
STARTED = sql.SQL("SELECT count(*) FROM tasker.tasks WHERE context->>'run_id' = %s")
TWICE = sql.SQL(
    "SELECT context->>'run_id' FROM tasker.tasks GROUP BY 1 HAVING count(*) > 1 ORDER BY 1"
)


class Refused(Exception):
    """The application has not done what it was asked for."""


def insist(ask: Callable[[], T]) -> T:
    """Ask until there is an answer: who was asked may have been killed a moment ago."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except (httpx.TransportError, psycopg.OperationalError, Refused) as why:
            if time.monotonic() > deadline:
                raise SystemExit(f"no answer within {PATIENCE} s: {why}") from why
            time.sleep(0.1)


def select(statement: sql.SQL, *values: str) -> list[tuple[Any, ...]]:
    """Rows, on a connection of their own."""

    def ask() -> list[tuple[Any, ...]]:
        with psycopg.connect(get_settings().database_url) as connection:
            return connection.execute(statement, values).fetchall()

    return insist(ask)


class Pipeline:
    """The application over HTTP."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=30)

    def start(self, run_id: str) -> None:
        """Start a run, unless an earlier request has done it although its answer was lost."""

        def ask() -> None:
            if select(STARTED, run_id) != [(0,)]:
                return
            try:
                self.answer("POST", "/pipelines", {"run_id": run_id, "flights_file": FEW})
            except (httpx.TransportError, Refused):
                time.sleep(SETTLED)
                raise

        insist(ask)

    def get(self, path: str) -> dict[str, Any]:
        """What the application says about a run."""
        return insist(lambda: self.answer("GET", path))

    def answer(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """The JSON of an answer that is a success."""
        answer = self.http.request(method, path, json=body)
        if not answer.is_success:
            raise Refused(f"{method} {path} was answered {answer.status_code} {answer.text}")
        found: dict[str, Any] = answer.json()
        return found


def wait_for_the_end(count: int) -> dict[str, int]:
    """Wait until every task has ended; how many ended in which state."""
    deadline = time.monotonic() + UNTIL_THE_END
    while True:
        states = dict(select(STATES))
        if states.keys() <= ENDS and sum(states.values()) >= count:
            return states
        if time.monotonic() > deadline:
            raise SystemExit(f"not every task has ended after {UNTIL_THE_END} s: {states}")
        time.sleep(0.2)


def different(documents: Iterable[dict[str, Any]], *own: str) -> list[dict[str, Any]]:
    """The different ones among documents, without the keys in which each is its own."""
    texts = {
        json.dumps({key: value for key, value in document.items() if key not in own})
        for document in documents
    }
    return [json.loads(text) for text in sorted(texts)]


def chaos(count: int, url: str) -> dict[str, Any]:
    """Start so many runs, and compare them when all have ended."""
    pipeline = Pipeline(url)
    runs = [f"chaos-{number:03}" for number in range(count)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(pipeline.start, runs))
        states = wait_for_the_end(count)
        reports = pool.map(pipeline.get, [f"/reports/{run}" for run in runs])
        rows = pool.map(pipeline.get, [f"/runs/{run}/rows" for run in runs])
        all_reports = different(reports, "run_id", "attempt_id")
        all_rows = different(rows, "run_id", "last_attempt_at")
    return {
        "tasks": "all complete" if states == {"complete": count} else str(states),
        "runs_with_two_tasks": [run for (run,) in select(TWICE)],
        "different_reports": len(all_reports),
        "report": all_reports[0],
        "different_rows": len(all_rows),
        "rows": all_rows[0],
    }


def main() -> None:
    """Print what came of it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m e2e.chaos", description=__doc__)
    parser.add_argument("runs", type=int, help="how many")
    here = f"http://127.0.0.1:{get_settings().port}"
    parser.add_argument("--app", default=here, metavar="URL", help="the application [%(default)s]")
    arguments = parser.parse_args()
    print(json.dumps(chaos(arguments.runs, arguments.app), indent=2))


if __name__ == "__main__":
    main()
