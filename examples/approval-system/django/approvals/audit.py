"""One way to write the audit trail."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from .models import AuditEntry, PurchaseRequest


def record(
    request: PurchaseRequest,
    event: str,
    actor: User | None = None,
    *,
    key: str | None = None,
    **detail: Any,
) -> None:
    """Add an entry. With a `key` it is written once, however often a step runs."""
    entry = AuditEntry(
        request=request,
        revision=request.revision,
        event=event,
        actor=actor,
        detail=detail,
        key=key,
    )
    AuditEntry.objects.bulk_create([entry], ignore_conflicts=key is not None)
