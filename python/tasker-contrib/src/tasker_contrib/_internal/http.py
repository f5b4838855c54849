"""The HTTP client of `@api_handler`, and what its errors mean for a retry."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import httpx
from tasker_core.errors import PermanentError, RetryableError

from .registry import Handler
from .retry_after import retry_after

RETRYABLE_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


async def http_client(handler: Handler, stack: AsyncExitStack) -> httpx.AsyncClient | httpx.Client:
    """A client with the handler's options, closed with `stack`."""
    options: dict[str, Any] = {
        "base_url": handler.options["base_url"],
        "timeout": handler.options["timeout"],
        "headers": handler.options["headers"],
    }
    if handler.signature.http_async:
        return await stack.enter_async_context(httpx.AsyncClient(**options))
    return stack.enter_context(httpx.Client(**options))


def classify(error: httpx.HTTPError) -> PermanentError | RetryableError:
    """Turn an httpx error into one that says whether a retry makes sense."""
    if isinstance(error, httpx.HTTPStatusError):
        response = error.response
        # The URL is left without its query: it may carry a key.
        url = response.request.url.copy_with(query=None)
        message = f"{response.request.method} {url} answered {response.status_code}"
        code = f"http_{response.status_code}"
        if response.status_code in RETRYABLE_STATUS:
            after = retry_after(response.headers.get("retry-after"))
            return RetryableError(message, error_code=code, retry_after=after)
        return PermanentError(message, error_code=code)
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.TooManyRedirects)):
        return PermanentError(f"{type(error).__name__}: {error}")
    return RetryableError(f"{type(error).__name__}: {error}")
