"""What a relay would do, at once and in the transaction of the test."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS

from ..client import clients
from ..outbox.relay import outbox_relay


def relay_outbox(using: str = DEFAULT_DB_ALIAS) -> int:
    """Create the tasks of the outbox's rows that are due; returns how many.

    The tasks go to the fake server. Rows that it refuses stay, with their `last_error`.

    Args:
        using: the database's alias.

    Example:
        ```python
        self.client.post("/orders/", {"amount": 5})
        self.assertEqual(relay_outbox(), 1)
        self.assertEqual([task.name for task in self.tasker.created], ["order"])
        ```
    """
    relay = outbox_relay(using, client=clients.for_threads())
    total = 0
    while True:
        done = relay.relay_once()
        total += done.created
        if done.pause is not None or not (done.created or done.failed):
            return total
