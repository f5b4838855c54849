"""What Django does around a request, done around each step.

A step gets usable database connections and gives them back, begins with the project's language and
time zone whatever the step before it did, and runs in a transaction where ATOMIC_REQUESTS says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections, connections, reset_queries, transaction
from django.utils import timezone, translation
from tasker_contrib._internal.injection import AppContext
from tasker_contrib._internal.registry import registry
from tasker_contrib.handlers import StepContext

from ._internal.json import complaint, find_model

__all__ = ["app_context", "around_async_step", "around_step"]


@contextmanager
def _language_and_time_zone() -> Iterator[None]:
    with translation.override(settings.LANGUAGE_CODE), timezone.override(None):
        yield


def _connections_in() -> None:
    """As at `request_started`: without `DEBUG`'s queries of other steps, and no dead connection."""
    reset_queries()
    close_old_connections()


@contextmanager
def around_step(step: StepContext) -> Iterator[None]:
    """Around a handler that is a plain function, in the thread that runs it."""
    handler = registry.get(step.handler_name)
    fn = handler.fn if handler is not None else None
    _connections_in()
    try:
        with _language_and_time_zone(), ExitStack() as transactions:
            for alias in atomic_aliases(fn):
                transactions.enter_context(transaction.atomic(using=alias))
            yield
    finally:
        close_old_connections()


@asynccontextmanager
async def around_async_step(step: StepContext) -> AsyncIterator[None]:
    """Around a handler that is `async`: its queries run in Django's one thread for such code."""
    await sync_to_async(_connections_in)()
    try:
        with _language_and_time_zone():
            yield
    finally:
        await sync_to_async(close_old_connections)()


def atomic_aliases(fn: Callable[..., Any] | None = None) -> list[str]:
    """Databases with ATOMIC_REQUESTS; without those of `transaction.non_atomic_requests`."""
    exempt: set[str] = getattr(fn, "_non_atomic_requests", set())
    return [
        alias
        for alias in connections
        if connections.settings[alias].get("ATOMIC_REQUESTS") and alias not in exempt
    ]


def app_context() -> AppContext:
    """What the worker and the test helpers pass on to the execution of steps."""
    return AppContext(
        around_step=around_step, around_async_step=around_async_step, refuse=refuse_rows
    )


def refuse_rows(result: Any) -> str | None:
    """Why a result cannot be stored, if it holds a model instance or a query set."""
    found = find_model(result)
    return complaint(found, "the result") if found is not None else None
