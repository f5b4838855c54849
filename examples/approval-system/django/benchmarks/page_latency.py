"""Latency of a page: alone, beside a worker that has nothing to do, and beside one that works.

Run it with ``cargo xtask bench django``, which prepares the environment and the local stack. The
page is the form for a new request, of somebody who is signed in. The load is requests that are
submitted at a steady rate by another process than the one that serves the page; each is a task of
five steps on the same database. Cases are measured in turn, again and again, so that what else the
machine does meets all of them. Prints one JSON line for each.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import httpx
from tasker_contrib.testing import start_stack

ROOT = Path(__file__).resolve().parents[1]
MANAGE = [sys.executable, "manage.py"]
PORT = r"Listening at: (http://\S+)"

ROUNDS = 3
SECONDS = 10.0
REQUESTS_PER_SECOND = 50.0
SUBMITTED_PER_SECOND = 2.0
PATIENCE = 60.0
# The argument with which this script submits requests.
SUBMIT = "submit"


def main() -> None:
    """Measure the cases on one stack."""
    latencies: dict[str, list[float]] = {"alone": [], "worker idle": [], "worker at work": []}
    with tempfile.TemporaryDirectory() as folder, start_stack() as stack:
        os.environ.update(stack.env)
        os.environ.update({"APPROVALS_SECRET_KEY": "bench", "APPROVALS_MAIL_DIR": folder})
        for words in (["migrate", "-v", "0"], ["demo"]):
            subprocess.run([*MANAGE, *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        web = [sys.executable, "-m", "gunicorn", "company.wsgi", "--bind", "127.0.0.1:0"]
        with process(Path(folder, "web.log"), [*web, "--threads", "4"], PORT) as (url,):
            page = signed_in(url)
            measure(page, [])  # what is imported and compiled at first
            for _ in range(ROUNDS):
                measure(page, latencies["alone"])
                worker = [*MANAGE, "tasker", "worker", "--no-reload"]
                with process(Path(folder, "worker.log"), worker, "(is ready)"):
                    measure(page, latencies["worker idle"])
                    load = [sys.executable, __file__, SUBMIT]
                    with process(Path(folder, "load.log"), load, "(submitting)"):
                        measure(page, latencies["worker at work"])
    alone = p99(latencies["alone"])
    for case, found in latencies.items():
        record = {
            "case": case,
            "requests": len(found),
            "p50_ms": round(statistics.median(found), 1),
            "p99_ms": round(p99(found), 1),
            "p99_ratio_to_alone": round(p99(found) / alone, 1),
        }
        print(json.dumps(record), flush=True)


def p99(latencies: list[float]) -> float:
    """The 99th percentile."""
    return statistics.quantiles(latencies, n=100)[98]


def submit_steadily() -> None:
    """Submit requests at a steady rate until this process is ended."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "company.settings"
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    from django.contrib.auth.models import User

    from approvals import actions
    from approvals.models import Budget, Line, PurchaseRequest

    erik, budget = User.objects.get(username="erik"), Budget.objects.get(code="it")
    print("submitting", flush=True)
    due = time.monotonic()
    while True:
        request = PurchaseRequest.objects.create(requester=erik, budget=budget, title="Chair")
        Line.objects.create(request=request, description="chair", quantity=1, unit_price=Decimal(1))
        actions.submit(request.pk, erik)
        due += 1 / SUBMITTED_PER_SECOND
        time.sleep(max(0.0, due - time.monotonic()))


@contextmanager
def process(log: Path, command: list[str], ready: str) -> Iterator[tuple[str, ...]]:
    """Run a program until the end of the block; yields what its ready line names."""
    with log.open("wb") as output:
        child = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(ready, log.read_text())):
            if child.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{' '.join(command)} is not ready:\n{log.read_text()}")
            time.sleep(0.01)
        yield found.groups()
        if child.poll() is not None:
            raise SystemExit(f"{' '.join(command)} has ended:\n{log.read_text()}")
    finally:
        child.terminate()
        child.wait(PATIENCE)


def signed_in(url: str) -> Callable[[], None]:
    """What requests the page once."""
    os.environ["APPROVALS_URL"] = url
    sys.path.insert(0, str(ROOT))
    from e2e.person import Person

    person = Person("elena")

    def page() -> None:
        answer = person.get("/requests/new/")
        assert answer.status_code == httpx.codes.OK
        assert "Sign out" in answer.text

    return page


def measure(page: Callable[[], None], latencies: list[float]) -> None:
    """Add milliseconds of each request, sent one after the other."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        begun = time.perf_counter()
        page()
        latencies.append((time.perf_counter() - begun) * 1000)
        time.sleep(1 / REQUESTS_PER_SECOND)


if __name__ == "__main__":
    submit_steadily() if sys.argv[1:] == [SUBMIT] else main()
