"""Ids of the task and the step in log records.

While a step is executed, every record that passes a handler of the root logger has `task_uuid`,
`step_uuid`, `step`, `handler`, `namespace`, `correlation_id` and `attempt`. The worker puts
`TaskerLogFilter` on the handlers that exist when it starts; put it on others yourself:

Example:
    ```python
    LOGGING = {
        "version": 1,
        "filters": {"tasker": {"()": "tasker_contrib.TaskerLogFilter"}},
        "formatters": {"plain": {"format": "%(levelname)s %(task_uuid)s %(message)s"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["tasker"]}},
        "root": {"handlers": ["console"]},
    }
    ```

structlog users get the same fields through `structlog.contextvars.merge_contextvars`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["FIELDS", "TaskerLogFilter"]

FIELDS = (
    "task_uuid",
    "step_uuid",
    "step",
    "handler",
    "namespace",
    "correlation_id",
    "attempt",
)

_fields: ContextVar[dict[str, object] | None] = ContextVar("tasker_log_fields", default=None)


class TaskerLogFilter(logging.Filter):
    """Adds the ids of the current step to a record; lets every record pass.

    Outside of a step the fields are "-", so that formats which name them always work. Fields that
    the record has already (from `extra`) are kept.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields."""
        fields = _fields.get() or {}
        for name in FIELDS:
            if name not in record.__dict__:
                setattr(record, name, fields.get(name, "-"))
        return True


@contextmanager
def bound(fields: dict[str, object]) -> Iterator[None]:
    """Set the fields for the present context (and what it calls)."""
    token = _fields.set(fields)
    structlog_tokens = None
    contextvars = sys.modules.get("structlog.contextvars")
    if contextvars is not None:
        structlog_tokens = contextvars.bind_contextvars(**fields)
    try:
        yield
    finally:
        _fields.reset(token)
        if contextvars is not None and structlog_tokens is not None:
            contextvars.reset_contextvars(**structlog_tokens)


def install_filter() -> None:
    """Put the filter on every handler of the root logger and of loggers that do not propagate."""
    loggers: list[logging.Logger] = [logging.getLogger()]
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger) and not logger.propagate:
            loggers.append(logger)
    handlers = {handler for logger in loggers for handler in logger.handlers}
    if logging.lastResort is not None:
        handlers.add(logging.lastResort)
    for handler in handlers:
        if not any(isinstance(item, TaskerLogFilter) for item in handler.filters):
            handler.addFilter(TaskerLogFilter())
