"""Creates tasks when the transaction that they belong to commits.

Example:
    ```python
    from django.db import transaction
    import tasker_contrib_django as tasker

    with transaction.atomic():
        order = Order.objects.create(...)
        tasker.create_task("ship", {"order_id": order.pk}, namespace="shop")
    ```

A step may run at once, on another machine: without this it would look for rows that are not there
yet, or that were rolled back. Between the commit and the call to the server the process may die,
and then there is no task. With `outbox=True` (or `TASKER["OUTBOX"]`) the task is a row of the same
transaction instead, and `manage.py tasker outbox relay` creates it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from tasker_contrib.client import Task
from tasker_contrib.errors import TaskerContribError, TaskerValidationError

from ._internal.json import complaint, find_model
from .client import aclient, client, clients
from .conf import outbox_is_default
from .outbox.enqueue import enqueue
from .signals import send_task_created

__all__ = ["TaskRequest", "acreate_task", "create_task"]

logger = logging.getLogger("tasker_contrib_django")

Context = Mapping[str, Any] | BaseModel | None


@dataclass
class TaskRequest:
    """A task that was created, or that will be when the transaction commits.

    Attributes:
        name: the template's name.
        namespace: the template's namespace.
        context: the input, as JSON.
        task: the task; None until the commit, and for ever when the server refused it then, or when
            it went into the outbox.
        outbox_id: the row of the outbox; None without one.
    """

    name: str
    namespace: str
    context: dict[str, Any]
    task: Task | None = None
    outbox_id: int | None = None

    @property
    def task_uuid(self) -> str:
        """The task's id.

        Raises:
            TaskerContribError: there is no task yet: the server gives the id.
        """
        if self.outbox_id is not None:
            raise TaskerContribError(
                f"task {self.namespace}/{self.name} has no id yet: a relay creates it from row "
                f"{self.outbox_id} of the outbox. Find it by a key in its context, or by its "
                "correlation_id"
            )
        if self.task is None:
            raise TaskerContribError(
                f"task {self.namespace}/{self.name} has no id yet: it is created when the "
                "transaction commits. Use on_commit=False, or read it in transaction.on_commit"
            )
        return self.task.task_uuid


def create_task(
    name: str,
    context: Context = None,
    *,
    namespace: str = "default",
    using: str | None = None,
    on_commit: bool = True,
    outbox: bool | None = None,
    ordering_key: str | None = None,
    **options: Any,
) -> TaskRequest:
    """Create a task: when the transaction commits, or at once when there is none.

    The context is taken as it is now, and what is wrong with it is said now. Tasker takes the same
    template with the same context only once, ever: put a key into it, or use `idempotent=True`.

    Args:
        name: the template's name.
        context: a JSON object, or a Pydantic model; the handlers' input.
        namespace: the template's namespace.
        using: the database whose transaction counts; the default one when left out.
        on_commit: False creates it at once in a transaction too.
        outbox: write it into the outbox of that database, in the open transaction; as
            `TASKER["OUTBOX"]` says when left out.
        ordering_key: in the outbox: tasks with the same key are created in the order of their
            commits.
        options: as for the client's `create_task`: `version`, `idempotent`, `priority`, `tags`,
            `initiator`, `reason`, `correlation_id`, ….

    Returns:
        The request. Outside of a transaction it has its task.

    Raises:
        TaskerValidationError: the context is not JSON, or holds a model instance; or the options
            exclude each other.
        TaskerConfigError: the outbox is not installed.
        TaskerClientError: the server refused, or was not reached. After a commit this is logged
            instead: other callbacks of the transaction still run.
    """
    alias = using or DEFAULT_DB_ALIAS
    if _into_outbox(outbox, on_commit, ordering_key):
        request = TaskRequest(name, namespace, checked_context(context))
        request.outbox_id = enqueue(
            name,
            request.context,
            namespace=namespace,
            using=alias,
            ordering_key=ordering_key,
            options=options,
        )
        return request
    clients.must_be_usable()
    request = TaskRequest(name, namespace, checked_context(context))

    def create() -> None:
        request.task = client.create_task(name, request.context, namespace=namespace, **options)
        send_task_created(request.task)

    if on_commit and _in_transaction(alias):
        transaction.on_commit(lambda: _after_commit(create, request), using=alias)
    else:
        create()
    return request


async def acreate_task(
    name: str,
    context: Context = None,
    *,
    namespace: str = "default",
    using: str | None = None,
    on_commit: bool = True,
    outbox: bool | None = None,
    ordering_key: str | None = None,
    **options: Any,
) -> TaskRequest:
    """The same for `async` code; a transaction is one of Django's thread for such code."""
    in_outbox = _into_outbox(outbox, on_commit, ordering_key)
    if in_outbox or (on_commit and await sync_to_async(_in_transaction)(using or DEFAULT_DB_ALIAS)):
        return await sync_to_async(create_task)(
            name,
            context,
            namespace=namespace,
            using=using,
            outbox=in_outbox,
            ordering_key=ordering_key,
            **options,
        )
    clients.must_be_usable()
    request = TaskRequest(name, namespace, checked_context(context))
    request.task = await aclient.create_task(name, request.context, namespace=namespace, **options)
    await sync_to_async(send_task_created)(request.task)
    return request


def _into_outbox(outbox: bool | None, on_commit: bool, ordering_key: str | None) -> bool:
    wanted = (outbox_is_default() and on_commit) if outbox is None else outbox
    if wanted and not on_commit:
        raise TaskerValidationError("on_commit=False creates at once, outbox=True later: use one")
    if ordering_key is not None and not wanted:
        raise TaskerValidationError("ordering_key is for tasks of the outbox: use outbox=True")
    return wanted


def _in_transaction(alias: str) -> bool:
    connection = connections[alias]
    # With autocommit off outside of `atomic`, Django's on_commit refuses, and says why.
    by_hand = connection.connection is not None and not connection.get_autocommit()
    return connection.in_atomic_block or by_hand


def _after_commit(create: Any, request: TaskRequest) -> None:
    """As `robust=True` does, with a message that names the task."""
    try:
        create()
    except Exception:
        logger.exception(
            "task %s/%s was not created after the commit; create it again, or use on_commit=False",
            request.namespace,
            request.name,
        )


def checked_context(context: Context) -> dict[str, Any]:
    """The context as JSON.

    Raises:
        TaskerValidationError: it is not.
    """
    found = find_model(context)
    if found is not None:
        raise TaskerValidationError(complaint(found, "the context"))
    try:
        value = to_jsonable_python({} if context is None else context)
    except ValueError as error:
        raise TaskerValidationError(f"the context is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise TaskerValidationError("the context must be a JSON object")
    return value
