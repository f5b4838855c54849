"""Imports `tasker_core` quietly; must run before anything else imports it.

The native library installs a console logger on stdout when it is imported, at `debug` unless
`LOG_LEVEL` or `RUST_LOG` say otherwise, and the level cannot be changed afterwards. We say `warn`
(or `TASKER_LOG_LEVEL`) for the moment of the import and leave the environment as it was.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


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


if "tasker_core" not in sys.modules:
    with native_log_level(os.environ.get("TASKER_LOG_LEVEL", "warn")):
        import tasker_core
else:
    import tasker_core

__all__ = ["log_filter", "native_log_level", "tasker_core"]
