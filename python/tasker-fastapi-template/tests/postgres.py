"""Something asynchronous with the database of the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import make_engine
from app.settings import Settings


def on_postgres(environment: dict[str, str], use: Callable[[AsyncEngine], Awaitable[None]]) -> None:
    settings = Settings.model_validate({"app_database_url": environment["APP_DATABASE_URL"]})

    async def run() -> None:
        engine = make_engine(settings)
        try:
            await use(engine)
        finally:
            await engine.dispose()

    asyncio.run(run())
