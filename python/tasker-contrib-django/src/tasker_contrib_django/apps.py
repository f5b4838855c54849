"""The app. It starts nothing: no thread, no connection, no native code."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks


class TaskerConfig(AppConfig):
    """Tasker in `INSTALLED_APPS`."""

    name = "tasker_contrib_django"
    label = "tasker_contrib_django"
    verbose_name = "Tasker"

    def ready(self) -> None:
        """Register the system checks. Handlers are imported when something asks for them."""
        from .checks import check_deployment, check_handlers, check_settings

        for check in (check_settings, check_handlers):
            checks.register(check, "tasker")
        checks.register(check_deployment, "tasker", deploy=True)
