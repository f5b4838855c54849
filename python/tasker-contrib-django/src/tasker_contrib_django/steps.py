"""What Django does around a request, done around each step.

A step gets usable database connections and gives them back, begins with the project's language and
time zone whatever the step before it did, and runs in a transaction where ATOMIC_REQUESTS says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections, connections, reset_queries, transaction
from django.utils import timezone, translation
from tasker_contrib._internal.injection import AppContext
from tasker_contrib._internal.registry import registry
from tasker_contrib._internal.threads import RunSync

from ._internal.json import complaint, find_model

if TYPE_CHECKING:
    from tasker_contrib.handlers import StepContext

__all__ = ["app_context", "around_async_step", "around_step", "test_context"]


@contextmanager
def surroundings(step: StepContext) -> Iterator[None]:
    """Language, time zone and transactions, for a handler that is a plain function."""
    handler = registry.get(step.handler_name)
    with _language_and_time_zone(), ExitStack() as transactions:
        for alias in atomic_aliases(handler.fn if handler is not None else None):
            transactions.enter_context(transaction.atomic(using=alias))
        yield


@asynccontextmanager
async def async_surroundings(step: StepContext) -> AsyncIterator[None]:
    """Language and time zone, for a handler that is `async`."""
    with _language_and_time_zone():
        yield


@contextmanager
def around_step(step: StepContext) -> Iterator[None]:
    """The same with fresh connections; runs in the thread of the handler."""
    _connections_in()
    try:
        with surroundings(step):
            yield
    finally:
        close_old_connections()


@asynccontextmanager
async def around_async_step(step: StepContext) -> AsyncIterator[None]:
    """The same; queries of `async` code run in Django's one thread for them."""
    await sync_to_async(_connections_in)()
    try:
        async with async_surroundings(step):
            yield
    finally:
        await sync_to_async(close_old_connections)()


@contextmanager
def _language_and_time_zone() -> Iterator[None]:
    with translation.override(settings.LANGUAGE_CODE), timezone.override(None):
        yield


def _connections_in() -> None:
    """As at `request_started`: without `DEBUG`'s queries of other steps, and no dead connection."""
    reset_queries()
    close_old_connections()


def atomic_aliases(fn: Callable[..., Any] | None = None) -> list[str]:
    """Databases with ATOMIC_REQUESTS; without those of `transaction.non_atomic_requests`."""
    exempt: set[str] = getattr(fn, "_non_atomic_requests", set())
    return [
        alias
        for alias in connections
        if connections.settings[alias].get("ATOMIC_REQUESTS") and alias not in exempt
    ]


def app_context() -> AppContext:
    """What the worker passes on to the execution of steps."""
    return AppContext(
        around_step=around_step, around_async_step=around_async_step, refuse=refuse_rows
    )


def test_context(run_sync: RunSync) -> AppContext:
    """The same for test helpers: the connections are the test's, and stay as they are."""
    return AppContext(
        around_step=surroundings,
        around_async_step=async_surroundings,
        refuse=refuse_rows,
        run_sync=run_sync,
    )


def refuse_rows(result: Any) -> str | None:
    """Why a result cannot be stored, if it holds a model instance or a query set."""
    found = find_model(result)
    return complaint(found, "the result") if found is not None else None
