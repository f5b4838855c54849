"""The app. It has one model and no code that runs by itself."""

from __future__ import annotations

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """The outbox in `INSTALLED_APPS`."""

    name = "tasker_contrib_django.outbox"
    label = "tasker_outbox"
    verbose_name = "Tasker outbox"
    default_auto_field = "django.db.models.BigAutoField"
