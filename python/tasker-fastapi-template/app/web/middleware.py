"""What every request passes: an id, a limit of its size, metrics, security headers."""

from __future__ import annotations

import logging
import time
from uuid import UUID, uuid4

from fastapi import HTTPException
from prometheus_client import Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tasker_contrib_fastapi import metrics_registry

from app.logs import request_id

logger = logging.getLogger(__name__)

REQUESTS = Histogram(
    "app_http_request_duration_seconds",
    "Duration of requests by route and status.",
    ["method", "route", "status"],
    registry=metrics_registry,
)

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# The pages of the API's documentation load scripts; production has none of them.
DOCUMENTATION = ("/docs", "/redoc")


class RequestContext:
    """Gives each request an id, which the tasks it creates get too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identifier = _identifier(Headers(scope=scope).get("x-request-id"))
        status = 500
        started = time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = identifier
                for name, value in SECURITY_HEADERS.items():
                    is_policy = name == "Content-Security-Policy"
                    if not (is_policy and scope["path"].startswith(DOCUMENTATION)):
                        headers.setdefault(name, value)
            await send(message)

        token = request_id.set(identifier)
        try:
            await self._app(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - started
            # The route's pattern, not the path: a label must have few values.
            route = getattr(scope.get("route"), "path", "none")
            REQUESTS.labels(scope["method"], route, str(status)).observe(seconds)
            logger.log(
                # Probes come every few seconds.
                logging.DEBUG if scope["path"].startswith("/tasker/") else logging.INFO,
                "%s %s",
                scope["method"],
                route,
                extra={"status": status, "duration_ms": round(seconds * 1000, 1)},
            )
            request_id.reset(token)


class BodyLimit:
    """Refuses a body that is too large before it is stored anywhere."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most:
                raise HTTPException(413, f"the request has more than {self._most} bytes")
            return message

        await self._app(scope, counted, send)


def _identifier(given: str | None) -> str:
    try:
        return str(UUID(given)) if given else str(uuid4())
    except ValueError:
        return str(uuid4())
