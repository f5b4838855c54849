"""A template that the real server knows, an outbox in its database, and what became of its rows."""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

from tasker_contrib import SyncTaskerClient
from tasker_contrib.outbox import Outbox, OutboxRelay, OutboxRow, OutboxStats, SqlStore, ddl
from tasker_contrib.testing import TaskerStack

TEMPLATE = {
    "name": "note",
    "version": "1.0.0",
    "steps": [{"name": "one", "handler": {"callable": "outbox.one"}}],
}
_REGISTER = """
with space as (
    insert into tasker.task_namespaces (name, created_at, updated_at)
    values (%(namespace)s, now(), now()) returning task_namespace_uuid)
insert into tasker.named_tasks
    (task_namespace_uuid, name, version, configuration, created_at, updated_at)
select task_namespace_uuid, %(name)s, '1.0.0', %(template)s::jsonb, now(), now() from space
"""
_TASKS = """
select t.correlation_id, t.context from tasker.tasks t
join tasker.named_tasks n using (named_task_uuid)
join tasker.task_namespaces s using (task_namespace_uuid)
where s.name = %s order by t.task_uuid
"""


@dataclass
class Bed:
    """One test's table and namespace."""

    stack: TaskerStack
    namespace: str
    table: str
    _watch: SqlStore | None = None

    def enqueue(self, context: dict[str, Any], name: str = "note", **options: Any) -> Any:
        """In a transaction of its own."""
        options.setdefault("namespace", self.namespace)
        with self.connect() as connection, connection.cursor() as cursor:
            return Outbox(self.table).enqueue(cursor, name, context, **options)

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.stack.database_url)

    def client(
        self, transport: httpx.BaseTransport | None = None, retries: int = 3
    ) -> SyncTaskerClient:
        """A client that tries again: now and then the server answers 500 for what it stored."""
        url = self.stack.orchestration_url
        return SyncTaskerClient(url, max_retries=retries, transport=transport)

    def relay(self, transport: httpx.BaseTransport | None = None, **options: Any) -> OutboxRelay:
        options.setdefault("client", self.client(transport))
        return OutboxRelay(self.stack.database_url, table=self.table, poll=0.05, **options)

    def tasks(self) -> list[tuple[str, dict[str, Any]]]:
        """Correlation id and context of the tasks on the server, in the order of creation."""
        with self.connect() as connection:
            found = connection.execute(_TASKS, (self.namespace,)).fetchall()
        return [(str(correlation), context) for correlation, context in found]

    def contexts(self) -> list[dict[str, Any]]:
        return [context for _, context in self.tasks()]

    def rows(self) -> list[OutboxRow]:
        store = SqlStore(self.stack.database_url, self.table)
        try:
            return store.rows(limit=10_000)
        finally:
            store.close()

    def stats(self) -> OutboxStats:
        if self._watch is None:
            self._watch = SqlStore(self.stack.database_url, self.table)
        return self._watch.stats()

    def drain(self) -> None:
        """Relay, without kills, until nothing is open."""
        relay = self.relay()
        for _ in range(1000):
            if self.stats().open == 0:
                break
            relay.relay_once()
            self.make_due()
        relay.store.close()
        assert self.stats().open == 0

    def make_due(self) -> None:
        """What would have to wait does not."""
        with self.connect() as connection:
            connection.execute(f"update {self.table} set not_before = now() where dead_at is null")


def new_bed(stack: TaskerStack) -> Bed:
    word = uuid.uuid4().hex[:8]
    namespace, table = f"outbox_{word}", f"public.outbox_{word}"
    template = json.dumps({**TEMPLATE, "namespace_name": namespace})
    with psycopg.connect(stack.database_url) as connection:
        connection.execute(ddl(table))  # type: ignore[arg-type]
        values = {"namespace": namespace, "name": "note", "template": template}
        connection.execute(_REGISTER, values)
        connection.execute("select pgmq.create(%s)", (f"worker_{namespace}_queue",))
    return Bed(stack, namespace, table)


def forked(work: Callable[[], None]) -> int:
    """Start `work` in a child, which ends without Python's cleanup; returns its pid."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException:
        os._exit(1)
    os._exit(0)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
