"""The table of the outbox."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class OutboxEntry(models.Model):
    """A task that a relay has still to create; see `tasker_contrib.outbox.OutboxRow`."""

    created_at = models.DateTimeField(default=timezone.now)
    namespace = models.TextField()
    name = models.TextField()
    version = models.TextField()
    context = models.JSONField()
    options = models.JSONField(default=dict)
    ordering_key = models.TextField(null=True)  # noqa: DJ001 - an empty key is a key
    correlation_id = models.UUIDField()
    attempts = models.IntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now)
    last_error = models.TextField(null=True)  # noqa: DJ001 - as in the other frameworks
    dead_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "tasker_outbox"
        db_table = "tasker_outbox"
        verbose_name = "outbox entry"
        verbose_name_plural = "outbox entries"
        indexes = (
            models.Index(
                fields=["not_before", "id"],
                name="tasker_outbox_open",
                condition=models.Q(dead_at__isnull=True),
            ),
            models.Index(
                fields=["ordering_key", "id"],
                name="tasker_outbox_key",
                condition=models.Q(ordering_key__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"outbox entry {self.pk} ({self.namespace}/{self.name} {self.version})"
