"""Runs the migrations on `DATABASE_URL`, inside the schema `etl`.

The version table lives in that schema too, so that this example never meets Tasker's own tables
and can share a database with it.
"""

from __future__ import annotations

import sys

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from app.settings import get_settings

SCHEMA = "etl"


def migrate() -> None:
    url = make_url(get_settings().database_url).set(drivername="postgresql+psycopg")
    if context.is_offline_mode():
        context.configure(url=url, literal_binds=True, version_table_schema=SCHEMA)
        with context.begin_transaction():
            context.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            context.run_migrations()
        return
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            context.configure(connection=connection, version_table_schema=SCHEMA)
            with context.begin_transaction():
                context.run_migrations()
    except OperationalError as error:
        sys.exit(
            f"cannot migrate {url.render_as_string(hide_password=True)} (DATABASE_URL): "
            f"{error.orig}\nStart the local stack (`tasker-dev up`) or correct DATABASE_URL."
        )
    finally:
        engine.dispose()


migrate()
