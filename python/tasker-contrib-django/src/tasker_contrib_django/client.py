"""`tasker.client` and `tasker.aclient`: the server's REST API, by the project's settings.

Both are made at their first use and again when the settings change or the process was forked, so
`ready()`, migrations and gunicorn's preload open nothing.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import httpx
from django.core.signals import setting_changed
from tasker_contrib.errors import TaskerContribError

from . import conf
from .mode import logged_decision
from .operations import AsyncClient, Client, asynchronous, blocking

__all__ = ["AsyncClient", "Client", "aclient", "client"]


class _Clients:
    """The clients of this process: one for synchronous code, one for each event loop."""

    def __init__(self) -> None:
        #: Answers instead of the network (the fake server of tests).
        self.transport: httpx.MockTransport | None = None
        self.reset()

    def reset(self, **_: object) -> None:
        self.lock = threading.Lock()
        self.client: Client | None = None
        self.by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncClient] = (
            WeakKeyDictionary()
        )

    def must_be_usable(self) -> None:
        """Stop where no task may be created.

        Raises:
            TaskerContribError: the mode of this process is off; the message says why.
        """
        if self.transport is not None:
            return
        decided = logged_decision()
        if decided.mode == "off":
            raise TaskerContribError(f"Tasker is off in this process: {decided.reason}")

    def for_threads(self) -> Client:
        self.must_be_usable()
        with self.lock:
            if self.client is None:
                self.client = blocking(conf.tasker_settings(), self.transport)
            return self.client

    def for_loop(self) -> AsyncClient:
        self.must_be_usable()
        loop = asyncio.get_running_loop()
        found = self.by_loop.get(loop)
        if found is None:
            found = asynchronous(conf.tasker_settings(), self.transport)
            self.by_loop[loop] = found
        return found


clients = _Clients()


def _on_change(*, setting: str, **_: object) -> None:
    if setting == conf.SETTING:
        clients.reset()


setting_changed.connect(_on_change, dispatch_uid="tasker_contrib_django.client")
# The connections of the parent are the parent's.
os.register_at_fork(after_in_child=clients.reset)


class _Lazy:
    """Stands for an object that is made, or found, at each use of it."""

    def __init__(self, find: Callable[[], Any], what: str) -> None:
        self._find = find
        self._what = what

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # copy, pickle and doctest must not make a client
            raise AttributeError(name)
        return getattr(self._find(), name)

    def __repr__(self) -> str:
        return f"<{self._what} of settings.TASKER>"


if TYPE_CHECKING:
    client: Client
    aclient: AsyncClient
else:
    client = _Lazy(clients.for_threads, "client")
    aclient = _Lazy(clients.for_loop, "async client")
