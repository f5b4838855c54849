"""System checks: what a worker would refuse, found by `manage.py check`.

| Id | What |
|---|---|
| `tasker.E001` | a setting is wrong |
| `tasker.E002` | a module of step handlers cannot be imported |
| `tasker.E003` | a task template is wrong, a step has no handler, or a name has two handlers |
| `tasker.E004` | an `async` handler under `ATOMIC_REQUESTS` |
| `tasker.E005` | `TASKER["OUTBOX"]` is on, and the app of the outbox is not installed |
| `tasker.W001` | a setting has no effect |
| `tasker.W002` | a task template says something that has no effect |
| `tasker.W003` | (`--deploy`) the address of the server is the default |
| `tasker.W004` | (`--deploy`) the server is called without credentials |
| `tasker.W005` | (`--deploy`) a password is sent over plain HTTP to another machine |
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning
from tasker_contrib._internal.registry import registry
from tasker_contrib.errors import HandlerImportError, TaskerConfigError
from tasker_contrib.templates import check_app

from .conf import SETTING, outbox_is_default, setting_warnings, tasker_settings
from .discovery import autodiscover, handler_modules
from .outbox.enqueue import APP
from .steps import atomic_aliases

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def check_settings(**_: Any) -> list[CheckMessage]:
    """`tasker.E001`, `tasker.E005`, `tasker.W001`."""
    try:
        tasker_settings()
    except TaskerConfigError as error:
        hint = f"Correct settings.{SETTING}, or the environment variable that is named."
        return [Error(problem, hint=hint, id="tasker.E001") for problem in error.problems]
    hint = "Remove it."
    found: list[CheckMessage] = [
        Warning(text, hint=hint, id="tasker.W001") for text in setting_warnings()
    ]
    if outbox_is_default() and not apps.is_installed(APP):
        hint = f'Add "{APP}" to INSTALLED_APPS, and run `manage.py migrate`.'
        text = f'{SETTING}["OUTBOX"] is on, and the app of the outbox is not installed'
        found.append(Error(text, hint=hint, id="tasker.E005"))
    return found


def check_handlers(**_: Any) -> list[CheckMessage]:
    """`tasker.E002`, `tasker.E003`, `tasker.E004`, `tasker.W002`."""
    try:
        settings = tasker_settings()
    except TaskerConfigError:
        return []  # check_settings says it
    try:
        autodiscover()
    except HandlerImportError as error:
        hint = "Importing a module of handlers must not fail; the worker would not start."
        return [Error(problem, hint=hint, id="tasker.E002") for problem in error.problems]
    found: list[CheckMessage] = []
    if registry.names() or settings.templates.is_dir():
        # A project without either is one that does not use Tasker yet.
        report = check_app(settings.templates, handler_modules())
        hint = "The worker does not start before this is corrected."
        found += [Error(text, hint=hint, id="tasker.E003") for text in report.errors]
        hint = "Remove it, or correct it."
        found += [Warning(text, hint=hint, id="tasker.W002") for text in report.warnings]
    return found + _async_and_atomic()


def _async_and_atomic() -> list[CheckMessage]:
    handlers = [handler for name in registry.names() if (handler := registry.get(name))]
    return [
        Error(
            f"the handler {handler.name!r} ({handler.where}) is async, and ATOMIC_REQUESTS is on "
            f"for {', '.join(map(repr, aliases))}: a transaction cannot span an async function",
            hint="Make it a plain function, or decorate it with transaction.non_atomic_requests.",
            id="tasker.E004",
        )
        for handler in handlers
        if handler.signature.is_async and (aliases := atomic_aliases(handler.fn))
    ]


def check_deployment(**_: Any) -> list[CheckMessage]:
    """`tasker.W003` to `tasker.W005`, for `manage.py check --deploy`."""
    try:
        settings = tasker_settings()
    except TaskerConfigError:
        return []
    found: list[CheckMessage] = []
    if settings.source("orchestration.url") == "default":
        found.append(
            Warning(
                f"the address of the Tasker server is the default, {settings.orchestration_url}",
                hint=f'Set {SETTING}["ORCHESTRATION"]["URL"] or TASKER_ORCHESTRATION_URL.',
                id="tasker.W003",
            )
        )
    orchestration = settings.orchestration
    if not (orchestration.token or orchestration.api_key):
        found.append(
            Warning(
                "the Tasker server is called without credentials: whoever reaches it can create "
                "and cancel tasks",
                hint=f'Turn on authentication at the server, and set {SETTING}["ORCHESTRATION"]'
                '["API_KEY"] or ["TOKEN"].',
                id="tasker.W004",
            )
        )
        return found
    url = urlsplit(settings.orchestration_url)
    if url.scheme == "http" and url.hostname not in _LOOPBACK:
        found.append(
            Warning(
                f"credentials go to {settings.orchestration_url} unencrypted",
                hint="Put a proxy that speaks TLS in front of the server, and use its https URL.",
                id="tasker.W005",
            )
        )
    return found
