"""Runs steps through the dispatcher and counts Django's connections; see test_connections.py."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

STEPS = int(os.environ.get("STEPS", "0"))
CONCURRENCY = 4
ALIASES = ("default", "other")


def setup() -> None:
    import django
    from django.conf import settings

    url = urlsplit(os.environ["DATABASE_URL"])
    age = json.loads(os.environ["CONN_MAX_AGE"])
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path[1:],
        "USER": url.username,
        "PASSWORD": url.password,
        "HOST": url.hostname,
        "PORT": url.port,
        "CONN_MAX_AGE": age,
    }
    settings.configure(
        INSTALLED_APPS=["tasker_contrib_django"],
        DEBUG=True,  # which keeps every query
        USE_TZ=True,
        DATABASES={
            alias: {**database, "OPTIONS": {"application_name": f"dj-{alias}"}} for alias in ALIASES
        },
    )
    django.setup()


def settings_age() -> int | None:
    from django.conf import settings

    age: int | None = settings.DATABASES["default"]["CONN_MAX_AGE"]
    return age


class Native:
    """The native worker's calls: hands out steps, keeps the number of answers."""

    def __init__(self) -> None:
        self.left = STEPS
        self.answers: list[dict[str, Any]] = []

    def poll(self) -> dict[str, Any] | None:
        if self.left == 0:
            return None
        self.left -= 1
        handler = "async" if self.left % 5 == 0 else "sync"
        return {
            **{name: str(uuid.uuid4()) for name in ("event_id", "task_uuid", "step_uuid")},
            "correlation_id": str(uuid.uuid4()),
            "task_sequence_step": {
                "task": {"task": {"context": {}}, "namespace_name": "ns"},
                "step_definition": {"name": "a", "handler": {"callable": handler}},
                "workflow_step": {"name": "a", "attempts": 0, "max_attempts": 3},
                "dependency_results": {},
            },
        }

    def poll_domain_event(self) -> None:
        return None

    def complete(self, event_id: str, completion: dict[str, Any]) -> bool:
        self.answers.append(completion)
        return True

    def checkpoint(self, event_id: str, data: dict[str, Any]) -> bool:
        return True


def main() -> None:
    setup()
    from asgiref.sync import sync_to_async
    from django.db import connections
    from tasker_contrib._internal.dispatcher import Dispatcher
    from tasker_contrib._internal.registry import registry

    from tasker_contrib_django import step_handler
    from tasker_contrib_django.steps import app_context

    most_queries: list[int] = []

    def query() -> None:
        for alias in ALIASES:
            with connections[alias].cursor() as cursor:
                cursor.execute("select 1")
            most_queries.append(len(connections[alias].queries))

    @step_handler("sync")
    def sync_handler() -> None:
        query()

    @step_handler("async")
    async def async_handler() -> None:
        await sync_to_async(query)()

    def count() -> int:
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "select count(*) from pg_stat_activity where application_name like 'dj-%'"
            )
            return int(cursor.fetchone()[0]) - 1  # without this one

    native = Native()
    dispatcher = Dispatcher(
        native, registry, concurrency=CONCURRENCY, worker_id="w", app=app_context
    )
    dispatcher.start()
    most = 0
    while len(native.answers) < STEPS:
        most = max(most, count())
    dispatcher.wait_idle(10)
    allowed = 0 if settings_age() == 0 else len(ALIASES) * (CONCURRENCY + 1)
    end = time.monotonic() + 60
    while (after := count()) > allowed and time.monotonic() < end:
        time.sleep(0.05)  # PostgreSQL notices a closed connection a moment later
    dispatcher.stop()
    failed = [answer for answer in native.answers if not answer["success"]]
    print(json.dumps({"most": most, "after": after, "queries": max(most_queries)}))
    if failed:
        print(failed[0], file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
