"""The connection pool, and the dependency that hands a connection to a handler or an endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any

import psycopg
from fastapi import Depends
from psycopg_pool import ConnectionPool

from app.settings import get_settings

Connection = psycopg.Connection[tuple[Any, ...]]


@lru_cache
def get_pool() -> ConnectionPool[Connection]:
    """Return this process's pool, opened on first use.

    Not at import: a module that is imported must not connect, and a pool must not be shared with
    a forked child.
    """
    return ConnectionPool(
        get_settings().database_url,
        min_size=1,
        max_size=8,
        timeout=10,
        # Each function of `app.store` opens its own transaction; nothing is committed in passing.
        kwargs={"autocommit": True, "application_name": "etl-pipeline"},
        open=True,
    )


def close_pool() -> None:
    """Close the pool if this process has opened one."""
    if get_pool.cache_info().currsize:
        get_pool().close()
        get_pool.cache_clear()


def get_connection() -> Iterator[Connection]:
    """Lend a connection; it is in autocommit mode until a function begins a transaction."""
    with get_pool().connection() as connection:
        yield connection


Database = Annotated[Connection, Depends(get_connection)]
