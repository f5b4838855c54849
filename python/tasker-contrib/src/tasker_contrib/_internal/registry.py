"""Which handlers exist, by the exact name the task templates call them."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .signature import Signature


@dataclass(frozen=True)
class Handler:
    """A function registered with one of the decorators of this package."""

    name: str
    fn: Callable[..., Any]
    kind: str
    signature: Signature
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """`module.function` and the line, for messages."""
        code = inspect.unwrap(self.fn).__code__
        return f"{self.fn.__module__}.{self.fn.__qualname__} (line {code.co_firstlineno})"

    @property
    def identity(self) -> tuple[str, str]:
        """The same after a reload of the module."""
        return (self.fn.__module__, self.fn.__qualname__)


class Registry:
    """Handlers of this process. Decorators write to the one instance `registry`."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self._duplicates: dict[str, list[Handler]] = {}
        self._lock = threading.Lock()

    def add(self, handler: Handler) -> None:
        """Register. A second function of the same name is kept apart and reported at boot."""
        with self._lock:
            known = self._handlers.get(handler.name)
            if known is not None and known.identity != handler.identity:
                others = self._duplicates.setdefault(handler.name, [])
                others[:] = [o for o in others if o.identity != handler.identity] + [handler]
                return
            self._handlers[handler.name] = handler

    def get(self, name: str) -> Handler | None:
        """The handler of that name, or None."""
        return self._handlers.get(name)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._handlers)

    def duplicates(self) -> dict[str, list[Handler]]:
        """Names that more than one function claims, with all of them."""
        return {name: [self._handlers[name], *o] for name, o in self._duplicates.items()}

    def snapshot(self) -> tuple[dict[str, Handler], dict[str, list[Handler]]]:
        """The present content, to be given to `restore` (tests)."""
        with self._lock:
            return dict(self._handlers), {k: list(v) for k, v in self._duplicates.items()}

    def restore(self, content: tuple[dict[str, Handler], dict[str, list[Handler]]]) -> None:
        """Replace the content by what `snapshot` returned (tests)."""
        with self._lock:
            self._handlers, self._duplicates = dict(content[0]), dict(content[1])


registry = Registry()
