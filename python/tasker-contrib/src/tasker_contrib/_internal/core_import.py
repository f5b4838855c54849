"""Makes the import of `tasker_core` quiet, whoever imports it and whenever.

The native library installs a console logger on stdout when it is imported, at `debug` unless
`LOG_LEVEL` or `RUST_LOG` say otherwise, and the level cannot be changed afterwards. We say `warn`
(or `TASKER_LOG_LEVEL`) for the moment of the import and leave the environment as it was.

Nothing here imports it: processes that only create tasks do not need it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_CORE = "tasker_core"


def log_filter(level: str) -> str:
    """The native library's filter for a level.

    Its queue poll waits up to five seconds in one SQL statement, and the SQL library warns of each
    statement that takes more than one: that warning says nothing and would fill the log. A start
    that fails is reported by an exception: the same words in the log are once too often.
    """
    if level not in ("error", "warn", "info"):
        return level
    # At each stop Core warns of a timeout: it waits for a channel that it never closes.
    stop = ",tasker_worker::worker::core=error" if level == "warn" else ""
    return f"{level},sqlx::query=error,_tasker_core::bootstrap=off{stop}"


@contextlib.contextmanager
def native_log_level(level: str | None) -> Iterator[None]:
    """Set `LOG_LEVEL` for a moment, unless the user set it or `RUST_LOG`."""
    if level is None or {"LOG_LEVEL", "RUST_LOG"} & os.environ.keys():
        yield
        return
    os.environ["LOG_LEVEL"] = log_filter(level)
    try:
        yield
    finally:
        del os.environ["LOG_LEVEL"]


class _Quietly(MetaPathFinder):
    """Finds `tasker_core` as the others do, and wraps the moment in which it is executed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _CORE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            sys.meta_path.insert(0, self)  # it may be installed later
            return spec
        execute = spec.loader.exec_module

        def quietly(module: ModuleType) -> None:
            with native_log_level(os.environ.get("TASKER_LOG_LEVEL", "warn")):
                execute(module)

        spec.loader.exec_module = quietly  # type: ignore[method-assign]
        return spec


def install() -> None:
    """Make the import quiet, if it has not happened yet."""
    known = any(isinstance(finder, _Quietly) for finder in sys.meta_path)
    if _CORE not in sys.modules and not known:
        sys.meta_path.insert(0, _Quietly())
