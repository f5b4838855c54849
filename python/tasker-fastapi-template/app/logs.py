"""Logs as JSON, one object a line, with the ids of the request, the task and the step."""

from __future__ import annotations

import logging
import logging.config
from contextvars import ContextVar

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

# Names of `TaskerLogFilter` that say nothing outside of a step.
_EMPTY = "-"


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class DropEmpty(logging.Filter):
    """Runs after the others: what a record has no value for is left out of its line."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in list(record.__dict__.items()):
            if value == _EMPTY or (name == "request_id" and value is None):
                del record.__dict__[name]
        return True


def configure_logs(level: str) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {
                "request": {"()": RequestIdFilter},
                "step": {"()": "tasker_contrib_fastapi.TaskerLogFilter"},
                "empty": {"()": DropEmpty},
            },
            "formatters": {
                "json": {
                    "()": "pythonjsonlogger.json.JsonFormatter",
                    "format": "%(levelname)s %(name)s %(message)s",
                    "rename_fields": {"levelname": "level", "name": "logger"},
                    "timestamp": "time",
                }
            },
            "handlers": {
                "stdout": {
                    "class": "logging.StreamHandler",
                    "stream": "ext://sys.stdout",
                    "formatter": "json",
                    "filters": ["request", "step", "empty"],
                }
            },
            "root": {"level": level, "handlers": ["stdout"]},
            # uvicorn's own handlers would write lines that are not JSON.
            "loggers": {
                "uvicorn": {"handlers": [], "propagate": True},
                "uvicorn.error": {"handlers": [], "propagate": True},
                # The middleware logs each request, with its id.
                "uvicorn.access": {"handlers": [], "propagate": False},
                "httpx": {"level": "WARNING"},
            },
        }
    )
