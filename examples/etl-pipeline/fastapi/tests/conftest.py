"""Shared fixtures: the data, a migrated database, and the route source on a port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import uvicorn
from fastapi import FastAPI
from tasker_contrib_fastapi.testing import TaskerStack

from app import source
from app.data import fill_cache
from app.db import Connection, close_pool, get_connection
from app.settings import CACHE_DIR, get_settings

APP_DIR = Path(__file__).resolve().parents[1]
EXAMPLE_DIR = APP_DIR.parent
TEMPLATE = APP_DIR / "config/tasks/etl_pipeline.yaml"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with the pinned data sets; fetched when this machine has not got them yet."""
    fill_cache()
    return CACHE_DIR


@pytest.fixture(scope="session")
def source_url() -> Iterator[str]:
    """The route source, served by a real server on a free port."""
    web = FastAPI()
    web.include_router(source.router)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(web, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < deadline, "the route source did not start within 10 s"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def environment(
    tasker_stack: TaskerStack, data_dir: Path, source_url: str
) -> Iterator[dict[str, str]]:
    """The application's environment, on a real PostgreSQL with the migrations applied."""
    values = {
        **tasker_stack.env,
        "ETL_DATA_DIR": str(data_dir),
        "ETL_SOURCE_URL": source_url,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        get_settings.cache_clear()
        subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd=APP_DIR,
            env=os.environ,
            check=True,
        )
        yield values
        close_pool()
    get_settings.cache_clear()


@pytest.fixture
def database(environment: dict[str, str]) -> Iterator[Connection]:
    """A connection to the migrated database; the tables are empty when a test begins."""
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            "TRUNCATE etl.attempts, etl.flights, etl.statistics, etl.quarantine, etl.holds,"
            " etl.reports CASCADE"
        )
        yield connection


@pytest.fixture
def overrides(database: Connection) -> dict[Any, Any]:
    """Dependencies of the handlers in tests: the connection of the test."""
    return {get_connection: lambda: database}
