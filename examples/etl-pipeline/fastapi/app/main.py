"""The FastAPI application: `uvicorn app.main:app`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import tasker_contrib_fastapi as tasker
from fastapi import FastAPI

from app import routes, source
from app.db import close_pool


@asynccontextmanager
async def resources(app: FastAPI) -> AsyncIterator[None]:
    """Close the connection pool when everything that uses it, the worker too, has stopped."""
    yield
    close_pool()


app = FastAPI(
    title="US domestic flights",
    summary="An example data pipeline with Tasker",
    lifespan=tasker.lifespan(wrap=resources),
)
app.include_router(routes.router)
app.include_router(source.router)
# Open to whoever reaches these routes: pass dependencies=[Depends(…)] before others do.
app.include_router(tasker.router(tasks=True), prefix="/tasker")
