"""What the server's answers mean, and whether a call is tried again."""

from __future__ import annotations

import ipaddress
import random
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import httpx

from .._internal.retry_after import retry_after
from ..errors import (
    TaskerBackpressure,
    TaskerClientError,
    TaskerConflict,
    TaskerNotFound,
    TaskerPermissionError,
    TaskerServerError,
    TaskerUnavailable,
    TaskerValidationError,
)

LONGEST_RETRY_WAIT = 5.0
_RETRY_STATUS = frozenset({429, 502, 503, 504})
#: After these it is unknown whether the server has done what it was asked for.
_MAYBE_DONE = frozenset({500, 502, 504})


def auth_headers(token: str | None, api_key: str | None, header: str) -> dict[str, str]:
    """Headers that carry the credentials."""
    if token:
        return {"Authorization": f"Bearer {token}"}
    return {header: api_key} if api_key else {}


def content(response: httpx.Response) -> Any:
    """The JSON of a successful answer.

    Raises:
        TaskerServerError: it has none, so something else than the server has answered.
    """
    try:
        return response.json()
    except ValueError as problem:
        raise TaskerServerError(
            f"{response.request.url.copy_with(query=None)} answered {response.status_code} without "
            "JSON; is this the orchestration server? Check orchestration.url "
            "(TASKER_ORCHESTRATION_URL)"
        ) from problem


def error_of(response: httpx.Response) -> TaskerClientError:
    """The exception for an answer that is not a success."""
    code: str | None = None
    message = response.text.strip() or response.reason_phrase
    try:
        details = response.json()["error"]
        code, message = str(details["code"]), str(details["message"])
    except (ValueError, KeyError, TypeError):
        pass  # the server's own framework answers some errors as plain text
    message = f"{message[:500]} (HTTP {response.status_code})"
    status = response.status_code
    if status == 404:
        return TaskerNotFound(message, code=code)
    if status == 409:
        return TaskerConflict(message, code=code)
    if status in (401, 403):
        return TaskerPermissionError(message, code=code)
    if status in (429, 503):
        after = retry_after(response.headers.get("retry-after"))
        return TaskerBackpressure(message, code=code, retry_after=after)
    if status in (502, 504):
        return TaskerUnavailable(message, code=code)
    if status >= 500 or status == 408:
        return TaskerServerError(message, code=code)
    return TaskerValidationError(message, code=code)


def unreachable(base_url: str, problem: Exception) -> TaskerUnavailable:
    """The exception for a request without an answer."""
    proxy = proxy_for(base_url)
    through = f" through the proxy {proxy}" if proxy else ""
    return TaskerUnavailable(
        f"the orchestration server at {base_url} cannot be reached{through}: "
        f"{type(problem).__name__} {problem}".rstrip(". ")
        + "; is it running, and is orchestration.url (TASKER_ORCHESTRATION_URL) right?"
    )


def is_maybe_done(problem: httpx.Response | Exception) -> bool:
    """Whether the server may have done what it was asked for, in spite of this."""
    if isinstance(problem, httpx.Response):
        return problem.status_code in _MAYBE_DONE
    return not isinstance(problem, (httpx.ConnectError, httpx.ConnectTimeout))


def wait_before(
    attempt: int, response: httpx.Response | None, error: TaskerClientError, *, repeats: bool
) -> float | None:
    """Seconds until the next try; None when there should be none.

    Args:
        attempt: tries before this one.
        response: the answer, if there was one.
        error: what it means.
        repeats: the call may be repeated although the server perhaps did it.
    """
    # When creations exhaust its pool, the server answers 500, whether it stored one or not.
    again = _RETRY_STATUS | {500} if repeats else _RETRY_STATUS
    if response is not None and response.status_code not in again:
        return None
    asked = error.retry_after if isinstance(error, TaskerBackpressure) else None
    if asked is not None:
        return asked if asked <= LONGEST_RETRY_WAIT else None
    wait: float = min(0.2 * 2**attempt, LONGEST_RETRY_WAIT) * random.uniform(0.75, 1.25)
    return wait


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine; no proxy leads there."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for a URL, without its credentials."""
    parts = urlsplit(url)
    if is_loopback(url) or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return None if proxy is None else proxy.rpartition("@")[2]
