"""Finds step handlers: the module or package `step_handlers` of each installed app."""

from __future__ import annotations

import importlib.util

from django.apps import apps
from tasker_contrib._internal.discovery import import_handlers

from .conf import tasker_settings

MODULE = "step_handlers"


def handler_modules() -> tuple[str, ...]:
    """Dotted names: `step_handlers` of each app that has it, then `TASKER["HANDLERS"]`.

    Raises:
        AppRegistryNotReady: apps are still being loaded.
    """
    apps.check_apps_ready()
    # Apps are imported already, so looking for a submodule runs no code.
    names = [f"{config.name}.{MODULE}" for config in apps.get_app_configs()]
    found = [name for name in names if importlib.util.find_spec(name) is not None]
    return tuple(dict.fromkeys([*found, *tasker_settings().handlers]))


def autodiscover() -> None:
    """Import them, so that every handler is registered. Doing it again changes nothing.

    Raises:
        HandlerImportError: a module could not be imported; the message has the line.
    """
    import_handlers(handler_modules())
