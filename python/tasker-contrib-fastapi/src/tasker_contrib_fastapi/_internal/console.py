"""Shows this package's log lines where nobody has configured logging.

`uvicorn app.main:app` configures only its own loggers: without this, the line that says what the
process does, and that its worker has started, would go nowhere.
"""

from __future__ import annotations

import logging
import sys

_OURS = "tasker_contrib_fastapi"
_SERVER = "uvicorn"
_SERVER_LEVEL = "uvicorn.error"  # `uvicorn --log-level` sets the level here
_FORMAT = "%(levelname)s:     %(message)s"  # as uvicorn's, for other servers


class _UntilConfigured(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to stderr, and leaves when the app configures logging later."""

    def emit(self, record: logging.LogRecord) -> None:
        if _others():
            logger = logging.getLogger(_OURS)
            logger.removeHandler(self)
            logger.setLevel(logging.NOTSET)
            return
        super().emit(record)


def log_to_server_if_unconfigured() -> None:
    """Give our logger a handler in the server's format, unless a handler gets its records."""
    logger = logging.getLogger(_OURS)
    if logger.hasHandlers():
        return
    server = logging.getLogger(_SERVER).handlers
    stream = getattr(server[0], "stream", sys.stderr) if server else sys.stderr
    handler = _UntilConfigured(stream)
    handler.setFormatter((server and server[0].formatter) or logging.Formatter(_FORMAT))
    logger.addHandler(handler)
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.getLogger(_SERVER_LEVEL).level if server else logging.INFO)


def _others() -> bool:
    ours, root = logging.getLogger(_OURS), logging.getLogger()
    handlers = [*ours.handlers, *(root.handlers if ours.propagate else [])]
    return any(not isinstance(handler, _UntilConfigured) for handler in handlers)
