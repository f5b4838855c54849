"""Settings of the application, typed, from the environment.

Everything about Tasker itself (`DATABASE_URL`, `TASKER_…`) belongs to
`tasker_contrib_fastapi.TaskerSettings`.
"""

from __future__ import annotations

import os
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

EXAMPLE_SECRET = "example-secret-for-development-only"  # noqa: S105
EXAMPLE_PASSWORDS = ("app", "postgres", "tasker", "password")


class Settings(BaseSettings):
    """One field for each variable, whose name is the field's in capitals."""

    app_env: Literal["development", "test", "production"] = "development"
    # The application's own database. Tasker's is DATABASE_URL, and only the worker needs that one.
    app_database_url: SecretStr = SecretStr("postgresql://app:app@127.0.0.1:5432/app")
    # Connections of one process. A worker needs as many as it runs steps at the same time.
    db_pool_size: int = Field(default=10, ge=1, le=100)
    jwt_secret: SecretStr = SecretStr(EXAMPLE_SECRET)
    token_minutes: int = Field(default=30, ge=1, le=1440)
    max_upload_bytes: int = Field(default=5_000_000, ge=1)
    # Origins of browsers that may call the API, as a JSON list. None may unless it is here.
    cors_origins: list[str] = []
    # In the notation of the package `limits`; for each client address and for each user.
    login_rate: str = "10/minute"
    upload_rate: str = "60/minute"
    # `memory://` counts in each process for itself; `redis://host:6379` counts for all of them.
    rate_limit_storage: str = "memory://"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def database(self) -> URL:
        """The URL of the application's database, with the driver that it is used with."""
        return make_url(self.app_database_url.get_secret_value()).set(
            drivername="postgresql+psycopg"
        )

    @model_validator(mode="after")
    def _check(self) -> Settings:
        try:
            url = self.database
        except ArgumentError:
            raise ValueError(
                "APP_DATABASE_URL is not a URL such as postgresql://user:password@host:5432/name"
            ) from None
        if self.app_env != "production":
            return self
        secret = self.jwt_secret.get_secret_value()
        if secret == EXAMPLE_SECRET:
            raise ValueError(_refusal("JWT_SECRET has its example value"))
        if len(secret.encode()) < 32:
            raise ValueError(_refusal("JWT_SECRET has fewer than 32 bytes"))
        if url.password is None or url.password in EXAMPLE_PASSWORDS:
            raise ValueError(_refusal("the password in APP_DATABASE_URL is an example value"))
        if _password(os.environ.get("DATABASE_URL")) in EXAMPLE_PASSWORDS:
            raise ValueError(_refusal("the password in DATABASE_URL is an example value"))
        return self


def load_settings() -> Settings:
    """Read the settings; a wrong one ends the process with one line for each mistake."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [_line(item["loc"], item["msg"]) for item in error.errors()]
        raise SystemExit("error: " + "\nerror: ".join(lines)) from None


def _line(place: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"{str(place[0]).upper()}: {message}" if place else message


def _refusal(what: str) -> str:
    return (
        f"{what}, which APP_ENV=production refuses; "
        "`python -c 'import secrets; print(secrets.token_urlsafe(48))'` makes a good one"
    )


def _password(url: str | None) -> str | None:
    try:
        return make_url(url).password if url else None
    except ArgumentError:
        return None  # Tasker's own settings say what is wrong with it
