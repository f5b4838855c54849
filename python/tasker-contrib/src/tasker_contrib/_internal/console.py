"""Shows this package's log lines where nobody has configured logging.

`uvicorn app.main:app` configures only its own loggers: without this, the line that says what the
process does, and that its worker has started, would go nowhere.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

_OURS = "tasker_contrib"
_SERVER = ("uvicorn", "uvicorn.error")  # the second one has gunicorn's handlers, below gunicorn
_FORMAT = "%(levelname)s:     %(message)s"  # as uvicorn's, for other servers


class _UntilConfigured(logging.Handler):
    """Passes records on to the server's handlers, and leaves when the app configures logging."""

    def __init__(self, targets: Sequence[logging.Handler]) -> None:
        super().__init__()
        self._targets = targets

    def emit(self, record: logging.LogRecord) -> None:
        if _others():
            logger = logging.getLogger(_OURS)
            logger.removeHandler(self)
            logger.setLevel(logging.NOTSET)
            return
        for target in self._targets:
            if record.levelno >= target.level:
                target.handle(record)


def log_to_server_if_unconfigured() -> None:
    """Show our records as the server shows its own, unless a handler gets them already."""
    logger = logging.getLogger(_OURS)
    if logger.hasHandlers():
        return
    servers = [logging.getLogger(name) for name in _SERVER]
    targets = next((server.handlers for server in servers if server.handlers), None)
    level = logging.INFO
    if targets is not None:
        level = servers[-1].getEffectiveLevel()  # what `uvicorn --log-level` sets
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(_FORMAT))
        targets = [handler]
    logger.addHandler(_UntilConfigured(list(targets)))
    if logger.level == logging.NOTSET:
        logger.setLevel(level)


def _others() -> bool:
    ours, root = logging.getLogger(_OURS), logging.getLogger()
    handlers = [*ours.handlers, *(root.handlers if ours.propagate else [])]
    return any(not isinstance(handler, _UntilConfigured) for handler in handlers)
