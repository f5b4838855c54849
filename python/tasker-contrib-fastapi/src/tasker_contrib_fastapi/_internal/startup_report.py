"""A start that fails for a reason the message names is reported without a traceback.

Starlette gives the server one text: the formatted traceback of whatever left the lifespan. uvicorn
(also below gunicorn) logs that text as it is. The frames in it are Starlette's and ours; what the
user must change is in the last lines.
"""

from __future__ import annotations

import logging

# The logger of `uvicorn.lifespan.on`; there is no other hook between the two.
_SERVER_LOGGER = "uvicorn.error"


class _MessageOnly(logging.Filter):
    """Reduces the one record that ends with `message` to it."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self._message = message

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage().rstrip()
        if text.startswith("Traceback ") and text.endswith(self._message):
            record.msg, record.args = "%s", (self._message,)
            logging.getLogger(_SERVER_LOGGER).removeFilter(self)
        return True


def without_traceback(error: Exception) -> None:
    """Call before `error` leaves the lifespan of a starting app."""
    logging.getLogger(_SERVER_LOGGER).addFilter(_MessageOnly(str(error)))
