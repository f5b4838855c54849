"""Runs the migrations on APP_DATABASE_URL, one process at a time."""

from __future__ import annotations

import sys
from typing import Any

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from app import models
from app.database import SCHEMA
from app.settings import load_settings

# Any number, as long as nothing else in this database locks the same one.
LOCK = 7421


def is_ours(name: str | None, kind: str, _: Any) -> bool:
    return kind != "schema" or name == SCHEMA


def migrate() -> None:
    url = load_settings().database
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            context.configure(
                connection=connection,
                target_metadata=models.Document.metadata,
                version_table_schema=SCHEMA,
                include_schemas=True,
                include_name=is_ours,
            )
            with context.begin_transaction():
                context.run_migrations()
    except OperationalError as error:
        where = url.render_as_string(hide_password=True)
        sys.exit(f"error: cannot migrate {where} (APP_DATABASE_URL): {error.orig}")
    finally:
        engine.dispose()


migrate()
