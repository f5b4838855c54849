"""The files that docs/guides/never-lose-a-task.md quotes do what it says."""

from __future__ import annotations

import importlib
import json
import sys
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import sqlalchemy
from fastapi.testclient import TestClient

from tasker_contrib_fastapi.testing import TaskerStack

from .support import eventually

pytestmark = pytest.mark.xdist_group("outbox")

_REGISTER = """
with space as (
    insert into tasker.task_namespaces (name, created_at, updated_at)
    values ('shop', now(), now()) on conflict (name) do update set updated_at = now()
    returning task_namespace_uuid)
insert into tasker.named_tasks
    (task_namespace_uuid, name, version, configuration, created_at, updated_at)
select task_namespace_uuid, 'ship', '1.0.0', cast(%s as jsonb), now(), now() from space
"""
_TEMPLATE = {
    "name": "ship",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [{"name": "pack", "handler": {"callable": "shop.pack"}}],
}


def migrate(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Run the migration, on a connection that SQLAlchemy made."""
    with sqlalchemy.create_engine(url).begin() as connection:
        connection.execute(sqlalchemy.text("create schema shop"))
        orders = "create table shop.orders (id serial primary key, amount integer)"
        connection.execute(sqlalchemy.text(orders))
        op = SimpleNamespace(execute=lambda sql: connection.execute(sqlalchemy.text(sql)))
        monkeypatch.setitem(sys.modules, "alembic", SimpleNamespace(op=op))  # type: ignore[arg-type]
        migration = importlib.import_module("tests.guides.outbox_migration")
        migration.upgrade()
        migration.downgrade()
        migration.upgrade()


def test_an_order_has_its_task(tasker_stack: TaskerStack, monkeypatch: pytest.MonkeyPatch) -> None:
    url = tasker_stack.database_url.replace("postgresql:", "postgresql+psycopg:")
    monkeypatch.setenv("SHOP_DATABASE_URL", url)
    monkeypatch.setenv("TASKER_ORCHESTRATION_URL", tasker_stack.orchestration_url)
    migrate(monkeypatch, url)

    def asked(sql: str, *values: Any) -> list[Any]:
        with psycopg.connect(tasker_stack.database_url) as connection:
            cursor = connection.execute(sql, values)  # type: ignore[call-overload]
            return list(cursor.fetchall()) if cursor.description else []

    asked(_REGISTER, json.dumps(_TEMPLATE))
    asked("select pgmq.create('worker_shop_queue')")
    with TestClient(importlib.import_module("tests.guides.outbox_app").app) as web:
        answer = web.post("/orders", params={"amount": 5})
        assert answer.status_code == 202
        context = json.dumps(answer.json())
        made = "select count(*) from tasker.tasks where context = cast(%s as jsonb)"
        eventually(lambda: asked(made, context) == [(1,)], timeout=60)
        eventually(lambda: asked("select 1 from shop.tasker_outbox") == [], timeout=60)
    assert asked("select amount from shop.orders") == [(5,)]
