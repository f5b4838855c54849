"""The application.

`uvicorn app.main:app` answers requests, `tasker worker app.main:app` runs the steps.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import tasker_contrib_fastapi as tasker
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.middleware.cors import CORSMiddleware

from app.database import make_engine, make_sessions
from app.documents.store import SqlDocuments
from app.logs import configure_logs
from app.settings import Settings, load_settings
from app.telemetry import configure_telemetry
from app.users import SqlUsers
from app.web import auth, routes
from app.web.limits import RateLimits
from app.web.middleware import BodyLimit, RequestContext

# A web process creates tasks and runs no steps; `tasker worker` sets this variable itself.
os.environ.setdefault("TASKER_MODE", "client")

# What multipart adds to a file.
ENVELOPE_BYTES = 10_000


@asynccontextmanager
async def resources(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """What routes and steps use. Tasker drains first, so that a step has it to its end."""
    engine: AsyncEngine = app.state.engine
    sessions = make_sessions(engine)
    try:
        yield {"documents": SqlDocuments(sessions), "users": SqlUsers(sessions)}
    finally:
        await engine.dispose()


def create_app(settings: Settings) -> FastAPI:
    has_docs = settings.app_env != "production"
    app = FastAPI(
        title="Document intake",
        lifespan=tasker.lifespan(wrap=resources),
        openapi_url="/openapi.json" if has_docs else None,
    )
    app.state.settings = settings
    # It connects when it is first used, in the process that uses it.
    app.state.engine = make_engine(settings)
    configure_telemetry(app, app.state.engine)
    app.state.rate_limits = RateLimits(settings)
    app.include_router(auth.router)
    app.include_router(routes.router)
    app.include_router(tasker.router(), prefix="/tasker", tags=["health"])
    tasker.install_problem_handlers(app)
    app.add_middleware(BodyLimit, most=settings.max_upload_bytes + ENVELOPE_BYTES)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-ID"],
        )
    app.add_middleware(RequestContext)  # the last one added is the first to see a request
    return app


def load_app() -> FastAPI:
    settings = load_settings()
    configure_logs(settings.log_level)
    return create_app(settings)


app = load_app()
