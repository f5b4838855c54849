"""What both clients are made with."""

from __future__ import annotations

from typing import Any

from ..settings import TaskerSettings
from .answers import auth_headers

INITIATOR = "tasker-contrib"
SOURCE_SYSTEM = "python"


def arguments_from(settings: TaskerSettings) -> dict[str, Any]:
    """The arguments of a client for the settings of an app."""
    orchestration = settings.orchestration
    token, key = orchestration.token, orchestration.api_key
    retries, timeout_ms = orchestration.max_retries, orchestration.timeout_ms
    return {
        "base_url": settings.orchestration_url,
        "token": token.get_secret_value() if token else None,
        "api_key": key.get_secret_value() if key else None,
        "api_key_header": orchestration.api_key_header,
        "timeout": 30.0 if timeout_ms is None else timeout_ms / 1000,
        "max_retries": 3 if retries is None else retries,
        "max_concurrency": orchestration.max_concurrency,
        "templates": settings.templates,
    }


def headers_from(settings: TaskerSettings) -> dict[str, str]:
    """The headers that carry the credentials of an app."""
    arguments = arguments_from(settings)
    return auth_headers(arguments["token"], arguments["api_key"], arguments["api_key_header"])
