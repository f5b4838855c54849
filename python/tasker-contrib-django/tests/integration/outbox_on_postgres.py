"""What `test_outbox.py` proves, in a process whose default database is PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import uuid
from typing import Any

import django
import httpx

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.project.settings"
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, connections, transaction  # noqa: E402
from tasker_contrib.client import SyncTaskerClient  # noqa: E402

import tasker_contrib_django as tasker  # noqa: E402
from tasker_contrib_django.outbox.models import OutboxEntry  # noqa: E402
from tasker_contrib_django.outbox.relay import outbox_relay  # noqa: E402
from tasker_contrib_django.outbox.store import DjangoStore  # noqa: E402
from tests.support import eventually  # noqa: E402

NAMESPACE = f"outbox_{uuid.uuid4().hex[:8]}"
TEMPLATE = {
    "name": "note",
    "namespace_name": NAMESPACE,
    "version": "1.0.0",
    "steps": [{"name": "one", "handler": {"callable": "outbox.one"}}],
}
REGISTER = """
with space as (
    insert into tasker.task_namespaces (name, created_at, updated_at)
    values (%s, now(), now()) returning task_namespace_uuid)
insert into tasker.named_tasks
    (task_namespace_uuid, name, version, configuration, created_at, updated_at)
select task_namespace_uuid, 'note', '1.0.0', cast(%s as jsonb), now(), now() from space
"""


def sql(statement: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []


def create(n: int, **options: Any) -> None:
    tasker.create_task("note", {"n": n}, namespace=NAMESPACE, outbox=True, **options)


def contexts() -> list[int]:
    found = sql(
        "select context ->> 'n' from tasker.tasks join tasker.named_tasks using (named_task_uuid) "
        "join tasker.task_namespaces s using (task_namespace_uuid) where s.name = %s "
        "order by task_uuid",
        NAMESPACE,
    )
    return [int(n) for (n,) in found]


def drain() -> None:
    relay = outbox_relay()

    def empty() -> bool:
        relay.relay_once()
        return not OutboxEntry.objects.exists()

    eventually(empty, timeout=60)


class Killed(httpx.HTTPTransport):
    """Ends this process when the server has answered, and nobody knows."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        super().handle_request(request).read()
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def killed_relay() -> int:
    """Relay in a child that dies after its first task; returns the signal."""
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        url = os.environ["TASKER_ORCHESTRATION_URL"]
        client = SyncTaskerClient(url, transport=Killed())
        outbox_relay(client=client).relay_once()
        os._exit(0)
    return os.WTERMSIG(os.waitpid(pid, 0)[1])


def both_or_neither() -> None:
    create(1)
    try:
        with transaction.atomic():
            create(2)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    drain()
    assert contexts() == [1]


def killed_after_the_answer() -> None:
    create(3)
    create(4)
    assert killed_relay() == signal.SIGKILL
    assert OutboxEntry.objects.count() == 2
    drain()
    assert contexts() == [1, 3, 4]


def rows_in_hand_are_skipped() -> None:
    create(5)
    with DjangoStore().batch(10) as batch:
        assert len(batch.rows) == 1
        found: list[int] = []

        def other() -> None:
            found.append(outbox_relay().relay_once().created)
            connections.close_all()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(60)
        assert found == [0]
    drain()


def a_key_waits_for_the_commit() -> None:
    written = threading.Event()

    def other() -> None:
        create(7, ordering_key="k")
        written.set()
        connections.close_all()

    with transaction.atomic():
        create(6, ordering_key="k")
        thread = threading.Thread(target=other)
        thread.start()
        waits = "select 1 from pg_locks where locktype = 'advisory' and not granted"
        eventually(lambda: sql(waits) or written.is_set(), timeout=60)
        assert not written.is_set()
    thread.join(60)
    drain()
    assert contexts()[-2:] == [6, 7]


def main() -> None:
    call_command("migrate", verbosity=0)
    sql(REGISTER, NAMESPACE, json.dumps(TEMPLATE))
    sql("select pgmq.create(%s)", f"worker_{NAMESPACE}_queue")
    for check in (
        both_or_neither,
        killed_after_the_answer,
        rows_in_hand_are_skipped,
        a_key_waits_for_the_commit,
    ):
        check()
    create(8)
    print(NAMESPACE)


if __name__ == "__main__":
    sys.exit(main())
