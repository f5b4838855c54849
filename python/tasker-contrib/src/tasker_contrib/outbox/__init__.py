"""An outbox: a task that is written in the application's transaction, and created after its commit.

`create_task` after a commit loses the task when the process dies in between. `Outbox.enqueue`
writes a row in the same transaction instead, and a relay creates the task from it.

Example:
    ```python
    outbox = Outbox()
    with Session(engine) as session, session.begin():
        session.add(order)
        outbox.enqueue(session, "ship", {"order_id": order.id}, namespace="shop")
    ```
"""

from __future__ import annotations

from .enqueue import Enqueued, Outbox
from .relay import OutboxRelay
from .rows import OutboxRow, OutboxStats
from .schema import TABLE, ddl, statements
from .store import SqlStore

__all__ = [
    "TABLE",
    "Enqueued",
    "Outbox",
    "OutboxRelay",
    "OutboxRow",
    "OutboxStats",
    "SqlStore",
    "ddl",
    "statements",
]
