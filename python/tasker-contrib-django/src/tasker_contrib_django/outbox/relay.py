"""The relay of a project."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS
from tasker_contrib.client import SyncTaskerClient
from tasker_contrib.outbox import OutboxRelay
from tasker_contrib.outbox.relay import relay_client

from ..client import clients
from ..conf import tasker_settings
from ..operations import INITIATOR, SOURCE_SYSTEM
from ..signals import send_task_created
from .enqueue import must_be_installed

__all__ = ["outbox_relay"]


def outbox_relay(
    using: str = DEFAULT_DB_ALIAS, *, client: SyncTaskerClient | None = None, poll: float = 1.0
) -> OutboxRelay:
    """A relay of one database's outbox; call its `start` and `stop` to run it in a thread.

    Args:
        using: the database's alias.
        client: creates the tasks; by the project's settings when left out.
        poll: seconds between two looks at an empty table.

    Raises:
        TaskerConfigError: the app is not installed, or a setting is wrong.
        TaskerContribError: Tasker is off in this process.
    """
    must_be_installed()
    clients.must_be_usable()
    from .store import DjangoStore

    if client is None:
        client = relay_client(tasker_settings(), initiator=INITIATOR, source_system=SOURCE_SYSTEM)
    return OutboxRelay(DjangoStore(using), client=client, poll=poll, on_created=send_task_created)
