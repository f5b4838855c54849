"""Writes a row of the outbox with Django's own connection, in the transaction that is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.db import connections, transaction
from tasker_contrib.client.context import task_context
from tasker_contrib.errors import TaskerConfigError, TaskerValidationError
from tasker_contrib.outbox.rows import as_uuid, request_options

APP = "tasker_contrib_django.outbox"

_OPTIONS = frozenset(
    {
        "correlation_id",
        "idempotent",
        "initiator",
        "parent_correlation_id",
        "priority",
        "reason",
        "source_system",
        "tags",
        "version",
    }
)


def must_be_installed() -> None:
    """Check that the table can be there.

    Raises:
        TaskerConfigError: the app is not installed.
    """
    if not apps.is_installed(APP):
        raise TaskerConfigError(
            f'the outbox is not installed: add "{APP}" to INSTALLED_APPS, and run '
            "`manage.py migrate`"
        )


def enqueue(
    name: str,
    context: Mapping[str, Any],
    *,
    namespace: str,
    using: str,
    ordering_key: str | None,
    options: Mapping[str, Any],
) -> int:
    """Write a row; returns its id.

    Raises:
        TaskerConfigError: the app is not installed.
        TaskerValidationError: the context cannot be stored, or an option is not one.
    """
    must_be_installed()
    from .models import OutboxEntry

    given = dict(options)
    unknown = sorted(given.keys() - _OPTIONS)
    if unknown:
        raise TaskerValidationError(f"create_task has no option {', '.join(map(repr, unknown))}")
    correlation = given.pop("correlation_id", None)
    entry = OutboxEntry(
        namespace=namespace,
        name=name,
        version=given.pop("version", "1.0.0"),
        context=task_context(context),
        ordering_key=ordering_key,
        correlation_id=uuid4() if correlation is None else as_uuid(correlation, "correlation_id"),
    )
    entry.options = request_options(
        on_conflict="ignore" if given.pop("idempotent", False) else "dead",
        parent_correlation_id=given.pop("parent_correlation_id", None),
        **given,
    )
    with transaction.atomic(using=using, savepoint=False):
        if ordering_key is not None:
            _lock(using, ordering_key)
        entry.save(using=using, force_insert=True)
    return entry.pk


def _lock(using: str, key: str) -> None:
    """Let a second transaction with the key wait, so that ids are in the order of commits."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        lock = "select pg_advisory_xact_lock(hashtextextended('tasker_outbox:' || %s, 0))"
        cursor.execute(lock, (key,))
