"""A row is a part of the application's transaction, whatever library holds that."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from tasker_contrib import TaskerConfigError, TaskerValidationError
from tasker_contrib.outbox import Outbox, OutboxRelay, SqlStore, ddl
from tasker_contrib.testing import TaskerStack

from ..support import eventually
from .bed import Bed, new_bed

pytestmark = pytest.mark.xdist_group("outbox")


@pytest.fixture
def bed(tasker_stack: TaskerStack) -> Bed:
    return new_bed(tasker_stack)


def driver_url(bed: Bed) -> str:
    return bed.stack.database_url.replace("postgresql:", "postgresql+psycopg:")


def engine(bed: Bed) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(driver_url(bed), poolclass=sqlalchemy.NullPool)


def written(bed: Bed) -> list[dict[str, Any]]:
    return [row.context for row in bed.rows()]


class Order(BaseModel):
    order_id: int


def test_a_session(bed: Bed) -> None:
    outbox = Outbox(bed.table)
    with Session(engine(bed)) as session, session.begin():
        enqueued = outbox.enqueue(session, "ship", Order(order_id=7), namespace="shop")
    [row] = bed.rows()
    assert (row.id, row.correlation_id) == (enqueued.id, enqueued.correlation_id)
    assert (row.namespace, row.name, row.version) == ("shop", "ship", "1.0.0")
    assert (row.context, row.options, row.ordering_key) == ({"order_id": 7}, {}, None)
    assert (row.attempts, row.last_error, row.dead_at) == (0, None, None)
    with Session(engine(bed)) as session:
        outbox.enqueue(session, "ship", {"rolled": "back"})
        session.rollback()
    assert written(bed) == [{"order_id": 7}]


def test_a_core_connection_and_all_arguments(bed: Bed) -> None:
    correlation, parent = uuid4(), uuid4()
    with engine(bed).begin() as connection:
        Outbox(bed.table).enqueue(
            connection,
            "ship",
            {"note": "50% of :all {it}", "é": None},
            version="2.0.0",
            ordering_key="order 7",
            on_conflict="ignore",
            correlation_id=str(correlation),
            parent_correlation_id=parent,
            initiator="web",
            source_system="shop",
            reason="because",
            priority=0,
            tags=["a"],
        )
    [row] = bed.rows()
    assert row.context == {"note": "50% of :all {it}", "é": None}
    assert (row.version, row.ordering_key, row.correlation_id) == ("2.0.0", "order 7", correlation)
    assert row.options == {
        "on_conflict": "ignore",
        "parent_correlation_id": str(parent),
        "initiator": "web",
        "source_system": "shop",
        "reason": "because",
        "priority": 0,
        "tags": ["a"],
    }


def test_an_async_session(bed: Bed) -> None:
    async def write() -> None:
        made = create_async_engine(driver_url(bed), poolclass=sqlalchemy.NullPool)
        async with AsyncSession(made) as session:
            await Outbox(bed.table).enqueue_async(session, "ship", {"n": 1})
            await session.commit()
            await Outbox(bed.table).enqueue_async(session, "ship", {"n": 2})
            await session.rollback()
            with pytest.raises(
                TaskerConfigError, match=r"AsyncSession is asynchronous: use `await"
            ):
                Outbox(bed.table).enqueue(session, "ship", {"n": 3})
        async with made.begin() as connection:
            await Outbox(bed.table).enqueue_async(connection, "ship", {"n": 4})

    asyncio.run(write())
    assert written(bed) == [{"n": 1}, {"n": 4}]


def test_cursors_of_psycopg(bed: Bed) -> None:
    outbox = Outbox(bed.table)
    with bed.connect() as connection:
        with connection.cursor() as cursor:
            outbox.enqueue(cursor, "ship", {"n": 1})
        outbox.enqueue(connection, "ship", {"n": 2})

    async def write() -> None:
        connect = psycopg.AsyncConnection.connect(bed.stack.database_url)
        async with await connect as connection, connection.cursor() as cursor:
            await outbox.enqueue_async(cursor, "ship", {"n": 3})

    asyncio.run(write())
    assert written(bed) == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_what_is_wrong_is_said_before_anything_is_written(bed: Bed) -> None:
    outbox = Outbox(bed.table)
    with bed.connect() as connection:
        with pytest.raises(TaskerValidationError, match="the context must be a JSON object"):
            outbox.enqueue(connection, "ship", [1])  # type: ignore[arg-type]
        with pytest.raises(TaskerValidationError, match="correlation_id must be a UUID, not 'x'"):
            outbox.enqueue(connection, "ship", correlation_id="x")
        with pytest.raises(TaskerValidationError, match="on_conflict must be 'dead' or 'ignore'"):
            outbox.enqueue(connection, "ship", on_conflict="skip")  # type: ignore[arg-type]
        with pytest.raises(TaskerConfigError, match="Engine has no transaction to write into"):
            outbox.enqueue(engine(bed), "ship")
    with pytest.raises(TaskerConfigError, match="table 'a; drop table b' is not a name"):
        Outbox("a; drop table b")
    assert written(bed) == []


def test_the_commits_of_a_key_are_in_the_order_of_the_ids(bed: Bed) -> None:
    """Without the lock the second transaction would commit first, and its row be relayed first."""
    second_written = threading.Event()

    def second() -> None:
        bed.enqueue({"n": 2}, ordering_key="k")
        second_written.set()

    with bed.connect() as first:
        Outbox(bed.table).enqueue(first, "note", {"n": 1}, ordering_key="k")
        thread = threading.Thread(target=second)
        thread.start()
        waits = "select 1 from pg_locks where locktype = 'advisory' and not granted"
        with bed.connect() as watch:
            eventually(
                lambda: watch.execute(waits).fetchone() or second_written.is_set(), timeout=60
            )
            bed.enqueue({"n": 3}, ordering_key="other")
        assert not second_written.is_set()
    thread.join(60)
    assert [row.context["n"] for row in bed.rows() if row.ordering_key == "k"] == [1, 2]


def test_the_relay_takes_an_engine_or_a_function(bed: Bed) -> None:
    bed.enqueue({"n": 1})
    for database in (engine(bed), bed.connect, driver_url(bed)):
        store = SqlStore(database, bed.table)
        assert [row.context for row in store.rows()] == [{"n": 1}]
        store.close()


def test_a_connection_that_the_relay_cannot_use(bed: Bed) -> None:
    def autocommit() -> Any:
        return psycopg.connect(bed.stack.database_url, autocommit=True)

    with pytest.raises(TaskerConfigError, match="is in autocommit mode"):
        SqlStore(autocommit, bed.table).stats()
    with pytest.raises(TaskerConfigError, match="AsyncEngine is of one event loop: give the"):
        SqlStore(create_async_engine(driver_url(bed)), bed.table)
    with pytest.raises(TaskerConfigError, match="the database of the outbox is int: give a URL"):
        OutboxRelay(5, client=bed.client())


def test_the_table_lies_where_its_name_says() -> None:
    text = ddl("shop.outbox")
    assert "create table shop.outbox (" in text
    assert "create index outbox_open on shop.outbox " in text


def test_sqlalchemy_and_psycopg_are_imported_only_when_used(tmp_path: Path) -> None:
    code = (
        "import sys, tasker_contrib\n"
        "tasker_contrib.Outbox(); tasker_contrib.OutboxRelay('postgresql://a:b@h/d')\n"
        "print(sorted({'sqlalchemy', 'psycopg', 'tasker_core', 'django'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
