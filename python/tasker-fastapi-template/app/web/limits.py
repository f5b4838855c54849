"""Rate limits as dependencies, on the package `limits`; slowapi would only wrap that."""

from __future__ import annotations

import math
import time

from fastapi import HTTPException, Request, status
from limits import parse
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.storage import storage_from_string

from app.settings import Settings


class RateLimits:
    """The counters of an application."""

    def __init__(self, settings: Settings) -> None:
        storage = storage_from_string(f"async+{settings.rate_limit_storage}")
        if not isinstance(storage, Storage):  # for the type checker: `async+` makes only these
            raise TypeError(type(storage))
        self._limiter = MovingWindowRateLimiter(storage)
        self._rates = {
            "login": parse(settings.login_rate),
            "upload": parse(settings.upload_rate),
        }

    async def hit(self, name: str, who: str) -> None:
        """Count a request.

        Raises:
            HTTPException: 429, when there were too many.
        """
        rate = self._rates[name]
        if await self._limiter.hit(rate, name, who):
            return
        window = await self._limiter.get_window_stats(rate, name, who)
        wait = max(1, math.ceil(window.reset_time - time.time()))
        raise HTTPException(
            status.HTTP_429_TOO_MANY_REQUESTS,
            f"more than {rate}: try again in {wait} s",
            headers={"Retry-After": str(wait)},
        )


async def limit_login(request: Request) -> None:
    """By address: behind a proxy, tell uvicorn which one to believe (FORWARDED_ALLOW_IPS)."""
    limits: RateLimits = request.app.state.rate_limits
    await limits.hit("login", request.client.host if request.client else "unknown")
