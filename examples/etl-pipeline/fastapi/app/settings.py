"""Settings of this application, from the environment.

Everything about Tasker itself (where the server is, how the worker runs) belongs to
`tasker_contrib_fastapi.TaskerSettings` and the variables that start with `TASKER_`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

APP_DIR = Path(__file__).resolve().parent.parent

# Downloaded files are kept here, beside the applications of this example, so that all share them.
CACHE_DIR = APP_DIR.parent / ".data"


class Settings(BaseSettings):
    """Settings read from environment variables.

    Attributes:
        database_url: `DATABASE_URL`; the application's own tables live in its schema `etl`.
        data_dir: `ETL_DATA_DIR`; the folder that input files are read from.
        source_url: `ETL_SOURCE_URL`; where the route source is served. Default: this application,
            on `PORT` (default 8000) of this machine.
    """

    model_config = SettingsConfigDict(populate_by_name=True)

    database_url: str = Field(
        default="postgresql://tasker:tasker@127.0.0.1:5432/tasker", validation_alias="DATABASE_URL"
    )
    data_dir: Path = Field(default=CACHE_DIR, validation_alias="ETL_DATA_DIR")
    source_url: str | None = Field(default=None, validation_alias="ETL_SOURCE_URL")
    port: int = Field(default=8000, validation_alias="PORT")

    @property
    def route_source_url(self) -> str:
        """Base URL of the route source, without a trailing slash."""
        return (self.source_url or f"http://127.0.0.1:{self.port}").rstrip("/")


@lru_cache
def get_settings() -> Settings:
    """Return the settings of this process."""
    return Settings()
